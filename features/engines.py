"""The kernel that answers declared questions for all snapshots at once.

Streams are sorted once; each snapshot's range is found by binary search; every question is array operations
over those ranges. Snapshots are worked off in blocks of neighbouring deals, small enough to stay in the
processor's cache, by as many threads as there are processors. Answers are float64 inside and float32 in the
resulting table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.periods import FiscalCalendar
from crm.values import by_deal
from features.catalogue import Catalogue
from features.feature import Absent, Feature
from features.histories import OF_ACCOUNTS, OF_OWN, Entity, Histories
from features.memory import keep_freed_memory
from features.packing import Clock, Places
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
    Max,
    OfStream,
    Question,
    Since,
    SinceFirst,
    Static,
    Sum,
    streams_of,
)
from features.stream import Events, Range, Stream

BLOCK = 32_768
"""Snapshots that are worked off together."""

LEAST_CELLS = 100_000
"""So many (key, day) pairs of an entity are asked once, however few snapshots there are."""


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

    @property
    def known_features(self) -> tuple[str, ...]:
        """The features that can be computed from these tables."""
        return tuple(feature.name for feature in self.catalogue.features if self.why_absent(feature) is None)


OWN = "deal"
COMPANY = "company"


def prepare(
    histories: Histories,
    catalogue: Catalogue,
    calendar: FiscalCalendar,
    entities: Mapping[str, Stream] | None = None,
) -> Prepared:
    """Sort every stream that the tables allow.

    :param entities: the streams that are not the deals' own, where `histories` holds only a part of the company;
        None: made from `histories`.
    """
    given = entities or {}
    made = {name: source.events(histories) for name, source in catalogue.streams.items() if name not in given}
    streams = sorted_streams({n: e for n, e in made.items() if not isinstance(e, Absent)}, histories, catalogue)
    absent = {name: events.why for name, events in made.items() if isinstance(events, Absent)}
    return Prepared(histories, catalogue, calendar, {**given, **streams}, absent)


def sorted_streams(events: Mapping[str, Events], histories: Histories, catalogue: Catalogue) -> dict[str, Stream]:
    """The streams of events; those of one entity have one clock.

    :param histories: any part of the company; it knows how many owners, accounts and levels there are.
    """
    entity = {name: catalogue.streams[name].entity for name in events}
    keys = {one: histories.entity_size(one) for one in set(entity.values())}
    clocks = {one: Clock.of([e.at for name, e in events.items() if entity[name] == one], keys[one]) for one in keys}

    def sort(name: str) -> Stream:
        one = entity[name]
        return Stream(events[name], keys[one], clock=clocks[one], any_order=one != OWN)

    largest_first = sorted(events, key=lambda name: -len(events[name]))
    with _threads() as pool:
        streams = dict(zip(largest_first, pool.map(sort, largest_first), strict=True))
    return {name: streams[name] for name in events}


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count())


def entity_events(histories: Histories, catalogue: Catalogue, *, deals_alone: bool = False) -> dict[str, Events]:
    """What these deals add to the streams of owners, accounts, segments and the company.

    :param deals_alone: without what comes from tables that every part holds whole.
    """
    asked = {n: s for n, s in catalogue.streams.items() if s.entity != OWN and (s.of_deals or not deals_alone)}
    made = {name: source.events(histories) for name, source in asked.items()}
    return {name: events for name, events in made.items() if not isinstance(events, Absent)}


def compute(prepared: Prepared, snapshots: Snapshots, names: tuple[str, ...]) -> pd.DataFrame:
    """The named features of the snapshots; one float32 column each, NaN where not known or absent."""
    keep_freed_memory()
    asked = [prepared.catalogue.feature(name) for name in names]
    order = _by_deal(snapshots)
    placed = snapshots if order is None else Snapshots(snapshots.deal[order], snapshots.as_of[order])
    answers = np.empty((len(names), len(snapshots)), dtype=np.float32)
    absent = [prepared.why_absent(feature) is not None for feature in asked]
    answers[absent] = np.nan
    there = [(row, asked[row].ask) for row in np.flatnonzero(np.logical_not(absent))]
    entities = _Entities(prepared, placed.as_of)

    def work(block: slice) -> None:
        kernel = Kernel(prepared, Snapshots(placed.deal[block], placed.as_of[block]), entities)
        where = block if order is None else order[block]
        for row, question in there:
            answers[row, where] = kernel.answer(question)

    with _threads() as pool:
        for _ in pool.map(work, _blocks(len(snapshots))):
            pass
    return pd.DataFrame(answers.T, columns=list(names), copy=False)


def _by_deal(snapshots: Snapshots) -> np.ndarray | None:
    """The order that puts a deal's snapshots side by side and in time; None where they stand so."""
    deal, as_of = snapshots.deal, snapshots.as_of
    later = (deal[1:] > deal[:-1]) | ((deal[1:] == deal[:-1]) & (as_of[1:] >= as_of[:-1]))
    return None if later.all() else by_deal(deal, as_of)


def _blocks(snapshots: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, snapshots)) for start in range(0, snapshots, BLOCK))


class _Entities:
    """Answers about entities that all blocks share: few keys on few days are asked once, each as a cell."""

    def __init__(self, prepared: Prepared, as_of: np.ndarray) -> None:
        self._prepared = prepared
        self._most = max(len(as_of), LEAST_CELLS)
        self._first = int(as_of.min()) if len(as_of) else 0
        self._days = (int(as_of.max()) - self._first) // DAY + 1 if len(as_of) else 0
        if len(as_of) and np.any((as_of - self._first) % DAY):
            self._days = 0  # not all at the same time of day
        self._cells: dict[Entity, _Cells] = {}
        self._lock = Lock()

    def has_cells(self, entity: Entity) -> bool:
        """Whether there are few enough keys and days for each pair to be asked once."""
        return 0 < self._keys(entity) * self._days <= self._most

    def cell(self, key: np.ndarray, as_of: np.ndarray) -> np.ndarray:
        """The cell of each snapshot's key and day; the last cell is that of no key."""
        return np.where(key >= 0, key * self._days + (as_of - self._first) // DAY, -1)

    def answer(self, entity: Entity, question: Question) -> np.ndarray:
        """The question's number in each of the entity's cells; shape (keys × days + 1,)."""
        with self._lock:
            if entity not in self._cells:
                key = np.append(np.repeat(np.arange(self._keys(entity)), self._days), -1)
                at = self._first + np.append(np.tile(np.arange(self._days), self._keys(entity)), 0) * DAY
                self._cells[entity] = _Cells(self._prepared, key, at)
            return self._cells[entity].answer(question)

    def _keys(self, entity: Entity) -> int:
        return self._prepared.histories.entity_size(entity)


class Asker:
    """Answers questions at (key, date) pairs; ranges and answers are kept, as questions share parts."""

    def __init__(self, prepared: Prepared, as_of: np.ndarray) -> None:
        self.prepared, self.as_of = prepared, as_of
        self._answers: dict[Question, np.ndarray] = {}
        self._ranges: dict[tuple[str, float | None, bool], Range] = {}
        self._asked: dict[tuple[Entity, float | None, bool], Places] = {}

    def answer(self, question: Question) -> np.ndarray:
        """The question's number at each pair; shape (n,), float64, NaN = not known; a constant's is one number."""
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = self._find_answer(question)
        return answer

    def range(self, stream: str, days: float | None = None, this_period: bool = False) -> Range:
        """The positions of a stream's events known at each pair, within the last `days` or this period."""
        window = (stream, days, this_period)
        if window not in self._ranges:
            known = None if days is None and not this_period else self.range(stream)
            self._ranges[window] = self._window(stream, days, this_period, known)
        return self._ranges[window]

    def stream(self, name: str) -> Stream:
        """The sorted stream of that name."""
        return self.prepared.streams[name]

    def key(self, entity: Entity) -> np.ndarray:
        """Which owner, account, … is asked about at each pair; -1 = none. Shape (n,), int64."""
        raise NotImplementedError

    def entity(self, stream: str) -> Entity:
        """Whose events a stream holds."""
        return self.prepared.catalogue.streams[stream].entity

    def since(self, at: np.ndarray) -> np.ndarray:
        """Days from instants (milliseconds) to each pair's date."""
        return (self.as_of - at) / DAY

    def _find_answer(self, question: Question) -> np.ndarray:
        return _ANSWERS[type(question)](self, question)

    def _window(self, name: str, days: float | None, this_period: bool, known: Range | None) -> Range:
        stream, entity = self.stream(name), self.entity(name)
        found = known or stream.known_at(self._places(entity, None, False))
        if days is not None:
            found = stream.after(found, self._places(entity, days, False))
        return stream.after(found, self._places(entity, None, True)) if this_period else found

    def _places(self, entity: Entity, days: float | None, this_period: bool) -> Places:
        """Each pair's key, and the instant at which the window begins (without a window: its date)."""
        asked = (entity, days, this_period)
        if asked not in self._asked:
            at = self.prepared.calendar.bounds(self.as_of)[0] - 1 if this_period else self.as_of
            self._asked[asked] = Places(self.key(entity), at if days is None else at - round(days * DAY))
        return self._asked[asked]


class _Cells(Asker):
    """An entity's keys on all days."""

    def __init__(self, prepared: Prepared, key: np.ndarray, as_of: np.ndarray) -> None:
        super().__init__(prepared, as_of)
        self._key = key

    def key(self, entity: Entity) -> np.ndarray:
        del entity  # there is one alone
        return self._key


class Kernel(Asker):
    """Answers questions for one set of snapshots."""

    def __init__(self, prepared: Prepared, snapshots: Snapshots, entities: _Entities | None = None) -> None:
        """:param entities: for a block of snapshots, what all blocks share."""
        super().__init__(prepared, snapshots.as_of)
        self.deal = snapshots.deal
        self._entities = entities or _Entities(prepared, snapshots.as_of)
        self._span = (int(self.deal.min()), int(self.deal.max())) if len(snapshots) else (0, -1)
        self._streams: dict[str, Stream] = {}
        self._keys: dict[Entity, np.ndarray] = {}
        self._cells: dict[Entity, np.ndarray] = {}

    def stream(self, name: str) -> Stream:
        """The sorted stream of that name; of a stream of deals, the part about these snapshots' deals."""
        if name not in self._streams:
            whole = self.prepared.streams[name]
            self._streams[name] = whole.of_keys(*self._span) if self.entity(name) == OWN else whole
        return self._streams[name]

    def key(self, entity: Entity) -> np.ndarray:
        if entity not in self._keys:
            self._keys[entity] = self._find_key(entity)
        return self._keys[entity]

    def _find_answer(self, question: Question) -> np.ndarray:
        if isinstance(question, OfStream):
            entity = self.entity(question.stream)
            if entity != OWN and self._entities.has_cells(entity):
                return self._entities.answer(entity, question)[self._cell(entity)]
        return super()._find_answer(question)

    def _cell(self, entity: Entity) -> np.ndarray:
        if entity not in self._cells:
            self._cells[entity] = self._entities.cell(self.key(entity), self.as_of)
        return self._cells[entity]

    def _find_key(self, entity: Entity) -> np.ndarray:
        if entity == OWN:
            return self.deal
        if entity == COMPANY:
            return np.zeros(len(self.as_of), dtype=np.int64)
        codes = [np.nan_to_num(self.answer(asked), nan=-1).astype(np.int64) for asked in key_questions(entity)]
        return codes[0] if isinstance(entity, str) else self.prepared.histories.joint_key(entity, codes)


def key_questions(entity: Entity) -> tuple[Question, ...]:
    """The questions whose answers are a snapshot's codes, which together make its key in the entity's streams."""
    return (_code_question(entity),) if isinstance(entity, str) else tuple(map(_code_question, entity))


def _code_question(entity: str) -> Question:
    if entity == "account":
        return Static("account")
    if entity.startswith(OF_ACCOUNTS):
        return Last("account_facts", entity.removeprefix(OF_ACCOUNTS))
    if entity.startswith(OF_OWN):
        return Last(f"field:{entity.removeprefix(OF_OWN)}", "code")
    stream = {"owner": "owners", "stage": "stages"}.get(entity, f"{entity}_entries")
    return Last(stream, "code")


def _divide(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.divide(left, right)
    np.copyto(found, np.nan, where=right == 0)
    return found


_OPERATIONS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": _divide,
    "least": np.fmin,
    "most": np.fmax,
    "otherwise": lambda left, right: np.where(np.isnan(left), right, left),
}

FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "log1p": lambda x: np.log1p(np.maximum(x, 0)),
    "known": lambda x: (~np.isnan(x)).astype(float),
}


def _days_to_period_end(asker: Asker) -> np.ndarray:
    _, end = asker.prepared.calendar.bounds(asker.as_of)
    return (end - asker.as_of) / DAY


def _count(asker: Asker, q: Count) -> np.ndarray:
    return asker.stream(q.stream).count(asker.range(q.stream, q.days, q.this_period), q.where)


def _sum(asker: Asker, q: Sum) -> np.ndarray:
    return asker.stream(q.stream).total(asker.range(q.stream, q.days, q.this_period), q.column, q.where)


_ANSWERS: Mapping[type[Question], Callable[..., np.ndarray]] = {
    Constant: lambda asker, q: np.array([q.value]),
    AsOf: lambda asker, q: asker.as_of / DAY,
    Static: lambda kernel, q: kernel.prepared.histories.static(q.name)[kernel.deal],
    DaysToPeriodEnd: lambda asker, q: _days_to_period_end(asker),
    Count: _count,
    CountAfter: lambda asker, q: asker.stream(q.stream).count_after(asker.range(q.stream), q.where, q.after),
    Sum: _sum,
    Distinct: lambda asker, q: asker.stream(q.stream).distinct(asker.range(q.stream), q.column, q.where),
    Max: lambda asker, q: asker.stream(q.stream).highest(asker.range(q.stream), q.column, q.where),
    Last: lambda asker, q: asker.stream(q.stream).last(asker.range(q.stream), q.column, q.where),
    First: lambda asker, q: asker.stream(q.stream).first(asker.range(q.stream), q.column, q.where),
    Since: lambda asker, q: asker.since(asker.stream(q.stream).last_time(asker.range(q.stream), q.where)),
    SinceFirst: lambda asker, q: asker.since(asker.stream(q.stream).first_time(asker.range(q.stream), q.where)),
    Combine: lambda asker, q: _OPERATIONS[q.operation](asker.answer(q.left), asker.answer(q.right)),
    Apply: lambda asker, q: FUNCTIONS[q.function](asker.answer(q.argument)),
}
