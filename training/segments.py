"""Where the model is off: kinds of deals that are promised too much or too little, found and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm.coding import NONE
from training.scorecard import JudgedRows
from training.scores import Interval, mean_interval
from training.stratified import after_so_many

AMOUNT = "amount"
"""The feature that is the deal's amount."""

LEAST_DEALS = 20
"""Kinds with fewer deals are not judged: their shares are mostly chance."""

FALSE_ALARMS = 0.1
"""The expected share of kinds named that are off by chance alone (Benjamini & Hochberg 1995)."""

FIFTHS, MEANINGFUL_BOUNDS = 5, 3

_90_PERCENT = 2 * float(norm.ppf(0.95))


@dataclass(frozen=True)
class Segment:
    """The deals of one kind on the judged dates: promised against kept.

    :param field, value: what they have in common ("region", "North").
    :param deals: how many, each counted once; `rows` their snapshots.
    :param promised, kept: mean probability, and the share that came true.
    :param gap: promised - kept with its 90 % interval over deals.
    :param off: "too high", "too low", or "" where the gap may be chance, many kinds having been looked at.
    """

    field: str
    value: str
    rows: int
    deals: int
    promised: float
    kept: float
    gap: Interval
    off: str


def segments(judged: JudgedRows, kinds: Mapping[str, np.ndarray | pd.Categorical[str]]) -> tuple[Segment, ...]:
    """Every kind with enough deals, the farthest off first.

    :param kinds: field → the text of each judged row, None where not known; shape (n,) each.
    """
    gap = judged.probabilities["model"] - judged.y
    found, chance = [], []
    for field, values in kinds.items():
        for value, rows in pd.Series(values).groupby(pd.Series(values), observed=True).indices.items():
            deals = len(np.unique(judged.deal[rows]))
            if deals < LEAST_DEALS:
                continue
            weight = judged.weight[rows]
            interval = mean_interval(gap[rows], weight, judged.deal[rows])
            promised = float(np.average(judged.probabilities["model"][rows], weights=weight))
            found.append(
                Segment(field, str(value), len(rows), deals, promised, promised - interval.value, interval, "")
            )
            chance.append(_by_chance(interval))
    named = after_so_many(np.array(chance)) <= FALSE_ALARMS
    marked = (
        replace(one, off=("too high" if one.gap.value > 0 else "too low") if is_named else "")
        for one, is_named in zip(found, named, strict=True)
    )
    return tuple(sorted(marked, key=lambda one: (one.off == "", -abs(one.gap.value), one.field, one.value)))


def sizes(amount: np.ndarray) -> pd.Categorical[str]:
    """Fifths of deals by their amount, told by their bounds; shape (n,), missing where the amount is."""
    return sized(amount, size_bounds(amount))


def size_bounds(amount: np.ndarray) -> np.ndarray:
    """What bounds the fifths of deals by their amount; none where amounts hardly differ."""
    known = amount[~np.isnan(amount)]
    bounds = np.unique(np.quantile(known, np.linspace(0, 1, FIFTHS + 1))) if len(known) else known
    return bounds if len(bounds) >= MEANINGFUL_BOUNDS else known[:0]


def sized(amount: np.ndarray, bounds: np.ndarray) -> pd.Categorical[str]:
    """The size of deals of an amount, told by the bounds it lies within; shape (n,), missing where the amount is."""
    if not len(bounds):
        return pd.Categorical.from_codes(np.full(len(amount), NONE), categories=pd.Index([], dtype="str"))
    return pd.Categorical.from_codes(size_codes(amount, bounds), categories=pd.Index(size_names(bounds)))


def size_names(bounds: np.ndarray) -> list[str]:
    """The sizes in words, by what bounds them."""
    digits = max(0, int(np.ceil(-np.log10(np.diff(bounds).min()))))  # so many tell the bounds apart
    return [f"{low:,.{digits}f} to {high:,.{digits}f}" for low, high in pairwise(bounds)]


def size_codes(amount: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Which size deals of an amount have; shape (n,), -1 where the amount is missing."""
    code = np.clip(np.searchsorted(bounds, amount, side="left") - 1, 0, len(bounds) - 2)
    return np.where(np.isnan(amount), NONE, code)


def _by_chance(gap: Interval) -> float:
    """How likely a gap at least so wide would be if promised and kept were the same."""
    error = (gap.high - gap.low) / _90_PERCENT
    return 1.0 if error <= 0 else float(2 * norm.sf(abs(gap.value) / error))
