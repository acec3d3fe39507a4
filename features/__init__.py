"""What was known about each deal, and when."""
