"""What a company's data look like: what to declare of them, each proposal with its evidence."""
