"""A local copy of a remote source's tables as Parquet files, brought up to date page by page."""
