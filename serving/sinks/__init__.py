"""Where answers are written to: one kind of target a file."""
