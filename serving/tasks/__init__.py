"""Tasks made of coaching where people work, on request: whose, about which deal, and never twice."""
