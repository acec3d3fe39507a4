"""LightGBM as every model here uses it: numeric columns, rounds chosen on unseen groups, reproducible."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from training.settings import BoostingSettings


def fit(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    settings: BoostingSettings,
    rounds: int | None = None,
) -> lgb.Booster:
    """A booster for targets in [0, 1] (soft ones too); its raw prediction is log-odds.

    Where `rounds` is not given, a quarter of the groups is held out to choose it; then all rows are used.
    """
    if rounds is None:
        rounds = best_rounds(x, target, group, settings)
    return lgb.train(_parameters(settings, len(x)), _data(x, target, settings), num_boost_round=rounds)


def best_rounds(x: np.ndarray, target: np.ndarray, group: np.ndarray, settings: BoostingSettings) -> int:
    """The number of rounds that does best on a quarter of the groups held out."""
    held_out = (group // 7) % 4 == 0
    if not (_has_both(target, held_out) and _has_both(target, ~held_out)):
        return settings.most_rounds // 8
    inner = _data(x[~held_out], target[~held_out], settings)
    outer = _data(x[held_out], target[held_out], settings, reference=inner)
    booster = lgb.train(
        _parameters(settings, len(x)),
        inner,
        num_boost_round=settings.most_rounds,
        valid_sets=[outer],
        callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
    )
    return max(int(booster.best_iteration), 1)


def margin(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Log-odds of each row; shape (n,)."""
    return np.asarray(booster.predict(x, raw_score=True), dtype=float)


def contributions(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Exact tree SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin."""
    return np.asarray(booster.predict(x, pred_contrib=True), dtype=float)


def _has_both(target: np.ndarray, rows: np.ndarray) -> bool:
    return bool(rows.any()) and bool((target[rows] > 0.5).any()) and bool((target[rows] < 0.5).any())


def _data(
    x: np.ndarray,
    target: np.ndarray,
    settings: BoostingSettings,
    reference: lgb.Dataset | None = None,
) -> lgb.Dataset:
    names = [f"f{column}" for column in range(x.shape[1])]  # real names may hold what LightGBM forbids
    parameters = {"max_bin": settings.max_bin, "verbosity": -1}
    return lgb.Dataset(
        x,
        target,
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
