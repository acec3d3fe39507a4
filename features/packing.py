"""Keys and times as one number, and the places at which streams are asked, packed alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from crm.clock import NEVER


class Clock:
    """How (key, time) is packed into one number: the key above, the time below.

    A time is the milliseconds since `origin`, as long as the numbers below the key reach so far. They do but for very
    many keys over very long spans; one event in the year 9999, a typing error or a meeting nobody has deleted, makes
    such a span. Times that lie further are then numbered in their order. Streams ask nothing of a time but which
    is earlier, so no event has to be dropped or moved: none is known too early, and none goes missing, whatever the
    date that is asked.
    """

    def __init__(self, origin: int, times: Sequence[np.ndarray], last: int, keys: int) -> None:
        """:param origin: before the first event; :param last: the last event; :param times: all, milliseconds."""
        room = 1 << max(63 - max(keys, 1).bit_length(), 0)
        self.origin, self.latest = origin, max(last - origin, 1)
        self._far = np.empty(0, dtype=np.int64)
        if self.latest + 1 >= room:
            self.latest = room // 2
            self._far = _later_than(times, origin + self.latest)
        highest = self.latest + len(self._far)
        if highest + 1 >= room:
            raise OverflowError(f"{keys} keys at {len(self._far)} times do not fit a 64-bit stream; partition by key")
        self.bits = (highest + 1).bit_length()

    @staticmethod
    def of(times: Sequence[np.ndarray], keys: int) -> Clock:
        """One for all these events (milliseconds; NEVER is no time)."""
        dated = [at[at != NEVER] for at in times]
        first = min((int(at.min()) for at in dated if len(at)), default=1)
        last = max((int(at.max()) for at in dated if len(at)), default=1)
        return Clock(first - 1, dated, last, keys)

    def pack(self, key: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Keys and times as numbers that sort by key, then time; what lies outside all events' times is clipped."""
        packed = np.clip(at - self.origin, 0, self.latest)
        if len(self._far):
            packed += np.searchsorted(self._far, at, side="right")
        packed |= key << self.bits
        return packed

    def times(self, packed: np.ndarray) -> np.ndarray:
        """The times of events that :meth:`pack` packed, milliseconds."""
        below = packed & ((1 << self.bits) - 1)
        if not len(self._far):
            return below + self.origin
        return np.where(below > self.latest, self._far[np.maximum(below - self.latest, 1) - 1], below + self.origin)


def _later_than(times: Sequence[np.ndarray], instant: int) -> np.ndarray:
    """The different times that are later, in their order."""
    return np.unique(np.concatenate([at[at > instant] for at in times]))


class Places:
    """Keys and instants at which streams are asked; shape (n,) each. Streams of one clock share their packing."""

    def __init__(self, key: np.ndarray, at: np.ndarray) -> None:
        self.key, self.at = key, at
        self._packed: dict[int, tuple[Clock, np.ndarray]] = {}

    def packed(self, clock: Clock) -> np.ndarray:
        """Keys (those below 0 as 0) and instants by that clock."""
        if id(clock) not in self._packed:
            self._packed[id(clock)] = clock, clock.pack(np.maximum(self.key, 0), self.at)
        return self._packed[id(clock)][1]

    @cached_property
    def valid(self) -> np.ndarray | None:
        """Which have a key; None where all have."""
        valid = self.key >= 0
        return None if valid.all() else valid
