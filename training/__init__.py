"""Models, and the proof that they are any good."""
