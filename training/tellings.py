"""How an association is kept: counts, odds ratio and interval as plain data, false alarms of all that was tried."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.stratified import Association, Tables, after_so_many


def numbers_of(counts: Tables, found: Association, i: int) -> dict[str, Any]:
    """What is told of one statement; None what is not known."""
    won_had, lost_had = int(counts.won_had[i].sum()), int(counts.lost_had[i].sum())
    return {
        "won_had": won_had,
        "won": won_had + int(counts.won_not[i].sum()),
        "lost_had": lost_had,
        "lost": lost_had + int(counts.lost_not[i].sum()),
        "odds": or_none(found.odds[i]),
        "low": or_none(found.low[i]),
        "high": or_none(found.high[i]),
    }


def over_all(chance: list[np.ndarray]) -> list[np.ndarray]:
    """False alarms of all that was tried, over all stages together; arrays of the same shapes."""
    if not chance:
        return []
    return np.split(after_so_many(np.concatenate(chance)), np.cumsum([len(one) for one in chance])[:-1])


def or_none(value: float) -> float | None:
    """The value; None where it is not known or not finite."""
    return float(value) if np.isfinite(value) else None
