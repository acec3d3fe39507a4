"""How past forecasts did: a row a moment, window, level, key and method.

Columns: `as_of`, `period_start`, `period_end` (milliseconds, the end exclusive), `window` (0: the period around the
moment, 1: the one after), `weeks_left`, `level`, `key`, `method`, `already_won`, `forecast` (what was won already among
it), `actual`; of our own further `open_pipeline` and `new_business` with `_expected` (before corrections) and `_came`,
`p10`, `p50`, `p90`, `crps`, `pinball` (the mean of the three), and where `actual`
lies in what was drawn: `below` (the share of draws below it) and `upto` (at most it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.hierarchy import Hierarchy
from training.forecast.corrections import NONE, Corrections
from training.forecast.forecaster import Came, Forecast, weeks_left
from training.forecast.moments import Moment
from training.forecast.ranges import SHARES, Ranges, fit_shape
from training.forecast.rollup import rolled_up

OURS = "Dealcast"
PER_PERIOD = 2.0
"""The forecasts of one period and key, weeks apart, tell of ranges as much as so many independent ones."""

_CENT = 0.005


def periods_of(moment: Moment) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each window's period, milliseconds."""
    begins = (moment.begin, *(end + 1 for end in moment.ends[:-1]))
    return list(zip(begins, (end + 1 for end in moment.ends), strict=True))


def own_rows(forecast: Forecast, came: Came, hierarchy: Hierarchy, ranges: Ranges) -> pd.DataFrame:
    """The rows of our own forecast from one moment, and what came."""
    parts = []
    for part in rolled_up(forecast, hierarchy):
        actual = part.already + hierarchy.total(part.level, came.whole[:, part.window])[1]
        frame = _frame(forecast.moment, part.window, part.level, part.keys, OURS)
        quantiles = [ranges.quantile(part.level, part.drawn, share) for share in SHARES]
        parts.append(
            frame.assign(
                already_won=part.already,
                forecast=part.mean,
                actual=actual,
                open_pipeline_expected=part.open_pipeline / forecast.factors.open_pipeline[part.window],
                open_pipeline_came=hierarchy.total(part.level, came.open_pipeline[:, part.window])[1],
                new_business_expected=part.new_business / forecast.factors.new_business[part.window],
                new_business_came=hierarchy.total(part.level, came.new_business[:, part.window])[1],
                p10=quantiles[0],
                p50=quantiles[1],
                p90=quantiles[2],
                crps=crps(part.drawn, actual),
                pinball=np.mean(list(map(pinball, [actual] * 3, quantiles, SHARES)), axis=0),
                below=(part.drawn < actual[:, None] - _CENT).mean(axis=1),
                upto=(part.drawn <= actual[:, None] + _CENT).mean(axis=1),
            )
        )
    return pd.concat(parts, ignore_index=True)


def baseline_rows(
    method: str, moment: Moment, already: np.ndarray, said: np.ndarray, actual: np.ndarray, hierarchy: Hierarchy
) -> pd.DataFrame:
    """The rows of a baseline's forecast from one moment.

    :param already: (owners,) won in the first window's period before; :param said, actual: (owners, windows) to come.
    """
    parts = []
    for window in range(said.shape[1]):
        before = already if window == 0 else np.zeros_like(already)
        for level in hierarchy.levels:
            keys, won = hierarchy.total(level, before)
            frame = _frame(moment, window, level, keys, method).assign(already_won=won)
            for name, to_come in (("forecast", said[:, window]), ("actual", actual[:, window])):
                frame[name] = won + hierarchy.total(level, to_come)[1]
            parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def crps(drawn: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of draws (n, draws) at what came (n,); lower is better, 0 perfect.

    In the unit of what is forecast; of one draw it is the absolute error (Gneiting & Raftery 2007).
    """
    draws = drawn.shape[1]
    ordered = np.sort(drawn, axis=1)
    spread = ordered @ (2 * np.arange(1, draws + 1) - draws - 1) / draws**2
    return np.abs(drawn - actual[:, None]).mean(axis=1) - spread


def pinball(actual: np.ndarray, quantile: np.ndarray, share: float) -> np.ndarray:
    """Pinball loss of a quantile (n,); lower is better."""
    over = actual - quantile
    return np.maximum(share * over, (share - 1) * over)


def fit_ranges(record: pd.DataFrame, until: int, seed: int = 7) -> Ranges:
    """The shapes of all levels, from forecasts of periods that were over by an instant (milliseconds)."""
    ours = record[(record["method"] == OURS) & (record["period_end"] <= until + 1)] if len(record) else record
    shapes = {}
    for level, rows in ours.groupby("level") if len(ours) else ():
        told = rows[(rows["upto"] > rows["below"]) | (rows["below"].between(0, 1))]
        told = told[(told["forecast"] > 0) | (told["actual"] > 0)]
        even = np.random.default_rng(seed).random(len(told))
        place = (told["below"] + even * (told["upto"] - told["below"])).to_numpy()
        together = told.groupby(["window", "period_end", "key"])["method"].transform("size").to_numpy()
        keys = told.groupby(["window", "period_end"])["key"].transform("nunique").to_numpy()
        shapes[str(level)] = fit_shape(place, PER_PERIOD / together / np.sqrt(keys))
    return Ranges(shapes)


def fit_corrections(record: pd.DataFrame, until: int) -> Corrections:
    """What forecasts of periods that were over by an instant (milliseconds) were off by."""
    if not len(record):
        return NONE
    over = (record["method"] == OURS) & (record["level"] == "company") & (record["period_end"] <= until + 1)
    return Corrections(record[over])


@dataclass(frozen=True)
class Lessons:
    """What forecasts of periods that are over teach later ones."""

    ranges: Ranges
    corrections: Corrections


def lessons_of(record: pd.DataFrame, at: int) -> Lessons:
    """What had been learned by an instant (milliseconds)."""
    return Lessons(fit_ranges(record, at), fit_corrections(record, at))


def _frame(moment: Moment, window: int, level: str, keys: Sequence[str], method: str) -> pd.DataFrame:
    begin, end = periods_of(moment)[window]
    return pd.DataFrame(
        {
            "as_of": moment.at,
            "period_start": begin,
            "period_end": end,
            "window": window,
            "weeks_left": weeks_left(moment, window),
            "level": level,
            "key": list(keys),
            "method": method,
        }
    )
