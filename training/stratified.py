"""Two-by-two tables compared within strata of like deals: common odds ratio, test, difference between kinds.

Each statement has a table a stratum: won or lost, had or had not. The common odds ratio is Mantel and Haenszel's
(1959), its variance that of Robins, Breslow and Greenland (1986), the test Cochran's (1954) as refined by Mantel
and Haenszel. Where it would be made of too few deals (Mantel and Fleiss 1980) nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control, norm

LEAST_SPREAD = 5.0
"""So far apart must be the most and the least won deals that could have had it, and what is expected lie within."""

_90_PERCENT = float(norm.ppf(0.95))


@dataclass(frozen=True)
class Tables:
    """Deals by outcome and statement: each of shape (statements, strata)."""

    won_had: np.ndarray
    won_not: np.ndarray
    lost_had: np.ndarray
    lost_not: np.ndarray

    def __sub__(self, other: Tables) -> Tables:
        """The deals that are not among the others."""
        return Tables(*(getattr(self, name) - getattr(other, name) for name in Tables.__dataclass_fields__))

    @property
    def deals(self) -> np.ndarray:
        """How many deals of which it is known whether they had it."""
        return self.won_had + self.won_not + self.lost_had + self.lost_not


@dataclass(frozen=True)
class Association:
    """How winning goes with each statement, deals of one stratum compared; shape (statements,) each.

    :param odds: common odds ratio with its 90 % interval (`low`, `high`); above 1: goes with winning.
    :param error: standard error of its logarithm.
    :param score: standard normal where nothing goes with winning.
    :param told: whether there are deals enough to tell; all else is NaN where not.
    """

    odds: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    score: np.ndarray
    told: np.ndarray

    @property
    def chance_of_more(self) -> np.ndarray:
        """How likely so much would go with winning by chance alone (one-sided)."""
        return np.asarray(norm.sf(self.score))

    @property
    def chance_of_other(self) -> np.ndarray:
        """How likely so much would go with either outcome by chance alone (two-sided)."""
        return np.asarray(2 * norm.sf(np.abs(self.score)))


def tables(had: np.ndarray, won: np.ndarray, stratum: np.ndarray) -> Tables:
    """Count deals.

    :param had: (deals, statements), 1 had, 0 had not, NaN not asked.
    :param won: (deals,), bool.
    :param stratum: (deals,), from 0.
    """
    known = ~np.isnan(had)
    yes = np.where(known, had, 0.0)
    member = np.equal.outer(np.arange(int(stratum.max(initial=0)) + 1), stratum).astype(float)
    won_here, lost_here = member * won, member * ~won
    of_won, of_lost = (won_here @ yes).T, (lost_here @ yes).T
    return Tables(of_won, (won_here @ known).T - of_won, of_lost, (lost_here @ known).T - of_lost)


def association(counts: Tables) -> Association:
    """The common odds ratio of each statement."""
    a, b, c, d = counts.won_had, counts.won_not, counts.lost_had, counts.lost_not
    deals = np.maximum(counts.deals, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        for_it, against = a * d / deals, b * c / deals
        agree, differ = (a + d) / deals, (b + c) / deals
        more, less = for_it.sum(axis=1), against.sum(axis=1)
        odds = more / less
        variance = (
            (agree * for_it).sum(axis=1) / (2 * more**2)
            + (agree * against + differ * for_it).sum(axis=1) / (2 * more * less)
            + (differ * against).sum(axis=1) / (2 * less**2)
        )
        error = np.sqrt(variance)
        expected = (a + b) * (a + c) / deals
        spread = (a + b) * (c + d) * (a + c) * (b + d) / (deals**2 * np.maximum(counts.deals - 1, 1))
        score = (a - expected).sum(axis=1) / np.sqrt(spread.sum(axis=1))
        low, high = odds * np.exp(-_90_PERCENT * error), odds * np.exp(_90_PERCENT * error)
    told = _enough(counts, expected) & np.isfinite(error) & np.isfinite(score)
    odds, low, high, error, score = (np.where(told, one, np.nan) for one in (odds, low, high, error, score))
    return Association(odds, low, high, error, score, told)


def unlike(here: Association, elsewhere: Association) -> np.ndarray:
    """How likely the odds ratios of two lots of deals differ so much by chance (Woolf 1955); NaN where not told."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.log(here.odds) - np.log(elsewhere.odds)
        return np.asarray(2 * norm.sf(np.abs(gap) / np.hypot(here.error, elsewhere.error)))


def after_so_many(chance: np.ndarray) -> np.ndarray:
    """Each chance as the share of false alarms where it is the line drawn (Benjamini & Hochberg 1995).

    NaN (not tried) stays NaN and does not count.
    """
    tried = ~np.isnan(chance)
    adjusted = np.full(chance.shape, np.nan)
    if tried.any():
        adjusted[tried] = false_discovery_control(chance[tried])
    return adjusted


def _enough(counts: Tables, expected: np.ndarray) -> np.ndarray:
    """Mantel and Fleiss: what is expected lies at least 5 from the fewest and the most that there could be."""
    won, had = counts.won_had + counts.won_not, counts.won_had + counts.lost_had
    fewest, most = np.maximum(0, won + had - counts.deals), np.minimum(won, had)
    middle = expected.sum(axis=1)
    return np.asarray(np.minimum(middle - fewest.sum(axis=1), most.sum(axis=1) - middle) >= LEAST_SPREAD)
