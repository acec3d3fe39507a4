"""The kernel that answers declared questions for all snapshots at once.

Streams are sorted once; each snapshot's range is found by binary search; every question is array operations
over those ranges. Answers are float64 inside and float32 in the resulting table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.periods import FiscalCalendar
from features.catalogue import Catalogue
from features.feature import Absent, Feature
from features.histories import Histories
from features.questions import (
    Apply,
    AsOf,
    Combine,
    Constant,
    Count,
    CountAfter,
    DaysToPeriodEnd,
    Distinct,
    First,
    Last,
    Question,
    Since,
    SinceFirst,
    Static,
    Sum,
    streams_of,
)
from features.stream import Range, Stream


@dataclass(frozen=True)
class Snapshots:
    """(deal, as-of date) pairs: `deal` row numbers of opportunities, `as_of` milliseconds; shape (n,) each."""

    deal: np.ndarray
    as_of: np.ndarray

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.deal)


@dataclass(frozen=True)
class Prepared:
    """A company's streams, sorted; `absent` says of each stream that cannot be had why."""

    histories: Histories
    catalogue: Catalogue
    calendar: FiscalCalendar
    streams: Mapping[str, Stream]
    absent: Mapping[str, str]

    def why_absent(self, feature: Feature) -> str | None:
        """Why a feature cannot be computed from these tables; None where it can."""
        missing = sorted(streams_of(feature.ask) & set(self.absent))
        return self.absent[missing[0]] if missing else None


def prepare(histories: Histories, catalogue: Catalogue, calendar: FiscalCalendar) -> Prepared:
    """Sort every stream that the tables allow."""
    streams: dict[str, Stream] = {}
    absent: dict[str, str] = {}
    for name, source in catalogue.streams.items():
        events = source.events(histories)
        if isinstance(events, Absent):
            absent[name] = events.why
        else:
            streams[name] = Stream(events, histories.entity_size(source.entity))
    return Prepared(histories, catalogue, calendar, streams, absent)


def compute(prepared: Prepared, snapshots: Snapshots, names: tuple[str, ...]) -> pd.DataFrame:
    """The named features of the snapshots; one float32 column each, NaN where not known or absent."""
    kernel = Kernel(prepared, snapshots)
    columns = {}
    for name in names:
        feature = prepared.catalogue.feature(name)
        absent = prepared.why_absent(feature) is not None
        answer = np.full(len(snapshots), np.nan) if absent else kernel.answer(feature.ask)
        columns[name] = answer.astype(np.float32)
    return pd.DataFrame(columns)


class Kernel:
    """Answers questions for one set of snapshots; ranges and answers are kept, as questions share parts."""

    def __init__(self, prepared: Prepared, snapshots: Snapshots) -> None:
        self._prepared = prepared
        self._snapshots = snapshots
        self._answers: dict[Question, np.ndarray] = {}
        self._ranges: dict[tuple[str, float | None, bool], Range] = {}

    def answer(self, question: Question) -> np.ndarray:
        """The question's number for each snapshot; shape (n,), float64, NaN = not known."""
        if question not in self._answers:
            self._answers[question] = _ANSWERS[type(question)](self, question)
        return self._answers[question]

    def range(self, stream: str, days: float | None = None, this_period: bool = False) -> Range:
        """The positions of a stream's events known to each snapshot, within the last `days` or this period."""
        window = (stream, days, this_period)
        if window not in self._ranges:
            self._ranges[window] = self._find(*window)
        return self._ranges[window]

    def stream(self, name: str) -> Stream:
        """The sorted stream of that name."""
        return self._prepared.streams[name]

    def _find(self, name: str, days: float | None, this_period: bool) -> Range:
        stream, as_of = self.stream(name), self._snapshots.as_of
        key = self._key(self._prepared.catalogue.streams[name].entity)
        found = stream.known(key, as_of) if days is None else stream.within(self.range(name), key, as_of, days)
        return stream.after(found, key, self._prepared.calendar.bounds(as_of)[0] - 1) if this_period else found

    def _key(self, entity: str) -> np.ndarray:
        if entity == "deal":
            return self._snapshots.deal
        if entity == "company":
            return np.zeros(len(self._snapshots), dtype=np.int64)
        code = self.answer(key_question(entity))
        return np.nan_to_num(code, nan=-1).astype(np.int64)

    def _static(self, question: Static) -> np.ndarray:
        return self._prepared.histories.static(question.name)[self._snapshots.deal]

    def _since(self, at: np.ndarray) -> np.ndarray:
        return (self._snapshots.as_of - at) / DAY

    def _days_to_period_end(self) -> np.ndarray:
        _, end = self._prepared.calendar.bounds(self._snapshots.as_of)
        return (end - self._snapshots.as_of) / DAY

    def _combine(self, question: Combine) -> np.ndarray:
        left, right = self.answer(question.left), self.answer(question.right)
        return _OPERATIONS[question.operation](left, right)


def key_question(entity: str) -> Question:
    """The question whose answer is a snapshot's key in streams of that entity."""
    if entity == "account":
        return Static("account")
    stream = {"owner": "owners", "stage": "stages"}.get(entity, f"{entity}_entries")
    return Last(stream, "code")


def _divide(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.divide(left, right, out=np.full(len(left), np.nan), where=right != 0)


_OPERATIONS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": _divide,
    "otherwise": lambda left, right: np.where(np.isnan(left), right, left),
}

FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "log1p": lambda x: np.log1p(np.maximum(x, 0)),
    "known": lambda x: (~np.isnan(x)).astype(float),
}

_ANSWERS: Mapping[type[Question], Callable[..., np.ndarray]] = {
    Constant: lambda kernel, q: np.full(len(kernel._snapshots), q.value),
    AsOf: lambda kernel, q: kernel._snapshots.as_of / DAY,
    Static: Kernel._static,
    DaysToPeriodEnd: lambda kernel, q: kernel._days_to_period_end(),
    Count: lambda kernel, q: kernel.stream(q.stream).count(kernel.range(q.stream, q.days, q.this_period), q.where),
    CountAfter: lambda kernel, q: kernel.stream(q.stream).count_after(kernel.range(q.stream), q.where, q.after),
    Sum: lambda kernel, q: kernel.stream(q.stream).total(
        kernel.range(q.stream, q.days, q.this_period), q.column, q.where
    ),
    Distinct: lambda kernel, q: kernel.stream(q.stream).distinct(kernel.range(q.stream), q.column, q.where),
    Last: lambda kernel, q: kernel.stream(q.stream).last(kernel.range(q.stream), q.column, q.where),
    First: lambda kernel, q: kernel.stream(q.stream).first(kernel.range(q.stream), q.column, q.where),
    Since: lambda kernel, q: kernel._since(kernel.stream(q.stream).last_time(kernel.range(q.stream), q.where)),
    SinceFirst: lambda kernel, q: kernel._since(kernel.stream(q.stream).first_time(kernel.range(q.stream), q.where)),
    Combine: Kernel._combine,
    Apply: lambda kernel, q: FUNCTIONS[q.function](kernel.answer(q.argument)),
}
