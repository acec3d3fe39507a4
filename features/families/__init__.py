"""The features, one family a file; a large one has several, and each declares its part under the family's name.

Each file has ``declare(vocabulary) -> Family`` and is found by its presence.
"""
