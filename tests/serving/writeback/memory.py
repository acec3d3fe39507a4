"""A sink in memory that is as honest, and as unreliable, as one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.errors import DealcastError
from serving.sinks.sink import Fate, Outcome, OwnField, Values
from serving.writeback.fields import BY_NAME, FIELDS, NOTHING, settled_all


class Killed(BaseException):
    """The process is gone; nobody clears up."""


@dataclass
class MemorySink:
    """Records with our fields and those of others.

    :param faults: what happens to the records of the next calls of `write`, one call after the other: "" all is well,
        "fail" the sink says no, "lost" no answer comes and nothing was written, "late" no answer comes though it was
        written, "down" nothing answers at all, "silent" written, and not a word of it.
    :param between: called before each write, as somebody else who is at work there.
    """

    records: dict[str, dict[str, Any]]
    name: str = "memory"
    address: str = "memory://crm"
    batch: int = 3
    fields: Sequence[OwnField] = FIELDS
    faults: list[Mapping[str, str] | str] = field(default_factory=list)
    between: Callable[[MemorySink], None] | None = None
    shut: set[str] = field(default_factory=set)
    writes: list[dict[str, Values]] = field(default_factory=list)

    @staticmethod
    def of(ids: Iterable[str], **options: Any) -> MemorySink:
        """Empty records of these ids, each with a field of somebody else's."""
        return MemorySink({one: {**NOTHING, "theirs": f"of {one}"} for one in ids}, **options)

    def definitions(self) -> str:
        return "none are needed"

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        assert 0 < len(ids) <= self.batch
        return {one: {name: self.records[one][name] for name in BY_NAME} for one in ids if one in self.records}

    def closed(self, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(self.shut & set(ids))

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        assert 0 < len(rows) <= self.batch
        if self.between:
            self.between(self)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "down":
            raise DealcastError("nobody answers", where=self.address)
        self.writes.append({one: dict(values) for one, values in rows.items()})
        fates = {one: fault if isinstance(fault, str) else fault.get(one, "") for one in rows}
        return [outcome for one, values in rows.items() for outcome in self._one(one, values, fates[one])]

    def _one(self, one: str, values: Values, fault: str) -> list[Outcome]:
        assert set(values) <= set(BY_NAME), "only our own fields"
        assert values, "nothing to write"
        if one not in self.records or fault == "fail":
            return [Outcome(one, Fate.FAILED, "the record says no")]
        if fault != "lost":
            self.records[one] |= values
        if fault in ("lost", "late"):
            return [Outcome(one, Fate.UNCLEAR, "time-out")]
        return [] if fault == "silent" else [Outcome(one, Fate.WRITTEN)]

    @property
    def sent(self) -> int:
        """How many records were sent in all."""
        return sum(map(len, self.writes))

    def ours(self) -> dict[str, Values]:
        """What each record holds in our fields."""
        return {one: {name: record[name] for name in BY_NAME} for one, record in self.records.items()}


def answers(number: int, ids: Iterable[str]) -> dict[str, Values]:
    """Answers that differ from deal to deal and from number to number; those of one number are the same each time."""
    return {
        one: settled_all(
            {
                "win_probability": ((number * 7 + place) % 100) / 100,
                "score": (number * 7 + place) % 100,
                "grade": "ABCD"[(number + place) % 4],
                "expected_close_date": f"2026-09-{1 + (number + place) % 28:02}",
                "reasons": None if (number + place) % 5 == 0 else f"For: fact {number} of {one}.",
                "model_version": str(number),
                "scored_at": f"2026-08-{1 + number % 28:02}T06:00:00Z",
            }
        )
        for place, one in enumerate(ids)
    }
