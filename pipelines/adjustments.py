"""People's own numbers beside the forecast: kept, listed, and held against what came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from crm.errors import WrongUse
from crm.periods import KINDS
from features.settings import TimeWishes
from pipelines.champion import found_store
from pipelines.company import open_company
from pipelines.config import Config, Home, caller, load_config
from serving.adjustments import by_author, judged
from serving.forecasting import day_of, last_day
from serving.store_tables import ADJUSTMENTS

NEAR = 3
SHOWN = 5


@dataclass(frozen=True)
class Adjusted:
    """The number that was kept, a row of ADJUSTMENTS, and the name of its period."""

    row: Mapping[str, Any]
    period: str


@dataclass(frozen=True)
class Adjustments:
    """Every number that was kept, the first one first: columns of ADJUSTMENTS, and `period`, its name.

    :param authors: who was nearer how often (:func:`serving.adjustments.by_author`); None without tables to tell what
        came. With them the table has the columns of :func:`serving.adjustments.judged`.
    """

    table: pd.DataFrame
    authors: pd.DataFrame | None
    notes: tuple[str, ...]


def adjust(
    level: str, key: str, amount: float, period: str | None, note: str, home: Home, author: str | None = None
) -> Adjusted:
    """Keep a person's own number beside the latest forecast's.

    :param period: its name or a day in it; None: the forecast's first.
    :raises WrongUse: where there is no forecast, or it has no such period, level or key.
    """
    if not math.isfinite(amount):
        raise WrongUse(f"{amount} is not an amount", where="--amount", expected="a number such as 250000")
    config = load_config(home)
    store = found_store(home, config)
    latest = None if store is None else store.latest_forecast()
    if store is None or latest is None:
        raise WrongUse(
            "no forecast has been kept here yet",
            where=str(home.path),
            remedy="make one: dealcast forecast --data DIR --home DIR; or name its home with --home",
        )
    row = _row_of(_in_period(latest, period, config), level, key)
    said = {name: row[name] for name in ("period_start", "period_end", "level", "key", "run_id")}
    model = {f"model_{name}": float(row[name]) for name in ("mean", "p10", "p90")}
    as_of = row["as_of"].to_pydatetime().replace(tzinfo=UTC)
    own = {
        "amount": amount,
        "note": note,
        "author": author or caller(),
        "as_of": as_of,
        "name": row["name"] or row["key"],
    }
    kept = store.add_adjustment({**said, **model, **own})
    return Adjusted(kept, period_name(row["period_start"], row["period_end"], config.time))


def adjustments(home: Home, data: Path | None, as_of: str) -> Adjustments:
    """The numbers that people have kept; with tables, what came of those whose period is over."""
    config = load_config(home)
    store = found_store(home, config)
    rows = () if store is None else store.adjustments()
    table = pd.DataFrame(rows, columns=[column.name for column in ADJUSTMENTS.columns])
    spans = zip(table["period_start"], table["period_end"], strict=True)
    table["period"] = [period_name(start, end, config.time) for start, end in spans]
    if data is None:
        return Adjustments(table, None, ())
    company = open_company(data, as_of, config)
    table = judged(table, company.histories, company.complete_until)
    return Adjustments(table, by_author(table), company.notes)


def period_name(start: date, end: date, wishes: TimeWishes) -> str:
    """What people call the period between two days by their calendar; the days where it has none such."""
    at = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() * 1000)
    for kind in KINDS:
        period = replace(wishes, period=kind).calendar().period_at(at)
        if (day_of(period.start), last_day(period)) == (start, end):
            return period.name
    return f"{start} to {end}"


def _in_period(forecast: pd.DataFrame, wanted: str | None, config: Config) -> pd.DataFrame:
    """The forecast's rows of the period wanted."""
    spans = list(dict.fromkeys(zip(forecast["period_start"], forecast["period_end"], strict=True)))
    names = [period_name(*span, config.time) for span in spans]
    if wanted is None:
        start = spans[0][0]
    else:
        day = _day(wanted)
        found = [
            first
            for (first, last), name in zip(spans, names, strict=True)
            if name.casefold() == " ".join(wanted.split()).casefold() or (day and first <= day <= last)
        ]
        if not found:
            raise WrongUse(
                f"the latest forecast has no period '{wanted}'",
                where="--period",
                expected=f"{' or '.join(names)}, or a day in it such as {spans[0][1]}",
            )
        start = found[0]
    return forecast[forecast["period_start"] == start]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _row_of(rows: pd.DataFrame, level: str, key: str) -> pd.Series:
    """The row of a key, given by its id or its name. Raises WrongUse naming near ones."""
    there = rows[rows["level"] == level]
    if not len(there):
        found = f"the latest forecast has no level '{level}'"
        raise WrongUse(found, where="--level", expected=" or ".join(rows["level"].unique()))
    matching = there[there["key"] == key]
    if not len(matching):
        matching = there[there["name"].fillna("").str.casefold() == key.casefold()]
    if len(matching) == 1:
        return matching.iloc[0]
    if len(matching):
        found = f"{len(matching)} are called '{key}'"
        raise WrongUse(found, where="--key", expected=f"one of {', '.join(matching['key'])}")
    called = dict(zip(there["key"].tolist(), there["name"].tolist(), strict=True))
    words = {one: _called(one, name) for one, name in called.items()}
    names = {name: one for one, name in called.items() if name}
    near = get_close_matches(key, [*words, *names], n=NEAR)
    shown = [words[names.get(one, one)] for one in near] or [*words.values()][:SHOWN]
    raise WrongUse(
        f"the latest forecast has no {level} '{key}'",
        where="--key",
        expected=f"{'such as ' if len(shown) < len(words) else ''}{', '.join(dict.fromkeys(shown))}",
    )


def _called(key: str, name: str | None) -> str:
    return key if not name or name == key else f"{key} ({name})"
