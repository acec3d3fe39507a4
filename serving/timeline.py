"""The story of each scored deal as it was known when a run scored it: what the store keeps to be told on its page.

No subject line and nobody's name is kept: owners by their ids, people at the buyer's by their roles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER, event_millis
from crm.coding import encode
from features.dataset import ScoringSet
from features.histories import Histories

MOST_EVENTS = 400
"""The newest so many events of a deal are kept, and what each field was before them."""

FIELDS = {"stage": "stage", "amount": "amount", "close_date": "close_date", "owner_id": "owner"}
"""The fields whose changes are told, and what their events are called."""
ACTIVITY, PERSON = "activity", "person"
DIRECTIONS = ("inbound", "outbound", "internal")


@dataclass(frozen=True)
class _Told:
    """Events of one kind: place of the deal among those scored, milliseconds, and what is told, as JSON text."""

    deal: np.ndarray
    at: np.ndarray
    says: np.ndarray
    is_value: bool


def timelines(scoring: ScoringSet) -> pd.Series:
    """Each scored deal's story as JSON text, by opportunity_id.

    `created` (UTC day), `tracked` (the FIELDS whose history is kept at all), `left_out` (how many earlier events are
    not told) and `events`, the first one first: [day, "stage" | "amount" | "close_date" | "owner", value], where a
    field's first event is what it began with; [day, "activity", kind, direction]; [day, "person", role].
    """
    histories, deal = scoring.prepared.histories, scoring.snapshots.deal
    place = np.full(len(histories), -1, dtype=np.int64)
    place[deal] = np.arange(len(deal))
    tracked = [field for field in FIELDS if histories.is_known(field)]
    told = [_field(histories, field, place, scoring.as_of) for field in tracked]
    told += [_activities(histories, place, scoring.as_of), _people(histories, place, scoring.as_of)]
    events, of, is_value = _in_order(told)
    bounds = np.searchsorted(of, np.arange(len(deal) + 1))
    named = json.dumps([FIELDS[field] for field in tracked])
    created = _days(histories.created[deal])
    texts = [
        _story(events, is_value, (int(first), int(last)), f'{{"created":"{day}","tracked":{named}')
        for first, last, day in zip(bounds[:-1], bounds[1:], created, strict=True)
    ]
    ids = histories.deals["opportunity_id"].to_numpy(object)[deal]
    return pd.Series(texts, index=pd.Index(ids, dtype=object), dtype=object)


def _story(events: list[str], is_value: np.ndarray, span: tuple[int, int], head: str) -> str:
    first, last = span
    begins = max(first, last - MOST_EVENTS)
    kept = events[begins:last]
    if begins > first:
        before = _last_values(events[first:begins], is_value[first:begins])
        kept = [*before, *kept]
    return f'{head},"left_out":{last - first - len(kept)},"events":[{",".join(kept)}]}}'


def _last_values(events: list[str], is_value: np.ndarray) -> Iterable[str]:
    """Of events that are left out, the last one of each field: so that what came after tells from what it changed."""
    values = [event for event, is_one in zip(events, is_value, strict=True) if is_one]
    last = {event.split(",", 2)[1]: place for place, event in enumerate(values)}
    return [values[place] for place in sorted(last.values())]


def _in_order(told: list[_Told]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """All events by deal and time: their JSON, whose they are, and whether each is a field's value."""
    deal = np.concatenate([one.deal for one in told])
    at = np.concatenate([one.at for one in told])
    order = np.lexsort((at, deal))
    says = np.concatenate([one.says for one in told])[order]
    is_value = np.concatenate([np.full(len(one.at), one.is_value) for one in told])[order]
    days = _days(at[order])
    return [f'["{day}",{text}]' for day, text in zip(days, says, strict=True)], deal[order], is_value


def _field(histories: Histories, field: str, place: np.ndarray, as_of: int) -> _Told:
    """What a field became, and when; written anew it has not become anything."""
    history = histories.values(field)
    number = history.number
    before = np.append(number[:1], number[:-1])
    anew = (number == before) | (np.isnan(number) & np.isnan(before))
    rows = np.flatnonzero((history.first | ~anew) & (history.at <= as_of) & (place[history.deal] >= 0))
    if history.levels is not None:
        texts = _quoted([*history.levels, None])
    elif field == "close_date":
        number, texts = _coded(number, lambda day: str(np.datetime64(int(day), "D")))
    else:
        number, texts = _coded(number, float)
    number = number.astype(np.int64)
    says = np.array([f'"{FIELDS[field]}",{text}' for text in texts], dtype=object)
    return _Told(place[history.deal[rows]], history.at[rows], says[number[rows]], is_value=True)


def _activities(histories: Histories, place: np.ndarray, as_of: int) -> _Told:
    """Activities that had taken place and been entered by then, at the time when they took place."""
    row, deal, known = histories.activities_in_order()
    kept = (known <= as_of) & (place[deal] >= 0)
    row, deal = row[kept], deal[kept]
    activities = histories.tables["activities"].take(row)
    (kind,), kinds = encode([activities["kind"]])
    (way,), ways = encode([activities["direction"]])
    directions = [one if one in DIRECTIONS else None for one in ways.str.casefold()]
    whats, wheres = _quoted([*kinds, None]), _quoted([*directions, None])
    texts = np.array([f'"{ACTIVITY}",{what},{where}' for what in whats for where in wheres], dtype=object)
    code = (kind % len(whats)) * len(wheres) + way % len(wheres)  # -1 is the last: not known
    return _by_what(place[deal], event_millis(activities["occurred_at"]), code, texts)


def _people(histories: Histories, place: np.ndarray, as_of: int) -> _Told:
    """People at the buyer's who had been put on the deal by then, by their roles, as far as it is known when."""
    roles = histories.tables["contact_roles"]
    deal, added = histories.deal_of("contact_roles"), event_millis(roles["added_at"])
    row = np.flatnonzero((deal >= 0) & (added <= as_of) & (added != NEVER))
    row = row[place[deal[row]] >= 0]
    (code,), names = encode([roles["role"].take(row)])
    texts = np.array([f'"{PERSON}",{role}' for role in _quoted([*names, None])], dtype=object)
    return _by_what(place[deal[row]], added[row], code, texts)


def _by_what(deal: np.ndarray, at: np.ndarray, code: np.ndarray, texts: np.ndarray) -> _Told:
    """Events in the order of what they are, so that the order of rows tells nothing of those of one instant."""
    order = np.argsort(code, kind="stable")
    return _Told(deal[order], at[order], texts[code[order]], is_value=False)


def _coded(number: np.ndarray, read: Callable[[float], Any]) -> tuple[np.ndarray, list[str]]:
    """Codes of numbers (-1 = none), and what each is as JSON text, that of none behind them."""
    known = ~np.isnan(number)
    values, code = np.unique(number[known], return_inverse=True)
    codes = np.full(len(number), -1)
    codes[known] = code
    return codes, _quoted([*map(read, values), None])


def _quoted(values: Iterable[Any]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _days(at: np.ndarray) -> np.ndarray:
    """The UTC days of instants, YYYY-MM-DD; objects, as Python joins those faster."""
    day, place = np.unique(at // DAY, return_inverse=True)
    return np.datetime_as_string(day.astype("datetime64[D]")).astype(object)[place]
