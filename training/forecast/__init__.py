"""Revenue of a period: what has been won, what open deals bring, what deals not yet created bring; and its record."""
