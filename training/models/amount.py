"""For how much deals are won: the distribution of final ÷ current amount, by stage.

Final amounts of won deals by the stage in which the snapshot stood, drawn towards all stages where few. Boosted
quantiles on all features were tried and told nothing more (docs/decisions has the figures).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from training.models.weights import per_deal

STRENGTH = 20.0
"""As if so many won deals more had gone as those of all stages."""

LEVELS = tuple(float(level) for level in np.linspace(0.0125, 0.9875, 40))
"""The middles of 40 equal shares: their mean is the distribution's."""

LEAST_RATIO, MOST_RATIO = 0.05, 20.0
"""What lies beyond is taken for a typing error."""


@dataclass(frozen=True)
class AmountModel:
    """Quantiles of final ÷ current amount at LEVELS, of all stages and of each.

    :param deals: won deals with both amounts known, by stage.
    """

    everywhere: tuple[float, ...] = (1.0,) * len(LEVELS)
    by_stage: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    deals: Mapping[str, int] = field(default_factory=dict)

    def quantiles(self, stage: np.ndarray) -> np.ndarray:
        """The ratio's quantiles at LEVELS for each stage (None or a new one: all stages); shape (n, levels)."""
        return np.array([self.by_stage.get(name, self.everywhere) for name in stage]).reshape(-1, len(LEVELS))

    def quantile(self, stage: np.ndarray, level: np.ndarray | float) -> np.ndarray:
        """The ratio's quantile at each row's level in (0, 1), straight between those kept; shape (n,)."""
        table = self.quantiles(stage)
        each = np.clip(np.broadcast_to(np.asarray(level, dtype=float), (len(table),)), LEVELS[0], LEVELS[-1])
        place = (each - LEVELS[0]) / (LEVELS[1] - LEVELS[0])
        below = np.minimum(place.astype(np.int64), len(LEVELS) - 2)
        row, part = np.arange(len(table)), place - below
        return table[row, below] * (1 - part) + table[row, below + 1] * part

    def mean(self, stage: np.ndarray) -> np.ndarray:
        """The expected ratio, of a deal that is won; shape (n,)."""
        return self.quantiles(stage).mean(axis=1)


def fit_amount(ratio: np.ndarray, stage: np.ndarray, deal: np.ndarray) -> AmountModel:
    """Fit on snapshots; shape (n,) each.

    :param ratio: final ÷ current amount, NaN where not won or not known: those tell nothing.
    :param stage: text, None where not known.
    :param deal: snapshots of one deal are not independent; each deal counts the same within a stage.
    """
    known = ~np.isnan(ratio)
    if not known.any():
        return AmountModel()
    ratio, stage, deal = np.clip(ratio[known], LEAST_RATIO, MOST_RATIO), stage[known], deal[known]
    everywhere = _quantiles(ratio, per_deal(deal))
    by_stage, deals = {}, {}
    for name in sorted({name for name in stage if name is not None}):
        inside = stage == name
        deals[name] = len(np.unique(deal[inside]))
        weight = per_deal(deal[inside])
        drawn = np.concatenate(
            [weight / weight.sum() * deals[name], np.full(len(everywhere), STRENGTH / len(everywhere))]
        )
        by_stage[name] = tuple(_quantiles(np.concatenate([ratio[inside], everywhere]), drawn).tolist())
    return AmountModel(tuple(everywhere.tolist()), by_stage, deals)


def _quantiles(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted quantiles at LEVELS: the least value with at least that share of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    return values[order][np.minimum(np.searchsorted(share, LEVELS), len(values) - 1)]
