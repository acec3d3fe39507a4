"""A line and boosted trees on the same question, their log-odds averaged.

Trees find thresholds and what goes together, and need many deals for what a line says of many features at once; the
average of both is better than either where deals are few (docs/decisions/0010 has the figures). Contributions are
exact and add up, as both are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from training.models import boosting, tree_shap
from training.models.line import Line, fit_line
from training.models.weights import per_deal
from training.settings import BoostingSettings

FARTHEST = 5.0
"""Log-odds by which the answers as a whole are moved at most."""


@dataclass(frozen=True)
class Blend:
    """One answer from both."""

    line: Line
    trees: lgb.Booster

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Log-odds of each row; shape (n,)."""
        return (self.line.margin(x) + boosting.margin(self.trees, x)) / 2

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin."""
        return (self.line.contributions(x) + tree_shap.contributions(self.trees, x)) / 2

    @property
    def rounds(self) -> int:
        """Boosting rounds of the trees."""
        return int(self.trees.num_trees())


def fit_blend(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    deal: np.ndarray | None,
    settings: BoostingSettings,
    rounds: int | None = None,
    rising: Sequence[bool] = (),
) -> Blend:
    """Fit both on rows with targets in [0, 1]; where `rounds` is not given, held-out groups choose it.

    :param deal: (n,), rows of one deal say much the same: each counts 1 / √(the deal's number of rows). On the whole
        the answers still keep what the rows say, each counting the same, as those who ask will ask of any row.
        None where each row counts, as in a hazard: a deal that stays open for long is to weigh more there.
    :param rising: (features,) those of which more never lowers the answer; empty: none.
    """
    if deal is None:
        line = fit_line(x, target, None, settings.line_strength, settings.seed, rising)
        return Blend(line, boosting.fit(x, target, group, settings, rounds, None, rising))
    weight = per_deal(deal, 0.5)
    weight *= len(np.unique(deal)) / weight.sum()
    line = fit_line(x, target, weight, settings.line_strength, settings.seed, rising)
    blend = Blend(line, boosting.fit(x, target, group, settings, rounds, weight, rising))
    raised = line.intercept + 2 * _offset(blend.margin(x), target)
    return replace(blend, line=replace(line, intercept=raised))


def _offset(margin: np.ndarray, target: np.ndarray) -> float:
    """What added to the log-odds makes their mean probability that of the target; 0 where none does."""

    def short(offset: float) -> float:
        return float(expit(margin + offset).mean() - target.mean())

    return float(brentq(short, -FARTHEST, FARTHEST)) if short(-FARTHEST) < 0 < short(FARTHEST) else 0.0
