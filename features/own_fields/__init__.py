"""The features of a company's own columns, by what a column is declared as."""
