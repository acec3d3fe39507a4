"""Views on the store for other tools: documented columns, a file a subject; a file that declares VIEWS is found."""
