"""The story of each scored deal as it was known when a run scored it: what the store keeps to be told on its page.

No subject line and nobody's name is kept: owners by their ids, people at the buyer's by their roles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER, event_millis
from crm.coding import encode
from features.dataset import ScoringSet
from features.histories import Histories

MOST_EVENTS = 400
"""The newest so many events of a deal are kept, and what each field was before them."""
AT_ONCE = 5_000
"""The events of so many deals are put into words at once: as text they take ten times their room."""

FIELDS = {"stage": "stage", "amount": "amount", "close_date": "close_date", "owner_id": "owner"}
"""The fields whose changes are told, and what their events are called."""
ACTIVITY, PERSON = "activity", "person"
DIRECTIONS = ("inbound", "outbound", "internal")


@dataclass(frozen=True)
class _Told:
    """Events: place of the deal among those scored, milliseconds, and what is told: the code of one of `texts` (JSON).

    :param is_value: whether each says what a field became; one answer for all, or an array.
    """

    deal: np.ndarray
    at: np.ndarray
    code: np.ndarray
    texts: np.ndarray
    is_value: np.ndarray | bool


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
    events = _in_order(told)
    bounds = np.searchsorted(events.deal, np.arange(len(deal) + 1))
    named = json.dumps([FIELDS[field] for field in tracked])
    heads = [f'{{"created":"{day}","tracked":{named}' for day in _days(histories.created[deal])]
    texts: list[str] = []
    for first in range(0, len(deal), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        texts += _stories(events, bounds[first : first + AT_ONCE + 1], heads[part])
    ids = histories.deals["opportunity_id"].to_numpy(object)[deal]
    return pd.Series(texts, index=pd.Index(ids, dtype=object), dtype=object)


def _stories(events: _Told, bounds: np.ndarray, heads: list[str]) -> list[str]:
    """The stories of some deals in a row; `bounds`: where the events of each begin, and those of the last end."""
    begin, end = int(bounds[0]), int(bounds[-1])
    days, says = _days(events.at[begin:end]), events.texts[events.code[begin:end]]
    told = [f'["{day}",{text}]' for day, text in zip(days, says, strict=True)]
    is_value = np.asarray(events.is_value)[begin:end]
    places = [slice(int(a), int(b)) for a, b in pairwise(bounds - begin)]
    return [_story(told[place], is_value[place], head) for place, head in zip(places, heads, strict=True)]


def _story(events: list[str], is_value: np.ndarray, head: str) -> str:
    kept = events[-MOST_EVENTS:]
    if len(kept) < len(events):
        kept = [*_last_values(events[:-MOST_EVENTS], is_value[:-MOST_EVENTS]), *kept]
    return f'{head},"left_out":{len(events) - len(kept)},"events":[{",".join(kept)}]}}'


def _last_values(events: list[str], is_value: np.ndarray) -> Iterable[str]:
    """Of events that are left out, the last one of each field: so that what came after tells from what it changed."""
    values = [event for event, is_one in zip(events, is_value, strict=True) if is_one]
    last = {event.split(",", 2)[1]: place for place, event in enumerate(values)}
    return [values[place] for place in sorted(last.values())]


def _in_order(told: list[_Told]) -> _Told:
    """All events by deal and time; of one deal and instant as they were given."""
    deal, at = (np.concatenate([getattr(one, name) for one in told]) for name in ("deal", "at"))
    begins = np.cumsum([0, *(len(one.texts) for one in told)])
    code = np.concatenate([one.code + first for one, first in zip(told, begins, strict=False)])
    is_value = np.concatenate([np.full(len(one.at), one.is_value) for one in told])
    order = np.lexsort((at, deal))
    texts = np.concatenate([one.texts for one in told])
    return _Told(deal[order], at[order], code[order], texts, is_value[order])


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
    return _Told(place[history.deal[rows]], history.at[rows], number[rows] % len(says), says, is_value=True)


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
    return _Told(deal[order], at[order], code[order] % len(texts), texts, is_value=False)


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
