"""Win curve, win probability, stall risk, and the shrunken rates that stand in where data are few."""
