"""Events of many deals in one array, sorted by (deal, time), and questions asked of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SHIFT = 2**31


def packed(deal: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One sortable key of each (deal, second); seconds from 0 to about 68 years; same shape."""
    return deal.astype(np.int64) * _SHIFT + second


def strictly_increasing(deal: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The seconds, moved on where needed so that no two events of a deal share one; sorted by deal."""
    index = np.arange(len(deal))
    key = np.maximum.accumulate(packed(deal, second) - index) + index
    return key - deal.astype(np.int64) * _SHIFT


@dataclass(frozen=True)
class CodeHistory:
    """How one field of every deal changed, values being whole numbers and -1 standing for none.

    `deal`, `at`, `old`, `new`: the changes, shape (k,), sorted by deal and time; each changes something and
    each `old` is the `new` before it. `initial`, `today`: the first and last value of each deal, shape (n,).
    """

    deal: np.ndarray
    at: np.ndarray
    old: np.ndarray
    new: np.ndarray
    initial: np.ndarray
    today: np.ndarray

    def value_at(self, deal: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The value of each deal at each second, changes of that very second included; same shape."""
        if not len(self.deal):
            return self.initial[deal]
        last = np.searchsorted(packed(self.deal, self.at), packed(deal, second), side="right") - 1
        found = (last >= 0) & (self.deal[last] == deal)
        return np.where(found, self.new[last], self.initial[deal])


def code_history(initial: np.ndarray, deal: np.ndarray, at: np.ndarray, new: np.ndarray) -> CodeHistory:
    """The history of a field from its first values and what it was set to, in any order.

    What was set in the same second stays in the order given; what changes nothing leaves no trace.
    """
    order = np.argsort(packed(deal, at), kind="stable")
    deal, at, new = deal[order], at[order], new[order]
    is_first = np.diff(deal, prepend=-1) != 0
    old = np.where(is_first, initial[deal], np.concatenate([[-1], new[:-1]])) if len(deal) else new
    today = initial.copy()
    today[deal] = new
    real = old != new
    return CodeHistory(deal[real], at[real], old[real], new[real], initial, today)
