"""What a write-back would change: the answers of a run against what the sink holds now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from crm.errors import DealcastError
from serving.sinks.sink import KnowsClosed, Sink, Values
from serving.writeback.fields import STAMPS, settled_all

LEAST_CAP = 500
SHARE_CAP = 10
"""A plan may change 500 records, or one in ten of those at the sink where that is more."""


@dataclass(frozen=True)
class Change:
    """One record: what our fields that are to change hold now, and what they are to hold.

    :param record_id: at the sink: a deal's id, or a task's key.
    """

    record_id: str
    before: Values
    after: Values


@dataclass(frozen=True)
class Kept:
    """A field of a record that is not put back, because it no longer holds what we wrote."""

    record_id: str
    field: str
    ours: Any
    now: Any


@dataclass(frozen=True)
class Plan:
    """What is to change at a sink, by the order of ids.

    :param run_id: the run whose answers are written, or (`undoes`) the write-back that is taken back.
    :param unchanged: how many records hold the answers already; `missing`, `closed`: those that are not there, or
        closed by now; `gone`: those written to earlier of which this run says nothing.
    :param kept: of a write-back that is taken back, what is left alone.
    """

    address: str
    run_id: str
    changes: tuple[Change, ...]
    unchanged: int
    missing: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    undoes: bool = False

    @cached_property
    def hash(self) -> str:
        """What tells plans apart: the sink's address and, record by record, what is there and what is to be there."""
        rows = [[change.record_id, change.before, change.after] for change in self.changes]
        told = {"sink": self.address, "undo": self.run_id if self.undoes else None, "rows": rows}
        return sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]

    @property
    def cap(self) -> int:
        """How many records may change without being told otherwise."""
        return max(LEAST_CAP, (len(self.changes) + self.unchanged) // SHARE_CAP)


def plan_writeback(
    sink: Sink, run_id: str, answers: Mapping[str, Values], earlier: Iterable[str], step: Callable[[int, int], None]
) -> Plan:
    """What writing these answers would change.

    :param answers: what each record is to hold (:func:`serving.writeback.values.values_of`), by opportunity_id.
    :param earlier: records that were written to before.
    :param step: told how many records have been read, of how many.
    """
    now = read_all(sink, sorted(answers), step)
    shut = sink.closed(sorted(now)) if isinstance(sink, KnowsClosed) else frozenset()
    compared = {one: difference(one, held, answers[one]) for one, held in now.items() if one not in shut}
    changes = tuple(change for change in compared.values() if set(change.after) - STAMPS)
    return Plan(
        sink.address,
        run_id,
        changes,
        len(compared) - len(changes),
        tuple(sorted(set(answers) - set(now))),
        tuple(sorted(shut)),
        tuple(sorted(set(earlier) - set(answers))),
    )


def plan_undo(
    sink: Sink, run_id: str, written: Mapping[str, Change], step: Callable[[int, int], None], *, whole: bool = False
) -> Plan:
    """What taking a write-back back would change: what it wrote and is still there gives way to what was there before.

    :param written: what it changed, by the records' ids.
    :param whole: a record is taken back as a whole, and left alone where anything in it is no longer as we wrote it.
    """
    now = read_all(sink, sorted(written), step)
    changes, kept, unchanged = [], [], 0
    for one, held in now.items():
        change = written[one]
        ours = {name for name, value in change.after.items() if held[name] == value}
        back = {name: value for name, value in change.before.items() if held[name] == value}
        others = [name for name in change.after if name not in ours and name not in back]
        if whole and len(back) < len(change.after):
            others = [name for name in change.after if name not in ours]
            ours = set() if others else ours
        kept += [Kept(one, name, change.after[name], held[name]) for name in others]
        restored = difference(one, held, {name: change.before[name] for name in change.before if name in ours})
        changes += [restored] if restored.after else []
        unchanged += not restored.after and not others
    missing = tuple(sorted(set(written) - set(now)))
    return Plan(sink.address, run_id, tuple(changes), unchanged, missing, kept=tuple(kept), undoes=True)


def read_all(
    sink: Sink, ids: Sequence[str], step: Callable[[int, int], None] = lambda done, all_: None
) -> dict[str, Values]:
    """What records hold in our fields, settled, in the order of the ids; those that are not there are left out.

    :raises DealcastError: where a field holds what cannot be its value.
    """
    found: dict[str, Values] = {}
    for first in range(0, len(ids), sink.batch):
        batch = ids[first : first + sink.batch]
        held = sink.read(batch)
        found |= {one: _settled(sink, one, held[one]) for one in batch if one in held}
        step(first + len(batch), len(ids))
    return found


def _settled(sink: Sink, record_id: str, held: Values) -> Values:
    try:
        return settled_all(held, sink.fields)
    except ValueError as error:
        raise DealcastError(
            f"a field of ours holds what is no value of its kind: {error}",
            where=f"{sink.address}, {record_id}",
            expected="fields of the types that `dealcast writeback --sink NAME --fields` prints",
            remedy="give the fields these types, or empty them",
        ) from error


def difference(record_id: str, held: Values, wanted: Values) -> Change:
    """The fields in which a record is to change; both are settled (:func:`serving.writeback.fields.settled`)."""
    differing = [name for name, value in wanted.items() if value != held[name]]
    return Change(record_id, {name: held[name] for name in differing}, {name: wanted[name] for name in differing})
