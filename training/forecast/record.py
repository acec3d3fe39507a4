"""How past forecasts did: a row a moment, window, level, key and method.

Columns: `as_of`, `period_start`, `period_end` (milliseconds, the end exclusive), `window` (0: the period around the
moment, 1: the one after), `weeks_left`, `level`, `key`, `method`, `already_won`, `forecast` (what was won already among
it), `actual`; of our own further `open_pipeline` and `new_business` with `_expected` (before corrections) and `_came`,
`p10`, `p50`, `p90`, `crps`, `pinball` (the mean of the three), and where `actual`
lies in what was drawn: `below` (the share of draws below it) and `upto` (at most it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.hierarchy import LEVELS, Hierarchy
from crm.periods import FiscalCalendar
from training.forecast.corrections import NONE, Corrections
from training.forecast.forecaster import Came, Forecast, weeks_left
from training.forecast.moments import Moment
from training.forecast.ranges import SHARES, UNTRIED, Ranges, fit_shape
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
        level, window = part.level, part.window
        actual = part.already + hierarchy.total(level, came.whole[:, window])[1]
        quantiles = [ranges.quantile(level, part.drawn, share) for share in SHARES]
        said = {
            "already_won": part.already,
            "forecast": part.mean,
            "actual": actual,
            "open_pipeline_expected": part.open_pipeline / forecast.factors.open_pipeline[window],
            "open_pipeline_came": hierarchy.total(level, came.open_pipeline[:, window])[1],
            "new_business_expected": part.new_business / forecast.factors.new_business[window],
            "new_business_came": hierarchy.total(level, came.new_business[:, window])[1],
            **dict(zip(("p10", "p50", "p90"), quantiles, strict=True)),
            "crps": crps(part.drawn, actual),
            "pinball": np.mean(list(map(pinball, [actual] * 3, quantiles, SHARES)), axis=0),
            "below": (part.drawn < actual[:, None] - _CENT).mean(axis=1),
            "upto": (part.drawn <= actual[:, None] + _CENT).mean(axis=1),
        }
        parts.append({**_place(forecast.moment, window, level, part.keys, OURS), **said})
    return _frame(parts)


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
            whole = {
                name: won + hierarchy.total(level, to_come)[1]
                for name, to_come in (("forecast", said[:, window]), ("actual", actual[:, window]))
            }
            parts.append({**_place(moment, window, level, keys, method), "already_won": won, **whole})
    return _frame(parts)


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
    if not len(record) or not (over := record[record["period_end"] <= until + 1]).size:
        return Ranges(dict.fromkeys(LEVELS, UNTRIED), tried=False)
    ours = over[over["method"] == OURS]
    shapes = {}
    for level, rows in ours.groupby("level"):
        told = rows[(rows["forecast"] > 0) | (rows["actual"] > 0)]
        even = np.random.default_rng(seed).random(len(told))
        place = (told["below"] + even * (told["upto"] - told["below"])).to_numpy()
        together = told.groupby(["window", "period_end", "key"])["method"].transform("size").to_numpy()
        keys = told.groupby(["window", "period_end"])["key"].transform("nunique").to_numpy()
        shapes[str(level)] = fit_shape(place, PER_PERIOD / together / np.sqrt(keys))
    return Ranges(shapes)


def of_calendar(record: pd.DataFrame, calendar: FiscalCalendar) -> pd.DataFrame:
    """The rows of a record that are of the calendar's periods: quarters teach nothing of months."""
    if not len(record):
        return record
    begin, end = calendar.bounds(record["period_start"].to_numpy())
    return record[(begin == record["period_start"]) & (end == record["period_end"])]


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


def _place(moment: Moment, window: int, level: str, keys: Sequence[str], method: str) -> dict[str, Any]:
    """Of which moment, window, level, keys and method rows are."""
    begin, end = periods_of(moment)[window]
    weeks = weeks_left(moment, window)
    same = {"as_of": moment.at, "period_start": begin, "period_end": end, "window": window, "weeks_left": weeks}
    return {**{name: np.full(len(keys), value) for name, value in same.items()}, **_texts(level, keys, method)}


def _texts(level: str, keys: Sequence[str], method: str) -> dict[str, np.ndarray]:
    every = {"level": [level] * len(keys), "key": list(keys), "method": [method] * len(keys)}
    return {name: np.array(values, dtype=object) for name, values in every.items()}


def _frame(parts: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Rows of several parts that have the same columns; made at once, as frames are slow to be put together."""
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
