"""What a record says of each method: how far off, to which side, and whether ranges held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.forecast.record import OURS, crps
from training.scores import resampled_clusters

LEAST_PERIODS = 3
"""A baseline's own range takes so many earlier periods to tell."""

_DRAWS = 400


@dataclass(frozen=True)
class Score:
    """How a method did at a level, so many weeks before the end of the period; money ÷ the sum of what came.

    :param window: 0 the period around the moment, 1 the one after. :param periods, forecasts: how many of each.
    :param wape: Σ|forecast − actual|; 0 is perfect; :param beside: that of our own forecasts where the method made one.
    :param bias: Σ(forecast − actual), above 0 is too high; its 90 %
        interval is bootstrapped over periods.
    :param inside: share of `actual` within p10 to p90, 0.8 is promised; :param pinball: of p10, p50, p90.
    :param crps: of a baseline that of its own errors in earlier periods, as far as those are `LEAST_PERIODS`;
        :param ours: our own CRPS of the same forecasts, where `crps` is a baseline's. NaN where it cannot be said.
    """

    method: str
    level: str
    window: int
    weeks_left: float
    periods: int
    forecasts: int
    wape: float
    beside: float
    bias: float
    bias_low: float
    bias_high: float
    inside: float
    pinball: float
    crps: float
    ours: float


def summary(record: pd.DataFrame) -> list[Score]:
    """The scores of every method, level, window and week of a record (see :mod:`training.forecast.record`)."""
    return scores_of(with_own_ranges(record))


def scores_of(ranged: pd.DataFrame) -> list[Score]:
    """The same of a record, or of several companies' together, whose baselines have their own ranges already."""
    told = ranged[(ranged["forecast"] != 0) | (ranged["actual"] != 0)]
    by = ["level", "window", "weeks_left", "method"]
    return [_score(rows) for _, rows in told.groupby(by, sort=True)]


def with_own_ranges(record: pd.DataFrame) -> pd.DataFrame:
    """The record with the baselines' `crps` at company level, and beside it our own of the same forecasts: `our_error`
    (money), and `ours`, the CRPS.

    A baseline's range is its forecast, times what came ÷ what it said as many weeks before the end of each earlier
    period that was over then.
    """
    told = record.reset_index(drop=True).assign(ours=np.nan)  # rows are set by their place
    same = ["as_of", "period_end", "level", "key"]
    of_us = told[told["method"] == OURS].set_index(same)
    own = of_us["crps"]
    error = (of_us["forecast"] - of_us["actual"]).abs()
    told["our_error"] = error.reindex(pd.MultiIndex.from_frame(told[same])).to_numpy()
    company = told[(told["level"] == "company") & (told["method"] != OURS)]
    for _, rows in company.groupby(["method", "window", "weeks_left"]):
        for place, row in rows.iterrows():
            before = rows[(rows["period_end"] <= row["as_of"] + 1) & (rows["forecast"] > 0)]
            if before["period_end"].nunique() >= LEAST_PERIODS and row["forecast"] > 0:
                drawn = row["forecast"] * (before["actual"] / before["forecast"]).to_numpy()
                told.loc[place, "crps"] = crps(drawn[None, :], np.array([row["actual"]]))[0]
                told.loc[place, "ours"] = own[tuple(row[name] for name in same)]
    return told


def _score(rows: pd.DataFrame) -> Score:
    first = rows.iloc[0]
    actual, error = rows["actual"].to_numpy(float), (rows["forecast"] - rows["actual"]).to_numpy(float)
    whole = actual.sum() or np.nan
    low, high = _bias_interval(actual, error, rows["period_end"].to_numpy())
    ranged = rows["p10"].notna().to_numpy()
    held = (rows["p10"] - 0.005 <= rows["actual"]) & (rows["actual"] <= rows["p90"] + 0.005)
    scored = rows["crps"].notna()
    of_scored = float(rows.loc[scored, "actual"].sum()) or np.nan
    return Score(
        str(first["method"]),
        str(first["level"]),
        int(first["window"]),
        float(first["weeks_left"]),
        int(rows["period_end"].nunique()),
        len(rows),
        float(np.abs(error).sum() / whole),
        float(rows["our_error"].sum() / whole),
        float(error.sum() / whole),
        low,
        high,
        float(held[ranged].mean()) if ranged.any() else np.nan,
        float(rows["pinball"].sum() / whole) if ranged.any() else np.nan,
        float(rows.loc[scored, "crps"].sum() / of_scored) if scored.any() else np.nan,
        float(rows.loc[scored, "ours"].sum() / of_scored) if rows["ours"].notna().any() else np.nan,
    )


def _bias_interval(actual: np.ndarray, error: np.ndarray, period: np.ndarray) -> tuple[float, float]:
    _, code = np.unique(period, return_inverse=True)
    if code.max() + 1 < LEAST_PERIODS:
        return float("nan"), float("nan")
    actual_of, error_of = np.bincount(code, actual), np.bincount(code, error)
    found = [
        float(times @ error_of / (times @ actual_of)) if times @ actual_of else 0.0
        for times in resampled_clusters(len(actual_of), _DRAWS)
    ]
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)
