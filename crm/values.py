"""What one field of a deal was worth, and when: the point-in-time rule.

A tracked field's value at a date is the new value of its last change at or before the date, else the old
value of its first change after it, else today's value. Nothing of a deal counts before the deal was created:
two systems' clocks may differ.

Changes at one instant are put in the order in which each takes up the value that the one before it left, so that
the order of rows tells nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from crm.clock import event_millis, micros
from crm.coding import NONE, codes_in, encode
from crm.tables import CrmTables, Kind


@dataclass(frozen=True)
class ValueHistory:
    """The values of one field of all deals: `number[i]` holds for `deal[i]` from `at[i]` on.

    `deal` are row numbers of opportunities (int64), `at` milliseconds (int64), `number` floats (money, number,
    1 and 0 for a flag, days since 1970 for dates; NaN = none) or, for text, codes of `levels` (-1 = none).
    Sorted by deal, then time. `first` marks each deal's earliest entry, which is no change.
    """

    deal: np.ndarray
    at: np.ndarray
    number: np.ndarray
    levels: pd.Index | None = None

    @cached_property
    def first(self) -> np.ndarray:
        return np.diff(self.deal, prepend=-1) != 0

    @property
    def given(self) -> np.ndarray:
        """Whether each entry has a value."""
        return ~np.isnan(self.number) if self.levels is None else self.number != NONE

    @cached_property
    def value(self) -> np.ndarray:
        """The values themselves: `number`, or for text the text (object; None = none)."""
        return self.number if self.levels is None else self.decoded(self.number)

    def decoded(self, code: np.ndarray) -> np.ndarray:
        """The texts of codes; None = none."""
        assert self.levels is not None
        return np.array([*self.levels, None], dtype=object)[code]

    def value_at(self, deals: int, as_of: int) -> np.ndarray:
        """The value of each of `deals` deals at an instant, shape (deals,); none before the first entry."""
        known = self.at <= as_of
        number = np.full(deals, np.nan) if self.levels is None else np.full(deals, NONE, dtype=np.int64)
        number[self.deal[known]] = self.number[known]  # later entries of a deal overwrite earlier ones
        return number if self.levels is None else self.decoded(number)


def tracked_fields(tables: CrmTables) -> frozenset[str]:
    """The fields of which at least one change is recorded anywhere in the company."""
    return tables.facts.tracked


def deal_rows(tables: CrmTables, ids: pd.Series) -> np.ndarray:
    """Row number in opportunities of each id; -1 where there is none. Shape (n,), int64."""
    return codes_in(ids, pd.Index(tables["opportunities"]["opportunity_id"]))


def value_history(tables: CrmTables, field: str) -> ValueHistory:
    """The history of one field of opportunities, from its changes and today's value."""
    deals, kind = tables["opportunities"], tables.kind_of(field)
    rows, deal = _changes_of(tables, field)
    today, old, new, levels = _numbers(kind, deals[field], rows["old_value"], rows["new_value"])
    created = event_millis(deals["created_at"])
    at = np.maximum(event_millis(rows["changed_at"]), created[deal])
    order = _in_order(deal, micros(rows["changed_at"]), old, new, today[deal])
    deal, at, old, new = deal[order], at[order], old[order], new[order]
    first_change = np.flatnonzero(np.diff(deal, prepend=-1))
    today[deal[first_change]] = old[first_change]
    # A first change that stands at the creation itself leaves no time for an earlier value.
    keep = np.ones(len(deals), dtype=bool)
    keep[deal[first_change][at[first_change] == created[deal[first_change]]]] = False
    kept = np.flatnonzero(keep)
    return ValueHistory(*merged((kept, created[kept], today[kept]), (deal, at, new)), levels)


def merged(begin: tuple[np.ndarray, ...], then: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two lists of (deal, at, number) sorted by deal and time made one; of one time those of `begin` come first."""
    deal, at, number = (np.concatenate(pair) for pair in zip(begin, then, strict=True))
    order = by_deal(deal, at)
    return deal[order], at[order], number[order]


def by_deal(deal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The stable order by deal and time (milliseconds or microseconds; -1 is a deal too)."""
    if not len(deal):
        return np.zeros(0, dtype=np.int64)
    start = int(at.min())
    bits = (int(at.max()) - start + 1).bit_length()
    if bits + (int(deal.max()) + 2).bit_length() > 63:
        return np.lexsort((at, deal))
    return np.argsort(((deal + 1) << bits) | (at - start), kind="stable")


def _changes_of(tables: CrmTables, field: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The changes of a field on known deals, and each one's deal."""
    code, names = tables.change_fields
    place = names.get_indexer(pd.Index([field]))[0]
    rows = np.flatnonzero((code == place) & (place >= 0))
    deal = tables.deal_of("changes")[rows]
    known = deal >= 0
    columns = ["changed_at", "old_value", "new_value"]
    return tables["changes"][columns].take(rows[known]), deal[known]


def _numbers(
    kind: Kind, today: pd.Series, old: pd.Series, new: pd.Series
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index | None]:
    if kind in (Kind.TEXT, Kind.ID):
        codes, levels = encode([today, old, new])
        return codes[0].copy(), codes[1], codes[2], levels
    return _typed(today, kind), _typed(old, kind), _typed(new, kind), None


def _typed(values: pd.Series, kind: Kind) -> np.ndarray:
    if kind is Kind.FLAG:
        return values.map({"true": 1.0, "false": 0.0}).to_numpy(float, na_value=np.nan, copy=True)
    if kind is Kind.DATE:
        days = pd.to_datetime(values, errors="coerce", format="ISO8601").to_numpy("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(float))
    return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan, copy=True)


def plain_text(numbers: np.ndarray, kind: Kind) -> np.ndarray:
    """Numbers of that kind as the plain text that a table holds of them (15000, 2024-03-31, true); None = none."""
    texts = np.full(len(numbers), None, dtype=object)
    for place in np.flatnonzero(~np.isnan(numbers)):
        number = float(numbers[place])
        if kind is Kind.FLAG:
            texts[place] = "true" if number else "false"
        elif kind is Kind.DATE:
            texts[place] = str(np.datetime64(int(number), "D"))
        else:
            texts[place] = str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return texts


# Changes at one instant -----------------------------------------------------------------------------------------


def _in_order(deal: np.ndarray, at: np.ndarray, old: np.ndarray, new: np.ndarray, today: np.ndarray) -> np.ndarray:
    """The order of changes by deal and time (microseconds), and of one instant by what follows from what."""
    order = by_deal(deal, at)
    later = (np.diff(deal[order]) != 0) | (np.diff(at[order]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], later]))[: len(order)]
    sizes = np.diff(np.append(starts, len(order)))
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        group = order[start : start + size]
        before = order[start - 1] if start and deal[order[start - 1]] == deal[group[0]] else None
        follows = None if before is None else _key(new[before])
        after = (
            order[start + size] if start + size < len(order) and deal[order[start + size]] == deal[group[0]] else None
        )
        leads_to = _key(today[group[0]] if after is None else old[after])
        steps = [(_key(old[row]), _key(new[row]), int(row)) for row in group]
        order[start : start + size] = list(_chain(steps, follows, leads_to))
    return order


def _key(number: float) -> float:
    """A value that equals itself; what is missing comes before all else."""
    return -np.inf if number != number else float(number)  # noqa: PLR0124


def _chain(steps: Iterable[tuple[float, float, int]], follows: float | None, leads_to: float) -> Iterator[int]:
    """Steps (from, to, row) in an order in which each begins where the one before it ended, as far as there is one.

    It begins where the value stood before; where that is not known, at a value that is left more often than it is
    reached; where there is none, as it goes round, at the value that it leads to, else at the least. Which of equal
    steps comes first makes no difference.
    """
    leaving: dict[float, list[tuple[float, int]]] = defaultdict(list)
    surplus: dict[float, int] = defaultdict(int)
    for begin, end, row in sorted(steps, reverse=True):
        leaving[begin].append((end, row))  # the last is the least
        surplus[begin] += 1
        surplus[end] -= 1
    start = follows
    while any(leaving.values()):
        if start is None or not leaving.get(start):
            left = (value for value, ends in leaving.items() if ends)
            start = min(left, key=lambda value: (-surplus[value], value != leads_to, value))
        path: list[int] = []
        stack: list[tuple[float, int]] = [(start, NONE)]
        while stack:
            value, row = stack[-1]
            if leaving.get(value):
                stack.append(leaving[value].pop())
            else:
                path.append(stack.pop()[1])
        yield from reversed(path[:-1])
        start = None
