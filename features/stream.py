"""Sorted streams, ranges and primitives: the families' only door to data.

A stream is the time-sorted events of one kind of key, packed as (key, time). A snapshot (key, as_of) finds
by binary search the range of events known to it; over ranges the primitives are array operations. What the
future holds lies behind a range's end, where no primitive can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER


@dataclass(frozen=True)
class Events:
    """Unsorted events: `key` (int64, -1 = of nobody), `at` (milliseconds), columns of one value an event.

    Float columns may hold NaN (not known); boolean columns are filters ("where"); integer columns are codes.
    """

    key: np.ndarray
    at: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    def dated(self) -> Events:
        """The events that have a key and a time."""
        keep = (self.key >= 0) & (self.at != NEVER)
        return Events(self.key[keep], self.at[keep], {name: column[keep] for name, column in self.columns.items()})


@dataclass(frozen=True)
class Range:
    """For each snapshot, the positions [start, end) of a stream's events; shape (n,) each, int64."""

    start: np.ndarray
    end: np.ndarray


class Stream:
    """Events sorted once by (key, time); equal times keep their source order."""

    def __init__(self, events: Events, keys: int) -> None:
        """:param keys: how many keys there are; every event's key is below it."""
        events = events.dated()
        self._origin = int(events.at.min()) - 1 if len(events.at) else 0
        self._latest = int(events.at.max()) - self._origin if len(events.at) else 1
        self._bits = max(self._latest + 1, 1).bit_length()
        if self._bits + max(keys, 1).bit_length() > 63:
            raise OverflowError(f"{keys} keys over {self._latest} ms do not fit a 64-bit stream; partition by key")
        packed = (events.key << self._bits) | (events.at - self._origin)
        if np.any(packed[1:] < packed[:-1]):
            order = np.argsort(packed, kind="stable")
            events = Events(events.key[order], events.at[order], {n: c[order] for n, c in events.columns.items()})
            packed = packed[order]
        self._packed = packed
        self.events = events
        self._first_of_key = np.searchsorted(packed, np.arange(keys + 1, dtype=np.int64) << self._bits)
        self._cache: dict[tuple[str, ...], np.ndarray] = {}

    def known(self, key: np.ndarray, as_of: np.ndarray) -> Range:
        """Events of the key at or before `as_of` (milliseconds)."""
        valid = key >= 0
        own = np.where(valid, key, 0)
        start = np.where(valid, self._first_of_key[own], 0)
        return Range(start, np.where(valid, self._position_after(own, as_of), start))

    def within(self, known: Range, key: np.ndarray, as_of: np.ndarray, days: float) -> Range:
        """The part of a known range that lies in (as_of - days, as_of]."""
        return self.after(known, key, as_of - round(days * DAY))

    def after(self, known: Range, key: np.ndarray, instant: np.ndarray) -> Range:
        """The part of a known range that lies after an instant (milliseconds)."""
        start = self._position_after(np.where(key >= 0, key, 0), instant)
        return Range(np.clip(start, known.start, known.end), known.end)

    def _position_after(self, key: np.ndarray, at: np.ndarray) -> np.ndarray:
        elapsed = np.clip(at - self._origin, 0, self._latest)
        return np.searchsorted(self._packed, (key << self._bits) | elapsed, side="right")

    def count(self, of: Range, where: str | None = None) -> np.ndarray:
        """How many events (matching a filter) the range holds; shape (n,), float64."""
        if where is None:
            return (of.end - of.start).astype(float)
        prefix = self._cached(("count", where), lambda: _prefix_sum(self.events.columns[where]))
        return prefix[of.end] - prefix[of.start]

    def count_after(self, of: Range, where: str, after: str) -> np.ndarray:
        """How many matching events of the range are later than its last that matches `after`; all without one."""
        last = self._last_position(of, after)
        start = of.start if not len(self._packed) else np.where(last >= 0, self._next_time[last], of.start)
        return self.count(Range(start, of.end), where)

    @cached_property
    def _next_time(self) -> np.ndarray:
        """The position after each event's at which a later time, or another key, begins."""
        ends = np.flatnonzero(np.append(np.diff(self._packed) != 0, [True] * (len(self._packed) > 0))) + 1
        return ends[np.searchsorted(ends, np.arange(len(self._packed)), side="right")]

    def total(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """Sum of a column over the range (unknown values count as 0); shape (n,), float64."""
        if not len(self._packed):
            return np.zeros(len(of.end))
        running = self._cached(("running", column, where or ""), lambda: self._running_sum(column, where))
        before = self._cached(("before", column, where or ""), lambda: self._before(running))
        last = np.maximum(of.end - 1, 0)
        first = np.minimum(of.start, len(running) - 1)
        return np.where(of.end > of.start, running[last] - before[first], 0.0)

    def distinct(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """How many different codes (>= 0) the known range holds; `of` must begin at its key's first event."""
        prefix = self._cached(("distinct", column, where or ""), lambda: self._first_seen(column, where))
        return prefix[of.end] - prefix[of.start]

    def last(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """The column's value at the range's last (matching) event; NaN where there is none."""
        return _take(self.events.columns[column], self._last_position(of, where))

    def first(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """The column's value at the range's first (matching) event; NaN where there is none."""
        return _take(self.events.columns[column], self._first_position(of, where))

    def last_time(self, of: Range, where: str | None = None) -> np.ndarray:
        """When the range's last (matching) event took place, in milliseconds; NaN where there is none."""
        return _take(self.events.at, self._last_position(of, where))

    def first_time(self, of: Range, where: str | None = None) -> np.ndarray:
        """When the range's first (matching) event took place, in milliseconds; NaN where there is none."""
        return _take(self.events.at, self._first_position(of, where))

    def _last_position(self, of: Range, where: str | None) -> np.ndarray:
        if not len(self._packed):
            return np.full(len(of.end), -1)
        if where is None:
            return np.where(of.end > of.start, of.end - 1, -1)
        running = self._cached(("last", where), lambda: self._running_last(where))
        position = running[np.maximum(of.end - 1, 0)]
        return np.where((of.end > of.start) & (position >= of.start), position, -1)

    def _first_position(self, of: Range, where: str | None) -> np.ndarray:
        if not len(self._packed):
            return np.full(len(of.end), -1)
        if where is None:
            return np.where(of.end > of.start, of.start, -1)
        running = self._cached(("first", where), lambda: self._running_first(where))
        position = running[np.minimum(of.start, len(running) - 1)]
        return np.where((position >= of.start) & (position < of.end), position, -1)

    def _running_last(self, where: str) -> np.ndarray:
        matching = self.events.columns[where]
        return np.maximum.accumulate(np.where(matching, np.arange(len(matching)), -1))

    def _running_first(self, where: str) -> np.ndarray:
        matching = self.events.columns[where]
        following = np.where(matching, np.arange(len(matching)), len(matching))
        return np.minimum.accumulate(following[::-1])[::-1]

    def _first_seen(self, column: str, where: str | None) -> np.ndarray:
        code = self.events.columns[column].astype(np.int64)
        counts = code >= 0
        if where is not None:
            counts = counts & self.events.columns[where]
        pair = pd.Series(self.events.key * (int(code.max(initial=0)) + 1) + code)[counts]
        first = np.zeros(len(code))
        first[np.flatnonzero(counts)] = ~pair.duplicated().to_numpy()
        return _prefix_sum(first)

    def _running_sum(self, column: str, where: str | None) -> np.ndarray:
        """Sums that begin anew with each key: through one over all, keys would meet in the rounding."""
        values = np.nan_to_num(self.events.columns[column].astype(float), nan=0.0)
        matching = values * self.events.columns[where] if where else values
        return pd.Series(matching).groupby(self.events.key, sort=False).cumsum().to_numpy()

    def _before(self, running: np.ndarray) -> np.ndarray:
        """At each event, what its key's earlier events came to."""
        before = np.roll(running, 1)
        before[np.diff(self.events.key, prepend=-1) != 0] = 0.0
        return before

    def _cached(self, name: tuple[str, ...], make: Callable[[], np.ndarray]) -> np.ndarray:
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]


def _prefix_sum(values: np.ndarray) -> np.ndarray:
    out = np.zeros(len(values) + 1)
    np.cumsum(values, out=out[1:])
    return out


def _take(values: np.ndarray, position: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.full(len(position), np.nan)
    return np.where(position >= 0, values[np.maximum(position, 0)].astype(float), np.nan)
