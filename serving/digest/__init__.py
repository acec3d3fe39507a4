"""Digests: a letter a person, at most once a day, by the channel where people already read."""
