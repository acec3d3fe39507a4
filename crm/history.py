"""What the CRM held, and when: the stage's history, episodes of being open, the tables as of a date.

The point-in-time rule for values is in :mod:`crm.values`. A field without tracked history that may change is not
known at a past date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm.clock import NEVER, event_millis, instants
from crm.coding import NONE, codes_in
from crm.tables import CrmTables, Facts, Kind
from crm.values import ValueHistory, merged, plain_text, tracked_fields, value_history

FIXED_BY_NATURE = frozenset({"opportunity_id", "created_at", "account_id"})
SHOWN_ONLY = frozenset({"name"})
OUTCOME = frozenset({"closed_at", "is_won"})


def is_known_in_the_past(tables: CrmTables, field: str) -> bool:
    """Whether the field's value at a past date can be told: tracked, declared fixed, or fixed by nature."""
    return field in FIXED_BY_NATURE or field in tables.fixed or field in tracked_fields(tables)


def can_be_known(facts: Facts, fixed: frozenset[str], field: str) -> bool:
    """Whether the field's value at a past date can be told, and any deal of the company has ever had one."""
    tracked = field in facts.tracked
    return tracked or (field in FIXED_BY_NATURE | fixed and ("opportunities", field) in facts.given)


def stage_history(tables: CrmTables) -> ValueHistory:
    """The history of the stage, with the closing of deals whose stage moves were not all recorded.

    Where a closing is known only by its time (`closed_at`), the stage before it is not known (none). Levels are
    the stages of the table of stages, in its order.
    """
    history = _of_known_stages(tables, value_history(tables, "stage"))
    is_closed = _flags(tables, "is_closed")
    first = np.flatnonzero(history.first)
    following = np.append(np.where(history.first, NEVER, history.at), NEVER)[first + 1]
    closed_at = event_millis(tables["opportunities"]["closed_at"])[history.deal[first]]
    closed_at = np.maximum(closed_at, history.at[first])
    silent = is_closed[history.number[first]] & (closed_at < following)
    rows = first[silent]
    number = history.number.copy()
    number[rows] = NONE
    return ValueHistory(
        *merged((history.deal, history.at, number), (history.deal[rows], closed_at[silent], history.number[rows])),
        history.levels,
    )


def _of_known_stages(tables: CrmTables, history: ValueHistory) -> ValueHistory:
    assert history.levels is not None
    stages = pd.Index(tables["stages"]["stage"])
    place = np.append(codes_in(history.levels.to_series(), stages), NONE)
    return replace(history, number=place[history.number], levels=stages)


def _flags(tables: CrmTables, column: str) -> np.ndarray:
    """A flag of each stage, by its row; False for none, which stands last. Shape (stages + 1,), bool."""
    return np.append(tables["stages"][column].fillna(False).to_numpy(bool), False)


@dataclass(frozen=True)
class Episodes:
    """Spans in which a deal was open, sorted by deal and time; a reopened deal has several.

    That of a deal which was entered when it had been closed already begins and ends at its creation.

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
    """Every deal's episodes: from the stage's history where it is tracked, and from closed_at."""
    if "stage" in tracked_fields(tables):
        history = stage_history(tables)
        return _closed_by_row(tables, history, _episodes_from_stages(tables, history))
    deals = tables["opportunities"]
    created, closed = event_millis(deals["created_at"]), event_millis(deals["closed_at"])
    won, everyone = _outcome(deals), np.arange(len(deals))
    return Episodes(everyone, np.zeros_like(everyone), created, np.maximum(closed, created), won, won)


def _closed_by_row(tables: CrmTables, history: ValueHistory, spans: Episodes) -> Episodes:
    """Closes the episode that the stage's history left open of a deal whose row says that it is closed.

    Its last stage move is not recorded, or it was closed without leaving its stage.
    """
    deals = tables["opportunities"]
    last_move = np.zeros(len(deals), dtype=np.int64)
    last_move[history.deal] = history.at
    shown = np.maximum(event_millis(deals["closed_at"]), last_move)[spans.deal]
    closes = (np.diff(spans.deal, append=-1) != 0) & (spans.closed == NEVER) & (shown != NEVER)
    outcome = _outcome(deals)[spans.deal]
    return replace(
        spans,
        closed=np.where(closes, shown, spans.closed),
        won=np.where(closes, outcome, spans.won),
        won_then=np.where(closes, outcome, spans.won_then),
    )


def _outcome(deals: pd.DataFrame) -> np.ndarray:
    """How each deal's row says that it ended: 1 won, 0 lost, -1 open; shape (deals,), int8."""
    won = deals["is_won"].fillna(False).to_numpy(bool)
    return np.where(deals["closed_at"].isna(), -1, won).astype(np.int8)


def _episodes_from_stages(tables: CrmTables, history: ValueHistory) -> Episodes:
    is_closed, is_won = (_flags(tables, column)[history.number] for column in ("is_closed", "is_won"))
    new_deal = history.first
    was_closed = np.concatenate([[False], is_closed[:-1]])[: len(is_closed)]
    opens = new_deal | (~is_closed & was_closed)
    closes = is_closed & (new_deal | ~was_closed)
    episode = np.cumsum(opens) - 1  # numbering the openings numbers every entry's episode
    start = np.flatnonzero(opens)
    close = np.full(len(start), -1)
    close[episode[closes]] = np.flatnonzero(closes)
    ended = close >= 0
    run_end = _end_of_closed_run(is_closed, new_deal)
    closed = np.where(ended, history.at[close], NEVER)
    won_then = np.where(ended, is_won[close], -1).astype(np.int8)
    won = np.where(ended, is_won[run_end[close]], -1).astype(np.int8)
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

    Values of tracked fields are rolled back, and closings to what stood then; values of untracked fields stay
    today's, and :func:`is_known_in_the_past` tells which those are.
    """
    if _is_nothing_later(tables, as_of):
        return tables
    deals = _rolled_back(tables, as_of)
    frames = {**tables.frames, "opportunities": deals[event_millis(deals["created_at"]) <= as_of]}
    for name, column in (("changes", "changed_at"), ("leads", "created_at")):
        if name in frames:
            frames[name] = frames[name][event_millis(frames[name][column]) <= as_of]
    if "activities" in frames:
        frames["activities"] = frames["activities"][_entered(frames["activities"]) <= as_of]
    if "leads" in frames:
        unconverted = event_millis(frames["leads"]["converted_at"]) > as_of
        frames["leads"] = frames["leads"].assign(
            converted_at=frames["leads"]["converted_at"].mask(unconverted),
            opportunity_id=frames["leads"]["opportunity_id"].mask(unconverted),
        )
    for name, column in (("contact_roles", "added_at"), ("accounts", "created_at")):
        if name in frames:
            when = event_millis(frames[name][column])
            frames[name] = frames[name][(when <= as_of) | (when == NEVER)]
    return replace(tables, frames={name: frame.reset_index(drop=True) for name, frame in frames.items()})


def _is_nothing_later(tables: CrmTables, as_of: int) -> bool:
    """Whether all that the tables hold had been known by an instant."""
    known_from = [
        *((name, column) for name, columns in _KNOWN_FROM.items() for column in columns if name in tables.frames),
    ]
    times = [event_millis(tables[name][column]) for name, column in known_from]
    if "activities" in tables.frames:
        times.append(_entered(tables["activities"]))
    return all(bool(((when <= as_of) | (when == NEVER)).all()) for when in times)


_KNOWN_FROM = {
    "opportunities": ("created_at", "closed_at"),
    "changes": ("changed_at",),
    "leads": ("created_at", "converted_at"),
    "contact_roles": ("added_at",),
    "accounts": ("created_at",),
}


def data_through(tables: CrmTables, now: int = NEVER) -> int:
    """The last instant of which the tables tell anything, in milliseconds; 0 where there is no deal.

    What is dated after `now` (a meeting planned, a typing error) tells nothing of how far the data reach.
    """
    deals = tables["opportunities"]
    times = [
        event_millis(deals["created_at"]),
        event_millis(deals["closed_at"]),
        event_millis(tables["changes"]["changed_at"]),
        _entered(tables["activities"]),
    ]
    known = np.concatenate(times)
    known = known[(known != NEVER) & (known <= now)]
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
        kind = tables.kind_of(field)
        if field in tables.own and kind is not Kind.TEXT:
            value = plain_text(value, kind)
        elif kind is Kind.DATE:
            value = pd.to_datetime(pd.Series(value), unit="D").to_numpy()
        deals[field] = pd.Series(value, index=deals.index).astype(deals[field].dtype)
    closed_at = _closing_shown(tables, as_of)
    still_open = closed_at == NEVER
    closed = tables["stages"][tables["stages"]["is_closed"].fillna(False)].set_index("stage")["is_won"]
    # A deal may have been marked again since: its stage then says how it stood.
    won = deals["stage"].map(closed).astype("boolean").fillna(deals["is_won"])
    as_shown = event_millis(deals["closed_at"]) == closed_at
    deals["closed_at"] = deals["closed_at"].where(as_shown, instants(closed_at).set_axis(deals.index))
    deals["is_won"] = won.mask(still_open)
    if "stage" not in tracked:
        deals.loc[still_open & deals["stage"].isin(closed.index), "stage"] = None
    return deals


def _closing_shown(tables: CrmTables, as_of: int) -> np.ndarray:
    """When each deal had been closed, as its row showed it at an instant; NEVER while open. Shape (deals,)."""
    shown = event_millis(tables["opportunities"]["closed_at"])
    spans = episodes(tables)
    begun = np.flatnonzero(spans.opened <= as_of)
    closed = np.full(len(shown), NEVER)  # of the last episode begun
    closed[spans.deal[begun]] = spans.closed[begun]
    return np.where(closed > as_of, NEVER, np.where(shown <= as_of, shown, closed))
