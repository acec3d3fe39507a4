"""Each use case as one function that reads top to bottom, and the command line over them."""
