"""The roads in: files, databases and vendors → the tables of the contract."""
