"""The shapes in which a CRM's tables are known, one a file.

Each file has a `SHAPE` and is found by its presence.
"""
