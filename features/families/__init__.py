"""The features, one family a file. Each file has ``declare(vocabulary) -> Family`` and is found by its presence."""
