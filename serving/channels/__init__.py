"""Where letters are sent to: one kind of channel a file."""
