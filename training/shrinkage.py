"""Shares of few tries, drawn to that of the whole by as much as such shares are found to differ (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta, betabinom

LEAST_STRENGTH, MOST_STRENGTH = 1.0, 10_000.0
"""As if so many tries more had gone as the whole's did; with the most, shares differ no more than chance would."""

NEARLY = 0.01
"""Shares of the whole are kept this far from 0 and 1."""


@dataclass(frozen=True)
class Drawn:
    """A share drawn to that of the whole, with its 90 % interval; shape (n,) each."""

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def strength(hits: np.ndarray, tries: np.ndarray, whole: np.ndarray) -> float:
    """How many tries the whole's share is worth: what makes the counts likeliest (beta-binomial).

    :param hits, tries: counts of each cell; :param whole: the share of the whole that each belongs to; shape (n,).
    """
    there = tries > 0
    if not there.any():
        return MOST_STRENGTH
    k, n, mean = hits[there], tries[there], inside(whole[there])

    def unlikely(log_strength: float) -> float:
        worth = np.exp(log_strength)
        return -float(betabinom.logpmf(k, n, worth * mean, worth * (1 - mean)).sum())

    found = minimize_scalar(unlikely, bounds=(np.log(LEAST_STRENGTH), np.log(MOST_STRENGTH)), method="bounded")
    return float(np.exp(found.x))


def drawn(hits: np.ndarray, tries: np.ndarray, whole: np.ndarray, worth: float) -> Drawn:
    """Each cell's share, drawn to that of its whole; where nothing was tried it is the whole's own."""
    mean = inside(whole)
    # At least one try each way: where the whole's share is small, a looser one would take nought for a difference.
    worth_here = np.maximum(worth, 1 / np.minimum(mean, 1 - mean))
    a, b = hits + worth_here * mean, tries - hits + worth_here * (1 - mean)
    return Drawn(a / (a + b), beta.ppf(0.05, a, b), beta.ppf(0.95, a, b))


def inside(share: np.ndarray) -> np.ndarray:
    """Shares kept off 0 and 1, which no count can show."""
    return np.clip(np.asarray(share, dtype=float), NEARLY, 1 - NEARLY)
