"""Answers put where people work: what would change, kept with what was there before, written, taken back."""
