"""Answers, and the reasons for them."""
