"""Ranges that hold: what has been drawn, widened or narrowed to how often earlier ranges held."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from training.close_dates import level_of

SHARES = (0.1, 0.5, 0.9)
"""Of the range that is shown: its lower end, middle and upper end."""

PLAIN = 1.0
"""The shape that leaves what was drawn as it is."""

UNTRIED = 0.7
"""The shape of ranges that have not been held against past periods: wider, as what is not known is not known."""

TRUST = 0.4
"""How far a shape's logarithm is believed to lie from PLAIN's before any range is tried (standard deviation)."""

_SHAPES = (0.2, 5.0)
_INSIDE = 1e-3


@dataclass(frozen=True)
class Ranges:
    """The shape of each level's distribution function of what was drawn, at what came (see :func:`level_of`).

    :param tried: whether earlier ranges have been held against what came.
    """

    shape: Mapping[str, float] = field(default_factory=dict)
    tried: bool = True

    def quantile(self, level: str, drawn: np.ndarray, share: float) -> np.ndarray:
        """The value that is not exceeded with that probability; `drawn` (…, draws), shape (…)."""
        return np.asarray(np.quantile(drawn, level_of(share, self.shape.get(level, PLAIN)), axis=-1))

    def reaching(self, level: str, drawn: np.ndarray, least: np.ndarray) -> np.ndarray:
        """Probability of at least so much; `drawn` (n, draws), `least` (n,), NaN where that is; shape (n,)."""
        below = (drawn < least[:, None]).mean(axis=1)
        shape = self.shape.get(level, PLAIN)
        return np.where(np.isnan(least), np.nan, 1 - beta.cdf(below, shape, shape))


def fit_shape(place: np.ndarray, weight: np.ndarray) -> float:
    """The likeliest shape of a level.

    :param place: (n,) where what came lies in the distribution that was drawn, 0 to 1.
    :param weight: (n,) forecasts of one period tell much the same: together they count as few.
    """
    if not len(place):
        return PLAIN
    inside = np.clip(place, _INSIDE, 1 - _INSIDE)

    def loss(logarithm: float) -> float:
        shape = math.exp(logarithm)
        return float(logarithm**2 / (2 * TRUST**2) - (weight * beta.logpdf(inside, shape, shape)).sum())

    bounds = tuple(math.log(shape) for shape in _SHAPES)
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
