"""Numbers that people have kept beside the model's, held against what came."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.hierarchy import Hierarchy
from features.histories import Histories
from training.forecast.ledger import Ledger, ledger

PERSON, MODEL, ALIKE = "person", "model", "alike"


def judged(adjustments: pd.DataFrame, histories: Histories, until: int) -> pd.DataFrame:
    """The adjustments with what came of their periods, where these were over by an instant (milliseconds).

    Further columns: `actual` (revenue of the period, by who owned the deals when they were won; deals, where these have
    no amounts), `error` and `model_error` (what was said − what came), `nearer` (the person, the model, or both alike).
    NaN and None where the period is not over, or where the tables no longer know the key.
    """
    facts = ledger(histories)
    actual = [
        _revenue(facts, histories.hierarchy, row["period_start"], row["period_end"], row["level"], row["key"])
        if _end(row["period_end"]) <= until
        else np.nan
        for row in adjustments.to_dict("records")
    ]
    table = adjustments.assign(actual=np.array(actual, dtype=float))
    table["error"] = table["amount"].astype(float) - table["actual"]
    table["model_error"] = table["model_mean"].astype(float) - table["actual"]
    by_person, by_model = table["error"].abs().round(2), table["model_error"].abs().round(2)
    table["nearer"] = np.select([by_person < by_model, by_person > by_model], [PERSON, MODEL], ALIKE)
    table["nearer"] = table["nearer"].astype(object).where(table["model_error"].notna(), None)
    return table


def by_author(table: pd.DataFrame) -> pd.DataFrame:
    """How often each author's last number for a period, level and key was nearer than the model's, of those judged.

    A row an author, by name: `numbers`, `person`, `model`, `alike` (counts), and the mean size of both errors.
    """
    last = last_of_each(table)
    last = last[last["nearer"].notna()]
    rows = []
    for author, numbers in last.groupby("author", sort=True):
        counts = {name: int((numbers["nearer"] == name).sum()) for name in (PERSON, MODEL, ALIKE)}
        off = {f"mean_{name}": float(numbers[name].abs().mean()) for name in ("error", "model_error")}
        rows.append({"author": author, "numbers": len(numbers), **counts, **off})
    return pd.DataFrame(rows, columns=["author", "numbers", PERSON, MODEL, ALIKE, "mean_error", "mean_model_error"])


def last_of_each(adjustments: pd.DataFrame) -> pd.DataFrame:
    """The last number of each author for a period, level and key."""
    return adjustments.drop_duplicates(["author", "period_start", "level", "key"], keep="last")


def _revenue(facts: Ledger, hierarchy: Hierarchy, first: date, last: date, level: str, key: str) -> float:
    if key not in hierarchy.keys.get(level, ()):
        return np.nan
    by_owner = facts.revenue(_millis(first) - 1, _end(last), len(hierarchy.owners) + 1)
    keys, sums = hierarchy.total(level, by_owner)
    return round(float(sums[keys.index(key)]), 2)


def _millis(day: date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64)) * DAY


def _end(last: date) -> int:
    """The last instant of a period's last day, milliseconds."""
    return _millis(last) + DAY - 1
