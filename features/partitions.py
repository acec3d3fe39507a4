"""The same features for a company that is worked off part by part, in this process or elsewhere.

A deal's own streams need its part alone. What features ask of owners, accounts, segments and the company is made
from all parts first: each part adds its closings and the like, and together they are small. So a company is gone
through three times: for a glimpse of the whole, for those events, and for the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from crm.history import known_by
from crm.parts import OnePart, Parts, of_deals
from crm.tables import CrmTables, Facts
from features.catalogue import catalogue
from features.dataset import SnapshotFeatures, groups, rows_at
from features.engines import Prepared, entity_events, prepare, sorted_streams
from features.feature import Vocabulary
from features.glimpse import Glimpse, Lasting, glimpse, joined
from features.histories import Histories
from features.labels import label
from features.settings import TimeSettings, TimeWishes, propose_for
from features.snapshots import grid, open_deals
from features.stream import Events, Stream
from features.vocabulary import learn_from

AnyParts = Parts | OnePart

Work = Callable[[CrmTables, int], pa.Table]
"""What is done with a part, given its number; it must not depend on anything but the part and what it holds."""


class Engine(Protocol):
    """Does a piece of work on every part."""

    def each(self, parts: AnyParts, work: Work, schema: pa.Schema) -> Iterator[pa.Table]:
        """The work's answers, in the order of the parts; `schema` is that of each answer."""


class InProcess:
    """One part after the other, in this process: no more than one is in memory."""

    def each(self, parts: AnyParts, work: Work, schema: pa.Schema) -> Iterator[pa.Table]:
        """The work's answers, in the order of the parts."""
        del schema
        return (work(part, number) for number, part in enumerate(parts))


@dataclass(frozen=True)
class Common:
    """What all parts must know of the whole, so that each can be worked off alone.

    :param as_of: what became known later is not there; milliseconds.
    :param until: up to when the company's tables tell anything, milliseconds.
    :param levels: text field → its levels in the whole company.
    :param entities: the events of the streams that are not deals' own.
    """

    as_of: int
    until: int
    facts: Facts
    levels: Mapping[str, pd.Index]
    vocabulary: Vocabulary
    time: TimeSettings
    entities: Mapping[str, Events]

    def histories(self, part: CrmTables) -> Histories:
        """A part's deals as they were known."""
        return Histories(known_by(part, self.as_of).part_of(self.facts), self.levels)

    def prepared(self, part: CrmTables) -> Prepared:
        """A part's streams, sorted, with those of the whole company."""
        histories, known = self.histories(part), catalogue(self.vocabulary)
        if not self._sorted:
            self._sorted.update(sorted_streams(self.entities, histories, known))
        return prepare(histories, known, self.time.calendar, self._sorted)

    @cached_property
    def _sorted(self) -> dict[str, Stream]:
        return {}


@dataclass(frozen=True)
class Surveyed:
    """A glimpse of the whole company, and what its parts must know of it."""

    seen: Glimpse
    common: Common


def survey(
    parts: AnyParts, engine: Engine, as_of: int, wishes: TimeWishes, vocabulary: Vocabulary | None = None
) -> Surveyed:
    """Goes through all parts twice: for a glimpse, and for the events of owners, accounts and segments.

    :param as_of: what became known later is not looked at; milliseconds.
    :param vocabulary: that of a model which is to be asked; None: learned from the company.
    """
    seen = _joined(engine.each(parts, _Look(as_of), SPOKEN))
    time = propose_for(seen.spans, wishes)
    words = vocabulary or learn_from(seen, parts.without_rows(), time.calendar)
    levels = {field: pd.Index(counts.index) for field, counts in seen.levels.items()}
    until = min(as_of, seen.through)
    bare = Common(as_of, until, seen.facts, levels, words, time, {})
    events: dict[str, list[Events]] = {}
    for answer in engine.each(parts, _Entities(bare), SPOKEN):
        for name, more in _events_from(answer).items():
            events.setdefault(name, []).append(more)
    together = {name: Events.concat(some) for name, some in events.items()}
    return Surveyed(seen, Common(as_of, until, seen.facts, levels, words, time, together))


@dataclass(frozen=True)
class Grid:
    """Work: a part's training rows, with labels as known at the end of the data."""

    common: Common
    names: tuple[str, ...]

    def __call__(self, part: CrmTables, number: int) -> pa.Table:
        """Keys, labels and features of the part's snapshots on the grid."""
        del number
        prepared = self.common.prepared(part)
        time, until = self.common.time, self.common.until
        rows = rows_at(prepared, grid(prepared.histories, time.grid_days, until), self.names)
        labels = label(prepared, rows.snapshots, time.stall_days, until)
        told = {
            "group": groups(prepared.histories)[rows.snapshots.deal],
            "outcome": labels.outcome,
            "days": labels.days,
            "stalled": labels.stalled,
            "amount_ratio": labels.amount_ratio,
        }
        return _table(rows, told)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        floats = [(name, pa.float64()) for name in ("days", "stalled", "amount_ratio")]
        told = pa.schema([("group", pa.int64()), ("outcome", pa.int8()), *floats])
        return _schema(told, self.names)


@dataclass(frozen=True)
class Open:
    """Work: a part's deals that are open at dates, and what was known of them then."""

    common: Common
    names: tuple[str, ...]
    dates: tuple[int, ...]

    def __call__(self, part: CrmTables, number: int) -> pa.Table:
        """Keys and features of the part's open deals, date after date."""
        del number
        prepared = self.common.prepared(self._asked_about(part))
        rows = [_table(rows_at(prepared, open_deals(prepared.histories, d), self.names), {}) for d in self.dates]
        return pa.concat_tables(rows)

    def _asked_about(self, part: CrmTables) -> CrmTables:
        """The deals of the part that are open at any of the dates: the others' own streams are not needed."""
        histories = self.common.histories(part)
        asked = np.zeros(len(histories), dtype=bool)
        for date in self.dates:
            asked[open_deals(histories, date).deal] = True
        return of_deals(histories.tables, asked)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        return _schema(pa.schema([]), self.names)


def known_features(common: Common, parts: AnyParts) -> tuple[str, ...]:
    """The features that can be had from the company's tables."""
    return common.prepared(parts.without_rows()).known_features


def absent_features(common: Common, parts: AnyParts) -> dict[str, str]:
    """Why the features that cannot be had from the company's tables cannot."""
    prepared = common.prepared(parts.without_rows())
    reasons = {feature.name: prepared.why_absent(feature) for feature in prepared.catalogue.features}
    return {name: why for name, why in reasons.items() if why is not None}


_KEYS = pa.schema(
    [("opportunity_id", pa.large_string()), ("as_of", pa.timestamp("us", tz="UTC")), ("stage", pa.large_string())]
)


def _schema(told: pa.Schema, names: Sequence[str]) -> pa.Schema:
    return pa.schema([*_KEYS, *told, *((name, pa.float32()) for name in names)])


def _table(rows: SnapshotFeatures, told: Mapping[str, np.ndarray]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "opportunity_id": pa.array(rows.ids, pa.large_string()),
        "as_of": pa.array(rows.snapshots.as_of * 1000).cast(pa.timestamp("us", tz="UTC")),
        "stage": pa.array(rows.stage, pa.large_string()),
    }
    columns |= {name: pa.array(values) for name, values in told.items()}
    columns |= {str(name): pa.array(rows.features[name].to_numpy()) for name in rows.features}
    return pa.table(columns)


# What parts tell of the whole, as tables that travel -------------------------------------------------------------

SPOKEN = pa.schema([("what", pa.large_string()), ("told", pa.large_binary())])


def _spoken(told: Mapping[str, pa.Table]) -> pa.Table:
    """Several tables as one of two columns: what each is, and its bytes."""
    written = []
    for table in told.values():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        written.append(sink.getvalue().to_pybytes())
    return pa.table({"what": list(told), "told": written}, schema=SPOKEN)


def _heard(spoken: pa.Table) -> dict[str, pa.Table]:
    rows = zip(spoken["what"].to_pylist(), spoken["told"].to_pylist(), strict=True)
    return {what: pa.ipc.open_stream(told).read_all() for what, told in rows}


@dataclass(frozen=True)
class _Look:
    """Work: what a part tells of the company as a whole."""

    as_of: int

    def __call__(self, part: CrmTables, number: int) -> pa.Table:
        del number
        known = known_by(part, self.as_of)
        # Whether the company records moves of stages is known only once all parts have been seen.
        ways = {tracked: Histories(known.part_of(Facts(frozenset(tracked)))) for tracked in _STAGES_TRACKED}
        seen = glimpse(ways[()], self.as_of)
        facts = [*(("", field) for field in seen.facts.tracked), *seen.facts.given]
        tables: dict[str, Any] = {
            "facts": {"table": [table for table, _ in facts], "column": [column for _, column in facts]},
            "numbers": {"deals": [seen.deals], "through": [seen.through]},
            **{f"spans {tracked}": _spans(histories) for tracked, histories in ways.items()},
            "kinds": _counts(seen.kinds),
            "deeds": _counts(seen.deeds),
        }
        tables |= {f"level {field}": _counts(counts) for field, counts in seen.levels.items()}
        return _spoken({what: pa.table(columns) for what, columns in tables.items()})


_STAGES_TRACKED: tuple[tuple[str, ...], ...] = ((), ("stage",))


def _spans(histories: Histories) -> dict[str, np.ndarray]:
    return {name: getattr(histories.episodes, name) for name in ("opened", "closed", "won")}


def _counts(deals: pd.Series) -> dict[str, pa.Array]:
    return {"level": pa.array(deals.index, pa.large_string()), "deals": pa.array(deals.to_numpy(np.int64))}


def _series(table: pa.Table) -> pd.Series:
    return pd.Series(table["deals"].to_numpy(), index=pd.Index(table["level"].to_pandas(), dtype="str"))


def _joined(answers: Iterable[pa.Table]) -> Glimpse:
    """What all parts tell together."""
    heard = [_heard(answer) for answer in answers if len(answer)]  # Spark gives nothing for a part without deals
    facts = reduce(or_, [_facts(one) for one in heard])
    stage = ("stage",) if "stage" in facts.tracked else ()
    return replace(joined([_glimpse(one, stage) for one in heard]), facts=facts)


def _facts(heard: Mapping[str, pa.Table]) -> Facts:
    facts = list(zip(*(heard["facts"][name].to_pylist() for name in ("table", "column")), strict=True))
    return Facts(
        frozenset(column for table, column in facts if not table),
        frozenset((table, column) for table, column in facts if table),
    )


def _glimpse(heard: Mapping[str, pa.Table], stage: tuple[str, ...]) -> Glimpse:
    return Glimpse(
        facts=Facts(),
        deals=heard["numbers"]["deals"][0].as_py(),
        kinds=_series(heard["kinds"]),
        deeds=_series(heard["deeds"]),
        levels={what.removeprefix("level "): _series(t) for what, t in heard.items() if what.startswith("level ")},
        spans=Lasting(*(heard[f"spans {stage}"][name].to_numpy() for name in ("opened", "closed", "won"))),
        through=heard["numbers"]["through"][0].as_py(),
    )


@dataclass(frozen=True)
class _Entities:
    """Work: what a part adds to the streams of owners, accounts, segments and the company."""

    common: Common

    def __call__(self, part: CrmTables, number: int) -> pa.Table:
        if number and not len(part["opportunities"]):
            return _spoken({})
        # What comes from tables that are no deal's is told by the first part, once.
        known = catalogue(self.common.vocabulary)
        events = entity_events(self.common.histories(part), known, deals_alone=number > 0)
        return _spoken({name: pa.table({"key": e.key, "at": e.at, **_prefixed(e)}) for name, e in events.items()})


def _prefixed(events: Events) -> dict[str, np.ndarray]:
    if events.filters:
        raise ValueError("events of entities have columns alone")
    return {f"column {name}": column for name, column in events.columns.items()}


def _events_from(spoken: pa.Table) -> dict[str, Events]:
    found = {}
    for name, table in _heard(spoken).items():
        columns = {c.removeprefix("column "): _numpy(table[c]) for c in table.column_names if c.startswith("column ")}
        found[name] = Events(_numpy(table["key"]), _numpy(table["at"]), columns)
    return found


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    return column.combine_chunks().to_numpy(zero_copy_only=False)
