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
from features.packing import Clock, Places

FEW = 3
"""Looking up events in snapshots is quicker than the reverse where there are so many times fewer of them."""

EXACT = 2.0**53 / 2**22
"""Whole numbers below it, four million of them, have a sum that a float holds."""


@dataclass(frozen=True)
class Filter:
    """A filter by code: the events whose code in `column` is one of those that `holds` marks (its last: no code)."""

    column: str
    holds: np.ndarray


@dataclass(frozen=True)
class Events:
    """Unsorted events: `key` (int64, -1 = of nobody), `at` (milliseconds), columns of one value an event.

    Float columns may hold NaN (not known); boolean columns are filters ("where"), and so are `filters`, which
    take no room of their own; integer columns are whole numbers or codes (-1 = none).
    """

    key: np.ndarray
    at: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many events."""
        return len(self.at)

    def column(self, name: str) -> np.ndarray:
        """A column, or a filter's answer for each event."""
        return _column(self.columns, self.filters, name)

    def take(self, rows: np.ndarray | slice) -> Events:
        """Some of the events, in the order given."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Events(self.key[rows], self.at[rows], columns, self.filters)

    @staticmethod
    def concat(parts: list[Events]) -> Events:
        """The events of several parts; each part has the same columns and filters."""
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        key, at = (np.concatenate([getattr(part, name) for part in parts]) for name in ("key", "at"))
        return Events(key, at, columns, parts[0].filters)


@dataclass(frozen=True)
class Range:
    """For each snapshot, the positions [start, end) of a stream's events; shape (n,) each, int64."""

    start: np.ndarray
    end: np.ndarray


class Stream:
    """Events sorted once by (key, time)."""

    def __init__(self, events: Events, keys: int, *, clock: Clock | None = None, any_order: bool = False) -> None:
        """:param keys: how many keys there are; every event's key is below it.

        :param clock: one that is shared with other streams; None: one of its own.
        :param any_order: whether events of a key at the same time come in any order: they are then put in one
            that does not depend on how they came. Otherwise they keep it.
        """
        kept = np.flatnonzero((events.key >= 0) & (events.at != NEVER))
        key, at = (events.key, events.at) if len(kept) == len(events) else (events.key[kept], events.at[kept])
        self.clock = clock or Clock.of([at], keys)
        packed = self.clock.pack(key, at)
        order = kept
        if np.any(packed[1:] < packed[:-1]):
            if events.columns:
                by_time = np.argsort(packed, kind="stable")
                packed, order = packed[by_time], kept[by_time]
            else:  # nothing that would have to follow
                packed.sort()
        if any_order:
            order = _without_order(events, packed, order)
        self._packed = packed
        in_order = order is kept and len(kept) == len(events)
        self._columns = {n: _narrow(c if in_order else c[order]) for n, c in events.columns.items()}
        self._whole = frozenset(name for name, column in self._columns.items() if _is_whole(column))
        self._filters = events.filters
        self._first_of_key = np.searchsorted(packed, np.arange(keys + 1, dtype=np.int64) << self.clock.bits)
        self._first_key = 0
        self._cache: dict[tuple[str, ...], np.ndarray] = {}

    def of_keys(self, first: int, last: int) -> Stream:
        """The part of the stream with the keys first … last; it shares the whole's memory and its keys."""
        begin, end = self._first_of_key[first], self._first_of_key[last + 1]
        part = object.__new__(Stream)
        part.clock = self.clock
        part._packed = self._packed[begin:end]
        part._columns = {name: column[begin:end] for name, column in self._columns.items()}
        part._filters, part._whole = self._filters, self._whole
        part._first_of_key = self._first_of_key[first : last + 2] - begin
        part._first_key = first
        part._cache = {}
        return part

    def __len__(self) -> int:
        """How many events."""
        return len(self._packed)

    @cached_property
    def key(self) -> np.ndarray:
        """Each event's key, in the stream's order."""
        return self._packed >> self.clock.bits

    @cached_property
    def at(self) -> np.ndarray:
        """Each event's time, milliseconds, in the stream's order."""
        return self.clock.times(self._packed)

    def known(self, key: np.ndarray, as_of: np.ndarray) -> Range:
        """Events of the key at or before `as_of` (milliseconds); those of a key below 0 are none."""
        return self.known_at(Places(key, as_of))

    def known_at(self, places: Places) -> Range:
        """Events of each place's key at or before its instant; those of a key below 0 are none."""
        end = _positions_after(self._packed, places.packed(self.clock))
        if places.valid is None:
            return Range(self._first_of_key[places.key - self._first_key], end)
        own = np.where(places.valid, places.key, self._first_key)
        start = np.where(places.valid, self._first_of_key[own - self._first_key], 0)
        return Range(start, np.where(places.valid, end, start))

    def within(self, known: Range, key: np.ndarray, as_of: np.ndarray, days: float) -> Range:
        """The part of a known range that lies in (as_of - days, as_of]."""
        return self.after(known, Places(key, as_of - round(days * DAY)))

    def after(self, known: Range, places: Places) -> Range:
        """The part of a known range that lies after each place's instant."""
        start = _positions_after(self._packed, places.packed(self.clock))
        return Range(np.clip(start, known.start, known.end), known.end)

    def count(self, of: Range, where: str | None = None) -> np.ndarray:
        """How many events (matching a filter) the range holds; shape (n,), float64."""
        if where is None:
            return (of.end - of.start).astype(float)
        prefix = self._cached(("count", where), lambda: _prefix_sum(self._matching(where)))
        return _difference(prefix, of)

    def count_after(self, of: Range, where: str, after: str) -> np.ndarray:
        """How many matching events of the range are later than its last that matches `after`; all without one."""
        last = self._last_position(of, after)
        return self.count(Range(np.where(last >= 0, self._next_time[last], of.start), of.end), where)

    @cached_property
    def _next_time(self) -> np.ndarray:
        """The position after each event's at which a later time, or another key, begins; one more at the end."""
        last = np.append(self._packed[1:] != self._packed[:-1], [True] * min(len(self), 1))
        ends = np.where(last, np.arange(1, len(last) + 1), len(last))
        return np.append(np.minimum.accumulate(ends[::-1])[::-1], len(last))

    def total(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """Sum of a column over the range (unknown values count as 0); shape (n,), float64."""
        if not len(self._packed):
            return np.zeros(len(of.end))
        if column in self._whole:  # sums of whole numbers are exact over all keys
            prefix = self._cached(("sum", column, where or ""), lambda: _prefix_sum(self._values(column, where)))
            return _difference(prefix, of)
        running = self._cached(("running", column, where or ""), lambda: self._running_sum(column, where))
        before = self._cached(("before", column, where or ""), lambda: self._before(running))
        last = np.maximum(of.end - 1, 0)
        first = np.minimum(of.start, len(running) - 1)
        return np.where(of.end > of.start, running[last] - before[first], 0.0)

    def distinct(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """How many different codes (>= 0) the known range holds; `of` must begin at its key's first event."""
        prefix = self._cached(("distinct", column, where or ""), lambda: self._first_seen(column, where))
        return _difference(prefix, of)

    def highest(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """The column's largest value in the known range; NaN without any. `of` must begin at its key's first event."""
        running = self._cached(("highest", column, where or ""), lambda: self._running_max(column, where))
        return running[self._last_position(of, None)]

    def last(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """The column's value at the range's last (matching) event; NaN where there is none."""
        return self._told(column)[self._last_position(of, where)]

    def first(self, of: Range, column: str, where: str | None = None) -> np.ndarray:
        """The column's value at the range's first (matching) event; NaN where there is none."""
        return self._told(column)[self._first_position(of, where)]

    def last_time(self, of: Range, where: str | None = None) -> np.ndarray:
        """When the range's last (matching) event took place, in milliseconds; NaN where there is none."""
        return self._times[self._last_position(of, where)]

    def first_time(self, of: Range, where: str | None = None) -> np.ndarray:
        """When the range's first (matching) event took place, in milliseconds; NaN where there is none."""
        return self._times[self._first_position(of, where)]

    def _last_position(self, of: Range, where: str | None) -> np.ndarray:
        """The position of the range's last (matching) event; -1 where there is none."""
        if where is None:
            return np.where(of.end > of.start, of.end - 1, -1)
        position = self._cached(("last", where), lambda: self._last_before(where))[of.end]
        position[position < of.start] = -1
        return position

    def _first_position(self, of: Range, where: str | None) -> np.ndarray:
        """The position of the range's first (matching) event; -1 where there is none."""
        if where is None:
            return np.where(of.end > of.start, of.start, -1)
        position = self._cached(("first", where), lambda: self._first_from(where))[of.start]
        position[position >= of.end] = -1
        return position

    def _last_before(self, where: str) -> np.ndarray:
        """The last matching event before each position; -1 where there is none."""
        matching = self._matching(where)
        return np.append(-1, np.maximum.accumulate(np.where(matching, np.arange(len(matching)), -1)))

    def _first_from(self, where: str) -> np.ndarray:
        """The first matching event at or after each position; behind the last where there is none."""
        matching = self._matching(where)
        following = np.where(matching, np.arange(len(matching)), len(matching))
        return np.append(np.minimum.accumulate(following[::-1])[::-1], len(matching))

    def _told(self, column: str) -> np.ndarray:
        """The column's values as floats, with NaN behind them, which is at -1."""
        return self._cached(("told", column), lambda: np.append(self._columns[column].astype(float), np.nan))

    @cached_property
    def _times(self) -> np.ndarray:
        return np.append(self.at.astype(float), np.nan)

    def _first_seen(self, column: str, where: str | None) -> np.ndarray:
        code = self._columns[column].astype(np.int64)
        counts = code >= 0
        if where is not None:
            counts = counts & self._matching(where)
        pair = pd.Series(self.key * (int(code.max(initial=0)) + 1) + code)[counts]
        first = np.zeros(len(code), dtype=bool)
        first[np.flatnonzero(counts)] = ~pair.duplicated().to_numpy()
        return _prefix_sum(first)

    def _matching(self, where: str) -> np.ndarray:
        return self._cached(("where", where), lambda: _column(self._columns, self._filters, where))

    def _values(self, column: str, where: str | None) -> np.ndarray:
        values = self._columns[column]
        known = np.where(np.isnan(values), 0.0, values) if values.dtype.kind == "f" else values
        return known * self._matching(where) if where else known

    def _running_sum(self, column: str, where: str | None) -> np.ndarray:
        """Sums that begin anew with each key: through one over all, keys would meet in the rounding."""
        return pd.Series(self._values(column, where)).groupby(self.key, sort=False).cumsum().to_numpy()

    def _running_max(self, column: str, where: str | None) -> np.ndarray:
        """The largest value of each event's key so far, NaN where there is none; NaN behind them, which is at -1."""
        values = self._columns[column].astype(float)
        counts = ~np.isnan(values) if where is None else ~np.isnan(values) & self._matching(where)
        so_far = pd.Series(np.where(counts, values, -np.inf)).groupby(self.key, sort=False).cummax().to_numpy()
        return np.append(np.where(so_far == -np.inf, np.nan, so_far), np.nan)

    def _before(self, running: np.ndarray) -> np.ndarray:
        """At each event, what its key's earlier events came to."""
        before = np.roll(running, 1)
        before[np.diff(self.key, prepend=-1) != 0] = 0.0
        return before

    def _cached(self, name: tuple[str, ...], make: Callable[[], np.ndarray]) -> np.ndarray:
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]


def _positions_after(packed: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """For each of `asked`, how many of the sorted `packed` are not larger; the fewer are looked up in the more."""
    if len(packed) * FEW > len(asked) or np.any(asked[1:] < asked[:-1]):
        return np.searchsorted(packed, asked, side="right")
    ahead = np.bincount(np.searchsorted(asked, packed, side="left"), minlength=len(asked) + 1)
    return np.cumsum(ahead[:-1])


def _column(columns: Mapping[str, np.ndarray], filters: Mapping[str, Filter], name: str) -> np.ndarray:
    by_code = filters.get(name)
    return columns[name] if by_code is None else by_code.holds[columns[by_code.column]]


def _narrow(column: np.ndarray) -> np.ndarray:
    """Whole numbers in as few bytes as hold them; their sums are exact in any order."""
    if not len(column) or column.dtype.kind == "b":
        return column
    if column.dtype.kind == "f":
        if np.isnan(column).any() or not _is_whole(column):
            return column
        column = column.astype(np.int64)
    low, high = int(column.min()), int(column.max())
    return column.astype(np.min_scalar_type(high if low >= 0 else min(low, -1 - high)))


def _is_whole(column: np.ndarray) -> bool:
    """Whether all values that are known are whole numbers, small enough for exact sums."""
    if column.dtype.kind != "f":
        return True
    known = np.where(np.isnan(column), 0.0, column)
    return bool((np.abs(known) < EXACT).all() and (known == np.rint(known)).all())


def _without_order(events: Events, packed: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Events of one key at one time put in the order of their columns' values."""
    equal = packed[1:] == packed[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
    if not len(tied):
        return order
    columns = [column[order[tied]] for column in events.columns.values()]
    order = order.copy()
    order[tied] = order[tied][np.lexsort([*columns, packed[tied]])]
    return order


def _difference(prefix: np.ndarray, of: Range) -> np.ndarray:
    found = prefix[of.end]
    found -= prefix[of.start]
    return found


def _prefix_sum(values: np.ndarray) -> np.ndarray:
    """Sums of whole numbers before each place, which floats hold exactly; shape (n + 1,), float64."""
    out = np.zeros(len(values) + 1)
    np.cumsum(values, out=out[1:], dtype=float)
    return out
