"""A line and boosted trees on the same question, their log-odds averaged.

Trees find thresholds and what goes together, and need many deals for what a line says of many features at once; the
average of both is better than either where deals are few (docs/decisions/0010 has the figures). Contributions are
exact and add up, as both are.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from training.models import boosting
from training.models.line import Line, fit_line
from training.settings import BoostingSettings


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
        return (self.line.contributions(x) + boosting.contributions(self.trees, x)) / 2

    @property
    def rounds(self) -> int:
        """Boosting rounds of the trees."""
        return int(self.trees.num_trees())


def fit_blend(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    deal: np.ndarray,
    settings: BoostingSettings,
    rounds: int | None = None,
) -> Blend:
    """Fit both on rows with targets in [0, 1]; where `rounds` is not given, held-out groups choose it."""
    line = fit_line(x, target, deal, settings.line_strength, settings.seed)
    return Blend(line, boosting.fit(x, target, group, settings, rounds))
