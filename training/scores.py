"""Proper scores and their uncertainty: log loss, Brier score, area under the ROC curve, calibration error.

Every function takes outcomes `y` (0 or 1), probabilities `p` in [0, 1] and weights, shape (n,) each.
Rows of one deal are not independent, so intervals are bootstrapped over deals, not rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

EPSILON = 1e-6
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken."""


def log_losses(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """-log of the probability given to what happened, per row; 0 is perfect, lower is better."""
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def entropies(p: np.ndarray) -> np.ndarray:
    """The log loss that each probability promises: what it is on average where the probability is right."""
    return p * log_losses(np.ones(1), p) + (1 - p) * log_losses(np.zeros(1), p)


def brier_losses(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Squared distance of the probability from the outcome, per row (Brier 1950); lower is better."""
    return (p - y) ** 2


def auc(y: np.ndarray, p: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Chance that a won row is given more than a lost one; 0.5 knows nothing, 1 sorts perfectly."""
    return _RankedOutcomes(y, p).auc(np.ones(len(y)) if weight is None else weight)


class _RankedOutcomes:
    """Rows sorted once by probability, so that the AUC under many weightings costs one pass each."""

    def __init__(self, y: np.ndarray, p: np.ndarray) -> None:
        self._order = np.argsort(p, kind="stable")
        ranked = p[self._order]
        self._won = y[self._order] > 0.5
        self._tie_starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))

    def auc(self, weight: np.ndarray) -> float:
        """Weighted share of (won, lost) pairs in the right order, ties half; NaN with one outcome only."""
        weight = weight[self._order]
        won = np.add.reduceat(np.where(self._won, weight, 0.0), self._tie_starts)
        lost = np.add.reduceat(np.where(self._won, 0.0, weight), self._tie_starts)
        pairs = won.sum() * lost.sum()
        if pairs == 0:
            return float("nan")
        return float((won * (np.cumsum(lost) - lost / 2)).sum() / pairs)


def calibration_error(y: np.ndarray, p: np.ndarray, weight: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean |share won - mean probability| over `bins` equally filled bins."""
    which = equal_bins(p, weight, bins)
    gap = np.bincount(which, weight * (y - p))
    return float(np.abs(gap).sum() / weight.sum())


def equal_bins(p: np.ndarray, weight: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each row, by rising probability, of about equal weight each; shape (n,), 0 to bins - 1.

    Equal probabilities are one promise and share a bin, so that the order of rows does not matter.
    """
    _, level = np.unique(p, return_inverse=True)
    mass = np.bincount(level, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    return np.minimum(middle * bins, bins - 1).astype(np.int64)[level]


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 90 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Three decimals: 0.596 (0.580 to 0.613)."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    @property
    def share(self) -> str:
        """As a share: 80.4% (78.0% to 82.7%)."""
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"

    @property
    def days(self) -> str:
        """As days: 10.1 (9.3 to 10.9)."""
        return f"{self.value:.1f} ({self.low:.1f} to {self.high:.1f})"


def mean_interval(
    values: np.ndarray, weight: np.ndarray, cluster: np.ndarray, draws: int = 500, seed: int = 0
) -> Interval:
    """Weighted mean of per-row values with an interval bootstrapped over clusters (deals)."""
    _, code = np.unique(cluster, return_inverse=True)
    top = np.bincount(code, values * weight)
    bottom = np.bincount(code, weight)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(top), np.full(len(top), 1 / len(top)), size=draws)
    means = (times @ top) / np.maximum(times @ bottom, EPSILON)
    low, high = np.quantile(means, [0.05, 0.95])
    return Interval(float(top.sum() / bottom.sum()), float(low), float(high))


def auc_interval(
    y: np.ndarray,
    p: np.ndarray,
    weight: np.ndarray,
    cluster: np.ndarray,
    draws: int = 200,
    seed: int = 0,
) -> Interval:
    """Area under the ROC curve with an interval bootstrapped over clusters (deals)."""
    _, code = np.unique(cluster, return_inverse=True)
    ranked = _RankedOutcomes(y, p)
    sampled = [ranked.auc(weight * times[code]) for times in resampled_clusters(int(code.max()) + 1, draws, seed)]
    low, high = np.nanquantile(sampled, [0.05, 0.95])
    return Interval(ranked.auc(weight), float(low), float(high))


def resampled_clusters(clusters: int, draws: int, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each cluster is drawn, in `draws` bootstrap samples; shape (clusters,) each."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(rng.integers(0, clusters, clusters), minlength=clusters)
