"""A database as a source: what its live schema holds, and its rows as Arrow, whatever the driver."""
