"""What the CRM held, and when: the point-in-time rule for values, and episodes of being open.

A tracked field's value at a date is the new value of its last change at or before the date, else the old
value of its first change after it, else today's value. A field without tracked history that may change is
not known at a past date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import NEVER, event_millis
from crm.tables import OPPORTUNITIES, CrmTables, Kind

FIXED_BY_NATURE = frozenset({"opportunity_id", "created_at", "account_id"})
SHOWN_ONLY = frozenset({"name"})
OUTCOME = frozenset({"closed_at", "is_won"})


@dataclass(frozen=True)
class ValueHistory:
    """The values of one field of all deals: `value[i]` holds for `deal[i]` from `at[i]` on.

    `deal` are row numbers of opportunities (int64), `at` milliseconds (int64), `value` floats (money,
    number; days since 1970 for dates; NaN = none) or objects (text; None = none). Sorted by deal, then
    time, then source order. `first` marks each deal's earliest entry, which is no change.
    """

    deal: np.ndarray
    at: np.ndarray
    value: np.ndarray
    first: np.ndarray

    def value_at(self, deals: int, as_of: int) -> np.ndarray:
        """The value of each of `deals` deals at an instant, shape (deals,); none before the first entry."""
        known = self.at <= as_of
        empty = np.full(deals, np.nan if self.value.dtype.kind == "f" else None, dtype=self.value.dtype)
        empty[self.deal[known]] = self.value[known]  # later entries of a deal overwrite earlier ones
        return empty


def tracked_fields(tables: CrmTables) -> frozenset[str]:
    """The fields of which at least one change is recorded."""
    return frozenset(tables["changes"]["field"].dropna().unique())


def is_known_in_the_past(tables: CrmTables, field: str) -> bool:
    """Whether the field's value at a past date can be told: tracked, declared fixed, or fixed by nature."""
    return field in FIXED_BY_NATURE or field in tables.fixed or field in tracked_fields(tables)


def deal_rows(tables: CrmTables, ids: pd.Series) -> np.ndarray:
    """Row number in opportunities of each id; -1 where there is none. Shape (n,), int64."""
    return pd.Index(tables["opportunities"]["opportunity_id"]).get_indexer(ids).astype(np.int64)


def value_history(tables: CrmTables, field: str) -> ValueHistory:
    """The history of one field of opportunities, from its changes and today's value."""
    deals, kind = tables["opportunities"], _kind(field)
    changes = tables["changes"]
    rows = changes[(changes["field"] == field).fillna(False)]
    deal = deal_rows(tables, rows["opportunity_id"])
    at = event_millis(rows["changed_at"])
    order = np.lexsort((np.arange(len(rows)), at, deal))
    order = order[deal[order] >= 0]
    deal, at = deal[order], at[order]
    new = _typed(rows["new_value"].iloc[order], kind)
    old = _typed(rows["old_value"].iloc[order], kind)
    first_change = np.flatnonzero(np.diff(deal, prepend=-1))

    initial = _typed(deals[field], kind)
    initial[deal[first_change]] = old[first_change]
    created = event_millis(deals["created_at"])
    since = created.copy()
    since[deal[first_change]] = np.minimum(created[deal[first_change]], at[first_change])
    # A first change that stands at the creation itself leaves no time for an earlier value.
    keep = np.ones(len(deals), dtype=bool)
    at_creation = at[first_change] <= created[deal[first_change]]
    keep[deal[first_change][at_creation]] = False

    return _sorted(
        np.concatenate([np.flatnonzero(keep), deal]),
        np.concatenate([since[keep], at]),
        np.concatenate([initial[keep], new]),
    )


def stage_history(tables: CrmTables) -> ValueHistory:
    """The history of the stage, with the closing of deals whose stage moves were not all recorded.

    Where a closed deal has no stage change at all, the stage before its closing is not known (none).
    """
    history = value_history(tables, "stage")
    deals = tables["opportunities"]
    closed_stage = set(tables["stages"].loc[tables["stages"]["is_closed"].fillna(False), "stage"])
    last = np.flatnonzero(np.diff(history.deal, append=-1))
    last = last[history.deal[last] >= 0]
    silent = np.isin(last, np.flatnonzero(history.first)) & np.array(
        [stage in closed_stage for stage in history.value[last]], dtype=bool
    )
    if not silent.any():
        return history
    rows = last[silent]
    closed_at = event_millis(deals["closed_at"])[history.deal[rows]]
    known = closed_at != NEVER
    value = history.value.copy()
    value[rows] = None
    return _sorted(
        np.concatenate([history.deal, history.deal[rows][known]]),
        np.concatenate([history.at, closed_at[known]]),
        np.concatenate([value, history.value[rows][known]]),
    )


@dataclass(frozen=True)
class Episodes:
    """Spans in which a deal was open, sorted by deal and time; a reopened deal has several.

    `deal` row numbers of opportunities; `opened`, `closed` milliseconds (closed NEVER while open);
    `won` 1, 0 or -1 (open): the outcome as it stood in the end; `won_then`: as it was entered at `closed`.
    """

    deal: np.ndarray
    number: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    won: np.ndarray
    won_then: np.ndarray


def episodes(tables: CrmTables) -> Episodes:
    """Every deal's episodes: from the stage's history where it is tracked, else from closed_at."""
    if "stage" in tracked_fields(tables):
        return _episodes_from_stages(tables, stage_history(tables))
    deals = tables["opportunities"]
    closed = event_millis(deals["closed_at"])
    won = np.where(closed == NEVER, -1, deals["is_won"].fillna(False).to_numpy(bool).astype(np.int8))
    everyone = np.arange(len(deals))
    return Episodes(
        everyone, np.zeros_like(everyone), event_millis(deals["created_at"]), closed, won.astype(np.int8), won
    )


def _episodes_from_stages(tables: CrmTables, history: ValueHistory) -> Episodes:
    stages = tables["stages"].set_index("stage")
    entered = pd.Series(history.value)
    is_closed = entered.map(stages["is_closed"].astype(float)).fillna(0.0).to_numpy() > 0
    is_won = entered.map(stages["is_won"].astype(float)).fillna(0.0).to_numpy() > 0
    new_deal = history.first
    was_closed = np.concatenate([[True], is_closed[:-1]]) | new_deal
    opens = ~is_closed & was_closed
    closes = is_closed & ~np.concatenate([[True], is_closed[:-1]]) & ~new_deal
    # Numbering the openings numbers every entry's episode; entries of deals that began closed have none.
    episode = np.cumsum(opens) - 1
    start = np.flatnonzero(opens)
    close = np.full(len(start), -1)
    close[episode[closes]] = np.flatnonzero(closes)
    same_deal = (close >= 0) & (history.deal[close] == history.deal[start])
    run_end = _end_of_closed_run(is_closed, new_deal)
    closed = np.where(same_deal, history.at[close], NEVER)
    won_then = np.where(same_deal, is_won[close], -1).astype(np.int8)
    won = np.where(same_deal, is_won[run_end[close]], -1).astype(np.int8)
    deal = history.deal[start]
    position = np.arange(len(start))
    number = position - np.maximum.accumulate(np.where(np.diff(deal, prepend=-1) != 0, position, 0))
    return Episodes(deal, number, history.at[start], closed, won, won_then)


def _end_of_closed_run(is_closed: np.ndarray, new_deal: np.ndarray) -> np.ndarray:
    """For each entry, the last entry of the unbroken run of closed entries it stands in."""
    index = np.arange(len(is_closed))
    following_breaks = np.ones(len(is_closed), dtype=bool)
    following_breaks[:-1] = ~is_closed[1:] | new_deal[1:]
    ends = np.where(following_breaks, index, len(index))
    return np.minimum.accumulate(ends[::-1])[::-1]


def known_by(tables: CrmTables, as_of: int) -> CrmTables:
    """The tables as the CRM would have shown them at an instant (milliseconds): later things are not there.

    Values of tracked fields are rolled back; values of untracked ones stay today's, and
    :func:`is_known_in_the_past` tells which those are.
    """
    deals = _rolled_back(tables, as_of)
    frames = {**tables.frames, "opportunities": deals[event_millis(deals["created_at"]) <= as_of]}
    for name, column in (("changes", "changed_at"), ("leads", "created_at")):
        if name in frames:
            frames[name] = frames[name][event_millis(frames[name][column]) <= as_of]
    if "activities" in frames:
        frames["activities"] = frames["activities"][_entered(frames["activities"]) <= as_of]
    for name, column in (("contact_roles", "added_at"), ("accounts", "created_at")):
        if name in frames:
            when = event_millis(frames[name][column])
            frames[name] = frames[name][(when <= as_of) | (when == NEVER)]
    return CrmTables({name: frame.reset_index(drop=True) for name, frame in frames.items()}, tables.fixed)


def data_through(tables: CrmTables) -> int:
    """The last instant of which the tables tell anything, in milliseconds; 0 where there is no deal."""
    deals = tables["opportunities"]
    times = [
        event_millis(deals["created_at"]),
        event_millis(deals["closed_at"]),
        event_millis(tables["changes"]["changed_at"]),
        _entered(tables["activities"]),
    ]
    known = np.concatenate(times)
    known = known[known != NEVER]
    return int(known.max()) if len(known) else 0


def _entered(activities: pd.DataFrame) -> np.ndarray:
    """When each activity came to be known: when recorded, else when it took place."""
    recorded = event_millis(activities["recorded_at"])
    return np.where(recorded == NEVER, event_millis(activities["occurred_at"]), recorded)


def _rolled_back(tables: CrmTables, as_of: int) -> pd.DataFrame:
    deals = tables["opportunities"].copy()
    tracked = tracked_fields(tables)
    for field in sorted(tracked & set(deals.columns) - OUTCOME - FIXED_BY_NATURE):
        history = stage_history(tables) if field == "stage" else value_history(tables, field)
        value = history.value_at(len(deals), as_of)
        if _kind(field) is Kind.DATE:
            value = pd.to_datetime(pd.Series(value), unit="D").to_numpy()
        deals[field] = pd.Series(value, index=deals.index).astype(deals[field].dtype)
    later = event_millis(deals["closed_at"]) > as_of
    deals.loc[later, "closed_at"] = pd.NaT
    deals.loc[later, "is_won"] = pd.NA
    if "stage" not in tracked:
        closed = tables["stages"].loc[tables["stages"]["is_closed"].fillna(False), "stage"]
        deals.loc[later & deals["stage"].isin(closed), "stage"] = None
    return deals


def _kind(field: str) -> Kind:
    column = OPPORTUNITIES.column(field)
    return column.kind if column else Kind.TEXT


def _typed(values: pd.Series, kind: Kind) -> np.ndarray:
    if kind in (Kind.MONEY, Kind.NUMBER):
        return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan, copy=True)
    if kind is Kind.DATE:
        days = pd.to_datetime(values, errors="coerce", format="ISO8601").to_numpy("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(float))
    objects = values.astype(object).to_numpy(copy=True)
    objects[pd.isna(objects)] = None
    return objects


def _sorted(deal: np.ndarray, at: np.ndarray, value: np.ndarray) -> ValueHistory:
    order = np.lexsort((np.arange(len(deal)), at, deal))
    deal = deal[order]
    return ValueHistory(deal, at[order], value[order], np.diff(deal, prepend=-1) != 0)
