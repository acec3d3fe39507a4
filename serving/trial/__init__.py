"""The controlled trial: who is held back, what came of it, and whether that can be told yet."""
