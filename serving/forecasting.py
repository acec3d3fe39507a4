"""The forecast as a table: a row a period, level and key, parts that add up to the cent, a range and a quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from crm.clock import DAY, instants
from crm.hierarchy import COMPANY, Hierarchy
from crm.periods import FiscalCalendar, Period
from crm.quotas import quotas_of
from features.families.company import CENTS
from features.histories import Histories
from serving.store_tables import FORECAST_COLUMNS
from training.forecast.forecaster import Forecast
from training.forecast.ledger import counts_deals
from training.forecast.moments import Moment
from training.forecast.ranges import SHARES, Ranges
from training.forecast.rollup import LevelForecast, rolled_up

PARTS = ("already_won", "open_pipeline", "new_business")


def forecast_table(
    run_id: str, forecast: Forecast, histories: Histories, calendar: FiscalCalendar, ranges: Ranges
) -> pd.DataFrame:
    """The forecast in the columns of the contract: periods in order, levels from the company downwards, keys.

    In every row `mean` = already_won + open_pipeline + new_business, to the cent, and a level's rows sum to the
    company's in each of the four. Quantiles do not sum. `period_end` is the period's last day; `quota` and its
    probability are NaN where there is none, and where deals are counted, as quotas are money. Below the company, keys
    that have nothing in any period are left out.
    """
    hierarchy, periods = histories.hierarchy, periods_of(calendar, forecast.moment)
    tables = histories.tables
    quotas = [{} if counts_deals(histories) else quotas_of(tables, hierarchy, period) for period in periods]
    parts = [
        _rows(level, periods[level.window], quotas[level.window], ranges)
        for level in rolled_up(_in_cents(forecast), hierarchy)
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(run_id=run_id, as_of=instants(np.full(len(table), forecast.moment.at)))
    return table[_has_anything(table)].reset_index(drop=True)[list(FORECAST_COLUMNS)]


def periods_of(calendar: FiscalCalendar, moment: Moment) -> tuple[Period, ...]:
    """The periods of a moment's windows."""
    return tuple(calendar.period_at(end) for end in moment.ends)


def last_day(period: Period) -> date:
    """The last day of a period."""
    return day_of(period.end - 1)


def day_of(at: int) -> date:
    """The UTC day of an instant, milliseconds."""
    return np.datetime64(at // DAY, "D").item()


def names_of(table: pd.DataFrame, hierarchy: Hierarchy) -> list[str]:
    """What people call the key of each row."""
    return [hierarchy.name(level, key) for level, key in zip(table["level"], table["key"], strict=True)]


def _in_cents(forecast: Forecast) -> Forecast:
    """Each owner's parts in whole cents, so that sums come to the same at every level."""
    parts = ("already", "open_pipeline", "new_business")
    return replace(forecast, **{name: np.rint(getattr(forecast, name) * CENTS) / CENTS for name in parts})


def _rows(of: LevelForecast, period: Period, quotas: Mapping[str, np.ndarray], ranges: Ranges) -> pd.DataFrame:
    quota = quotas.get(of.level, np.full(len(of.keys), np.nan))
    said = {"period_start": day_of(period.start), "period_end": last_day(period), "level": of.level, "key": of.keys}
    parts = dict(zip(PARTS, (of.already, of.open_pipeline, of.new_business), strict=True))
    shares = zip(("p10", "p50", "p90"), SHARES, strict=True)
    reached = {name: ranges.quantile(of.level, of.drawn, share) for name, share in shares}
    money = {name: np.round(value, 2) for name, value in {**parts, "mean": of.mean, **reached}.items()}
    probability = np.round(ranges.reaching(of.level, of.drawn, quota), 6)
    return pd.DataFrame({**said, **money, "quota": quota, "quota_probability": probability})


def _has_anything(table: pd.DataFrame) -> pd.Series:
    """Whether a row's key has a quota or may bring anything, in any period; the company always counts."""
    brings = (table[[*PARTS, "p90"]] != 0).any(axis=1) | table["quota"].notna()
    return brings.groupby([table["level"], table["key"]]).transform("any") | (table["level"] == COMPANY)
