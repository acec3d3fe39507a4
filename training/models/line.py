"""A straight line in log-odds: what can be said of many features from few deals.

Each feature enters as its distance from the mean in standard deviations, cut at FARTHEST, so that a value that nobody
has had before, a typing error or another currency, moves an answer no further than the most extreme of those learned
from. That it is not known is a feature of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

FARTHEST = 4.0
MOST_ROWS = 60_000
"""Rows that it is fitted on: more make a straight line no better."""
NO_DIFFERENCE = 1e-6
"""Standard deviations from the mean that are a matter of rounding: a feature that goes no further is always alike."""


@dataclass(frozen=True)
class Line:
    """Log-odds = intercept + Σ weight × distance + Σ missing × (not known); a number each feature.

    :param middle, spread: mean and standard deviation of what is known; of a feature that never differs 1.
    :param unknown: share of rows in which it was not known: what missing is measured against in explanations.
    """

    intercept: float
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    missing: tuple[float, ...]
    unknown: tuple[float, ...]

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Log-odds of each row of `x` (n, features); shape (n,)."""
        distance, unknown = _parts(x, np.asarray(self.middle), np.asarray(self.spread))
        return np.asarray(self.intercept + distance @ np.asarray(self.weight) + unknown @ np.asarray(self.missing))

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """What each feature adds to the average row's log-odds, which stands last; shape (n, features + 1).

        Of a line these are its SHAP values, features taken as independent (Lundberg & Lee 2017).
        """
        distance, unknown = _parts(x, np.asarray(self.middle), np.asarray(self.spread))
        missing, share = np.asarray(self.missing), np.asarray(self.unknown)
        base = np.full((len(x), 1), self.intercept + share @ missing)
        return np.hstack([distance * np.asarray(self.weight) + (unknown - share) * missing, base])


def line_from(data: Mapping[str, Any]) -> Line:
    """A line from what `dataclasses.asdict` made of it and JSON kept."""
    return Line(
        data["intercept"], *(tuple(data[name]) for name in ("middle", "spread", "weight", "missing", "unknown"))
    )


def fit_line(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    strength: float = 0.01,
    seed: int = 0,
    rising: Sequence[bool] = (),
) -> Line:
    """Fit on weighted rows.

    :param x: (n, features) float32, NaN = not known.
    :param target: (n,) in [0, 1], soft ones too.
    :param weight: (n,), 1 each where not given.
    :param strength: scikit-learn's C: the larger, the less is drawn to 0.
    :param rising: (features,) those of which more never lowers the answer: where it would, the feature is left out.
    """
    weight = np.ones(len(x)) if weight is None else weight
    if len(x) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(x), MOST_ROWS, replace=False))
        x, target, weight = x[chosen], target[chosen], weight[chosen] * (len(weight) / MOST_ROWS)
    middle, spread = _middle_and_spread(x)
    distance, unknown = _parts(x, middle, spread)
    share = unknown.mean(axis=0)
    # A target between 0 and 1 is a row of each outcome, weighing its part.
    parts = np.concatenate([weight * target, weight * (1 - target)])
    used = np.flatnonzero(parts > 0)
    if len(np.unique(used < len(x))) < 2:
        used = np.arange(2 * len(x))  # scikit-learn wants to see the other outcome, if only at no weight
    first, pattern, times = _patterns(unknown)
    entering = np.abs(distance).max(axis=0, initial=0) > NO_DIFFERENCE
    bound = np.asarray(rising, dtype=bool) if len(rising) else np.zeros(x.shape[1], dtype=bool)
    whether_known = (unknown - share)[:, first] * np.sqrt(times)
    while True:
        design = np.hstack([distance[:, entering], whether_known])
        fitted = LogisticRegression(C=strength, solver="newton-cholesky")
        fitted.fit(design[used % len(x)], used < len(x), sample_weight=parts[used])
        weights = np.zeros(x.shape[1])
        weights[entering] = fitted.coef_[0, : entering.sum()]
        falls = bound & (weights < 0)
        if not falls.any():
            break
        entering &= ~falls
    missing = (fitted.coef_[0, entering.sum() :] / np.sqrt(times))[pattern]
    intercept = float(fitted.intercept_[0] - share @ missing)
    return Line(intercept, *(tuple(map(float, one)) for one in (middle, spread, weights, missing, share)))


def _patterns(unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that are unknown in the same rows: the first of each such set, each feature's set, their number.

    Most features are never unknown, and those of a family are so together; a ridge gives k equal columns the weight
    of one that is √k times as long, each its √k-th part. So one column a set is enough, and the answer is the same.
    """
    _, first, pattern, times = np.unique(
        np.packbits(unknown.astype(bool), axis=0), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    return first, pattern.ravel(), times


def _middle_and_spread(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(x)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, x, 0).sum(axis=0, dtype=float) / count
    spread = np.sqrt((np.where(known, x - middle, 0) ** 2).sum(axis=0, dtype=float) / count)
    return middle, np.where(spread > np.abs(middle) * 1e-9, np.maximum(spread, 1e-30), 1.0)


def _parts(x: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each value's distance from the middle (0 where not known), and whether it is not known; shape of `x`."""
    unknown = np.isnan(x)
    distance = np.clip((x - middle) / spread, -FARTHEST, FARTHEST)
    return np.where(unknown, 0.0, distance), unknown.astype(float)
