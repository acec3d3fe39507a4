"""LightGBM as every model here uses it: numeric columns, rounds chosen on unseen groups, reproducible."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np

from training.settings import BoostingSettings

FOLDS = 4
ROWS_OF_ALL_FOLDS = 400_000
"""With more rows fewer folds choose the rounds: the more rows, the less chance has a say."""


def fit(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    settings: BoostingSettings,
    rounds: int | None = None,
    weight: np.ndarray | None = None,
    rising: Sequence[bool] = (),
) -> lgb.Booster:
    """A booster for targets in [0, 1] (soft ones too); its raw prediction is log-odds.

    Where `rounds` is not given, held-out groups choose it; then all rows are used.

    :param weight: (n,), each row counts the same where not given.
    :param rising: (features,) those of which more never lowers the answer; empty: none.
    """
    parameters, data = _parameters(settings, len(x), rising), _data(x, target, settings, weight)
    if rounds is None:
        rounds = _best_rounds(data, parameters, target, group, settings)
    return lgb.train(parameters, data, num_boost_round=rounds)


def best_rounds(
    x: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    settings: BoostingSettings,
    weight: np.ndarray | None = None,
    rising: Sequence[bool] = (),
) -> int:
    """The number of rounds that does best on groups held out, a quarter after the other, on the average.

    One quarter alone chooses anything from 40 to 120 where 100 is right (docs/decisions/0013).
    """
    parameters, data = _parameters(settings, len(x), rising), _data(x, target, settings, weight)
    return _best_rounds(data, parameters, target, group, settings)


def _best_rounds(
    data: lgb.Dataset, parameters: dict[str, object], target: np.ndarray, group: np.ndarray, settings: BoostingSettings
) -> int:
    """With the data as LightGBM has them: to cut them into bins takes as long as many rounds, and is done once."""
    quarter = (group // 7) % FOLDS
    used = range(int(np.clip(ROWS_OF_ALL_FOLDS // len(target), 1, FOLDS)))
    folds = [
        (np.flatnonzero(quarter != k), np.flatnonzero(quarter == k))
        for k in used
        if _has_both(target, quarter == k) and _has_both(target, quarter != k)
    ]
    if not folds:
        return settings.most_rounds // 8
    losses = lgb.cv(
        parameters,
        data,
        num_boost_round=settings.most_rounds,
        folds=folds,
        callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
    )
    mean = losses["valid cross_entropy-mean"]
    assert isinstance(mean, list)  # early stopping has cut it after its best round
    return max(len(mean), 1)


def margin(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """Log-odds of each row; shape (n,)."""
    return np.asarray(booster.predict(x, raw_score=True), dtype=float)


def _has_both(target: np.ndarray, rows: np.ndarray) -> bool:
    return bool(rows.any()) and bool((target[rows] > 0.5).any()) and bool((target[rows] < 0.5).any())


def _data(
    x: np.ndarray, target: np.ndarray, settings: BoostingSettings, weight: np.ndarray | None = None
) -> lgb.Dataset:
    names = [f"f{column}" for column in range(x.shape[1])]  # real names may hold what LightGBM forbids
    parameters = {"max_bin": settings.max_bin, "verbosity": -1}
    mean = None if weight is None else weight / weight.mean()  # leaves are to be as heavy as without weights
    return lgb.Dataset(x, target, weight=mean, feature_name=names, params=parameters, free_raw_data=True)


def _parameters(settings: BoostingSettings, rows: int, rising: Sequence[bool] = ()) -> dict[str, object]:
    bound: dict[str, object] = {"monotone_constraints": list(map(int, rising))} if any(rising) else {}
    return {
        **bound,
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
