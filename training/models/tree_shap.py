"""Exact SHAP values of boosted trees (path-dependent; Lundberg et al. 2020), at the speed of the number of rows.

LightGBM walks every tree for every row. woodelf-explainer works out each path's contributions once, for every way in
which its conditions can turn out, and then only looks them up row by row (Nadel & Wettenstein 2025). The answer is the
same; reading the trees costs a moment, so few rows are left to LightGBM.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
from woodelf import WoodelfExplainer

FEW_ROWS = 2_000
"""Up to here LightGBM itself is as fast (docs/benchmarks.md)."""
ROWS_AT_ONCE = 100_000


def contributions(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin.

    :param x: (n, features) float32, NaN = not known; at least one row.
    """
    if len(x) <= FEW_ROWS:
        return by_lightgbm(booster, x)
    values = np.empty((len(x), x.shape[1] + 1))
    values[:, -1] = by_lightgbm(booster, x[:1])[0, -1]
    explainer = WoodelfExplainer(booster)
    for first in range(0, len(x), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        values[part, :-1] = explainer.shap_values(pd.DataFrame(x[part]), verbose=False)
    return values


def by_lightgbm(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """The same from LightGBM's own walk over the trees."""
    return np.asarray(booster.predict(x, pred_contrib=True), dtype=float)
