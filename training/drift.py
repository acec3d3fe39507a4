"""Drift: have the features, or the scores, of today's deals moved away from those that a model was judged on?

Scores are the model's own on both sides: those that it is judged by come of models that knew less, and are less sure.

Measured by the population stability index (Siddiqi 2006), Σ (now - then) × ln(now ÷ then) over bins of equally
many reference rows; values that are not known are a bin of their own. Below 0.1 nothing has moved; above 0.25
much has. Without any drift it is about χ² distributed with one degree of freedom less than there are bins, times
1/deals now + 1/deals then (Yurdakul 2018): what lies below that is chance.

Some features never stand still: a region's win rate is one number at a time, an owner's closed deals only grow. So
the reference also tells how far its own four weeks lay from its rest, and only what lies further has drifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crm.clock import DAY
from training.rows import Rows

BINS = 10
WINDOW_DAYS = 28
"""Drift is looked for in the snapshots of so many days."""
LEAST_DEALS = 30
"""A window of fewer deals tells nothing."""
CHANCE = 0.999
"""How rarely (1 in 1,000) what has not drifted is taken for chance no longer: many features are asked at once."""


@dataclass(frozen=True)
class Shift:
    """One column's index, how high chance alone may take it, and how high it was within the reference."""

    name: str
    index: float
    by_chance: float
    usual: float

    def beyond(self, threshold: float) -> bool:
        """Whether it has drifted by more than the threshold, than chance explains and than is usual."""
        return self.index > max(threshold, self.by_chance, self.usual)


@dataclass(frozen=True)
class Drift:
    """The scores' shift and each feature's, the largest first."""

    scores: Shift
    features: tuple[Shift, ...]


def drift_reference(rows: Rows, scores: np.ndarray) -> dict[str, Any]:
    """What later deals are compared with: bins and shares of the scores and of each feature (JSON-able).

    What is the same for all deals at a date (the season, the company's own rates) moves with the calendar, and is
    no drift of the deals: it is left out.
    """
    watched = np.flatnonzero(~_tells_the_date_only(rows))
    window = (int(rows.as_of.max()) - rows.as_of) // (WINDOW_DAYS * DAY)
    deals = np.array([len(np.unique(rows.deal[window == w])) for w in range(int(window.max()) + 1)])
    return {
        "deals": len(np.unique(rows.deal)),
        "scores": _reference(scores, window, deals),
        "features": {rows.names[column]: _reference(rows.x[:, column], window, deals) for column in watched},
    }


def drift(reference: Mapping[str, Any], features: pd.DataFrame, scores: np.ndarray, deal: np.ndarray) -> Drift:
    """How far rows have moved from the reference.

    :param features: one column a feature, shape (n, features); :param scores: win probabilities, shape (n,).
    :param deal: whose rows they are; rows of one deal are not independent.
    """
    now, then = len(np.unique(deal)), reference["deals"]
    shifts = [_shift(name, features[name].to_numpy(), one, now, then) for name, one in reference["features"].items()]
    return Drift(
        _shift("scores", scores, reference["scores"], now, then),
        tuple(sorted(shifts, key=lambda shift: (-shift.index, shift.name))),
    )


def stability_index(then: np.ndarray, now: np.ndarray) -> float:
    """Population stability index of two lists of shares, none of them 0."""
    return float(((now - then) * np.log(now / then)).sum())


def _reference(values: np.ndarray, window: np.ndarray, deals: np.ndarray) -> dict[str, Any]:
    """Bins of a column, shares of rows in them, and the largest index of any window against the others.

    :param window: the window of each row, shape (n,); :param deals: how many deals are in each window.
    """
    known = values[~np.isnan(values)]
    bounds = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="lower")) if len(known) else np.zeros(0)
    # The highest value as a bound would leave the last bin empty.
    bounds = bounds[bounds < known.max()] if len(known) else bounds
    bin_of = _bins(values, bounds)
    counts = np.zeros((len(deals), len(bounds) + 2))
    np.add.at(counts, (window, bin_of), 1)
    usual = 0.0
    for w in np.flatnonzero(deals >= LEAST_DEALS) if len(deals) > 1 else ():
        rest = counts.sum(axis=0) - counts[w]
        usual = max(usual, _index(rest, counts[w], deals.sum() - deals[w], deals[w]))
    shares = counts.sum(axis=0) / len(values)
    return {"bounds": [float(b) for b in bounds], "shares": [float(s) for s in shares], "usual": usual}


def _bins(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """The bin of each value, those not known in the last one."""
    return np.where(np.isnan(values), len(bounds) + 1, np.searchsorted(bounds, values, side="left"))


def _index(then: np.ndarray, now: np.ndarray, deals_then: float, deals_now: float) -> float:
    """The index of two lists of counts or shares; half a deal is added to each bin, so that none is empty."""
    there = (then + now) > 0
    one, other = (
        (part[there] / max(part.sum(), 1e-12) * deals + 0.5) / (deals + 0.5 * there.sum())
        for part, deals in ((then, deals_then), (now, deals_now))
    )
    return stability_index(one, other)


def _shift(name: str, values: np.ndarray, reference: Mapping[str, Any], now: int, then: int) -> Shift:
    bounds, shares = np.array(reference["bounds"]), np.array(reference["shares"])
    found = np.bincount(_bins(values, bounds), minlength=len(shares)) / max(len(values), 1)
    free = int(((shares + found) > 0).sum()) - 1
    by_chance = float(chi2.ppf(CHANCE, free)) * (1 / max(now, 1) + 1 / max(then, 1)) if free else 0.0
    return Shift(name, _index(shares, found, then, now), by_chance, reference["usual"])


def _tells_the_date_only(rows: Rows) -> np.ndarray:
    """Features that are the same for all deals at a date; shape (features,), bool."""
    order = np.argsort(rows.as_of, kind="stable")
    same_date = np.flatnonzero(np.diff(rows.as_of[order]) == 0)
    if not len(same_date):
        return np.zeros(len(rows.names), dtype=bool)
    found = np.empty(len(rows.names), dtype=bool)
    for column in range(len(rows.names)):
        values = rows.x[order, column]
        one, next_one = values[same_date], values[same_date + 1]
        found[column] = bool(((one == next_one) | (np.isnan(one) & np.isnan(next_one))).all())
    return found
