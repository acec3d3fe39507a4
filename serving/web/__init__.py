"""Pages for reps and managers, and the API behind them."""
