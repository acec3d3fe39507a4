"""What a deal is, apart from what was done about it: a win chance by that alone, by which like deals are compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.catalogue import Catalogue
from training.evaluation import FOLDS, fold_of
from training.models.line import fit_line
from training.rows import Rows

Chance = Callable[[Rows, np.ndarray], np.ndarray]
"""How likely the deals at some places among the rows are to be won; any scale will do."""


def composition(names: tuple[str, ...], catalogue: Catalogue) -> np.ndarray:
    """Places of the features that tell what a deal is and not what was done: of no group with a practice or volume."""
    deeds = {feature.group for feature in catalogue.features if feature.practice or feature.volume}
    known = [catalogue.feature(name) for name in names]
    return np.flatnonzero([not feature.actionable and feature.group not in deeds for feature in known])


def chances(rows: Rows, places: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Log-odds of winning at some rows by some features, each from a line that has not seen its group; shape (n,)."""
    x, y, fold = rows.x[places][:, columns], (rows.outcome[places] == 1).astype(float), fold_of(rows.group[places])
    margin = np.zeros(len(places))
    for k in range(FOLDS):
        seen, unseen = fold != k, fold == k
        if unseen.any() and len(np.unique(y[seen])) == 2 and len(columns):
            margin[unseen] = fit_line(x[seen], y[seen]).margin(x[unseen])
    return margin


def strata_of(chance: np.ndarray, strata: int) -> np.ndarray:
    """Equal parts of the deals by their chance; shape (n,), from 0."""
    if not len(chance):
        return np.zeros(0, dtype=np.int64)
    return np.searchsorted(np.quantile(chance, np.arange(1, strata) / strata), chance, side="right")
