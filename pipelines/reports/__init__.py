"""What people and machines read of each command's result: text of 80 columns, and JSON."""
