"""LightGBM as every model here uses it: numeric columns, rounds chosen on unseen groups, reproducible."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np


@dataclass(frozen=True)
class BoostingSettings:
    """Shape and strength of the trees; the same for all models unless a caller says otherwise."""

    learning_rate: float = 0.05
    num_leaves: int = 15
    min_data_in_leaf: int = 100
    feature_fraction: float = 0.5
    lambda_l2: float = 10.0
    max_bin: int = 127
    most_rounds: int = 400
    patience: int = 25
    seed: int = 7


def fit(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    settings: BoostingSettings,
    weight: np.ndarray | None = None,
) -> lgb.Booster:
    """A booster for targets in [0, 1] (soft ones too); its raw prediction is log-odds.

    A quarter of the groups is held out to choose the number of rounds; then all rows are used.
    """
    held_out = _held_out(group)
    if _has_both(target, held_out) and _has_both(target, ~held_out):
        rounds = _best_rounds(x, target, weight, held_out, settings)
    else:
        rounds = settings.most_rounds // 8
    return lgb.train(
        _parameters(settings, len(x)), _data(x, target, weight, settings), num_boost_round=rounds
    )


def margin(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Log-odds of each row; shape (n,)."""
    return np.asarray(booster.predict(x, raw_score=True), dtype=float)


def contributions(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Exact tree SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin."""
    return np.asarray(booster.predict(x, pred_contrib=True), dtype=float)


def _held_out(group: np.ndarray) -> np.ndarray:
    return (group // 7) % 4 == 0


def _has_both(target: np.ndarray, rows: np.ndarray) -> bool:
    return bool(rows.any()) and bool((target[rows] > 0.5).any()) and bool((target[rows] < 0.5).any())


def _best_rounds(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    held_out: np.ndarray,
    settings: BoostingSettings,
) -> int:
    inner = _data(x[~held_out], target[~held_out], None if weight is None else weight[~held_out], settings)
    outer = _data(
        x[held_out], target[held_out], None if weight is None else weight[held_out], settings, reference=inner
    )
    booster = lgb.train(
        _parameters(settings, len(x)),
        inner,
        num_boost_round=settings.most_rounds,
        valid_sets=[outer],
        callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
    )
    return max(int(booster.best_iteration), 1)


def _data(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    settings: BoostingSettings,
    reference: lgb.Dataset | None = None,
) -> lgb.Dataset:
    names = [f"f{column}" for column in range(x.shape[1])]  # real names may hold what LightGBM forbids
    parameters = {"max_bin": settings.max_bin, "verbosity": -1}
    return lgb.Dataset(
        x,
        target,
        weight=weight,
        feature_name=names,
        params=parameters,
        reference=reference,
        free_raw_data=True,
    )


def _parameters(settings: BoostingSettings, rows: int) -> dict[str, object]:
    return {
        "objective": "cross_entropy",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": min(settings.min_data_in_leaf, max(rows // 50, 5)),
        "feature_fraction": settings.feature_fraction,
        "lambda_l2": settings.lambda_l2,
        "max_bin": settings.max_bin,
        "seed": settings.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
