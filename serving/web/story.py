"""A deal's story: what happened to it and how its win chance went, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from serving.deal_words import days
from serving.formats import NOTHING, Formats


@dataclass(frozen=True)
class Told:
    """An event: its day, what it is (a kind of :mod:`serving.timeline`), and what it brought."""

    day: date
    kind: str
    value: Any
    direction: str | None = None


@dataclass(frozen=True)
class Story:
    """What is known of a deal's past.

    :param chances: win chances at the runs' instants. :param people: what an owner is called, by id.
    :param until: the date of the newest of the runs.
    """

    timeline: Mapping[str, Any]
    chances: Sequence[tuple[datetime, float]]
    until: date
    forms: Formats
    people: Callable[[str], str] = str
    events: tuple[Told, ...] = field(init=False)

    def __post_init__(self) -> None:
        told = (Told(date.fromisoformat(day), *rest) for day, *rest in self.timeline.get("events", ()))
        object.__setattr__(self, "events", tuple(told))

    @property
    def first(self) -> date:
        """The first day of which anything is told."""
        begins = [date.fromisoformat(self.timeline["created"])] if self.timeline else [self.until]
        return min([*begins, *(event.day for event in self.events), *(at.date() for at, _ in self.chances)])

    def of(self, kind: str) -> list[Told]:
        """The events of a kind, the first one first."""
        return [event for event in self.events if event.kind == kind]

    def steps(self, kind: str) -> list[tuple[Told | None, Told]]:
        """A field's events, each with the one before it."""
        found = self.of(kind)
        return list(zip([None, *found], found, strict=False))

    @property
    def told(self) -> list[tuple[date, str]]:
        """Every event in words, the newest first: what the drawing shows, for whoever does not see it."""
        before: dict[str, Told] = {}
        lines = []
        for event in self.events:
            lines.append((event.day, self.said(event, before.get(event.kind))))
            before[event.kind] = event
        return lines[::-1]

    def said(self, event: Told, before: Told | None) -> str:
        """An event in words."""
        value = event.value
        match event.kind:
            case "stage":
                return f"Stage: {value or NOTHING}" + ("" if before is None else f", before {before.value or NOTHING}")
            case "amount":
                said = "Amount: not known" if value is None else f"Amount: {self.money(value)}"
                return said if before is None or before.value is None else f"{said}, before {self.money(before.value)}"
            case "close_date":
                return self._plan(event, before)
            case "owner":
                return f"Owner: {NOTHING if value is None else self.people(value)}"
            case "person":
                return "A person was added" + (f": {value}" if value else "")
            case _:
                return f"{value}, {event.direction}" if event.direction else str(value)

    def _plan(self, event: Told, before: Told | None) -> str:
        if event.value is None:
            return "Close date: none"
        said, shift = f"Close date: {self.forms.day(date.fromisoformat(event.value))}", shifted(before, event)
        if not shift:
            return said
        return f"{said}, {days(abs(shift), self.forms)} {'later' if shift > 0 else 'earlier'}"

    def money(self, amount: float) -> str:
        """An amount in short."""
        return self.forms.money(float(amount))


def shifted(before: Told | None, now: Told) -> int:
    """By how many days a plan was put off; less than 0 where it was brought forward, 0 where one of both is none."""
    if before is None or before.value is None or now.value is None:
        return 0
    return (date.fromisoformat(now.value) - date.fromisoformat(before.value)).days
