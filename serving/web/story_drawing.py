"""A deal's story as a drawing: chance, stages, amount, plans and what was said, in lanes over one axis of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from serving.deal_words import days
from serving.formats import NOBREAK, NOTHING, Formats
from serving.timeline import ACTIVITY, PERSON
from serving.web.axis import Axis, Tick
from serving.web.story import Story, Told, shifted

WIDE, NARROW = 700.0, 340.0
"""The widths in which a story is drawn: beside the answer, and on a phone."""
PAD, TITLE, GAP, FOOT = 4.0, 15.0, 8.0, 18.0
A_LETTER = 7.0
CHANCE, STAGES, AMOUNT, PLANS, MARKS = 72.0, 20.0, 34.0, 14.0, 14.0
"""How high each lane is."""
HEADROOM = 1.15
"""Amounts are drawn below so much more than the highest: their line must not touch the lane's title."""
MOST_AT_ONCE = 4
"""So many activities of a day or more are drawn as high as the lane."""


@dataclass(frozen=True)
class Band:
    """A stage from when to when; `label` is empty where there is no room for it."""

    x: float
    width: float
    label: str
    says: str


@dataclass(frozen=True)
class Mark:
    """Something on a day: `size` from 0 to 1 (of activities, how many), `sign` of a plan (1 later, −1 earlier)."""

    x: float
    says: str
    size: float = 1.0
    sign: int = 0


@dataclass(frozen=True)
class Dot:
    """A point of a line."""

    x: float
    y: float
    says: str


@dataclass(frozen=True)
class Lane:
    """One lane: where it begins, how high it is, and what stands in it; `line` are the points of a polyline."""

    name: str
    title: str
    y: float
    height: float
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    dots: tuple[Dot, ...] = ()
    line: str = ""


@dataclass(frozen=True)
class Drawing:
    """Lanes over one axis."""

    width: float
    height: float
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]


def drawn(story: Story, width: float) -> Drawing:
    """The drawing of a story in a width."""
    axis = Axis(story.first, story.until, PAD, width - PAD)
    lanes, y = _Lanes(story).over(axis), 0.0
    height = lanes[-1].y + lanes[-1].height + GAP if lanes else y
    return Drawing(width, height + FOOT, axis.ticks, tuple(lanes))


@dataclass(frozen=True)
class _Lanes:
    """Makes the lanes of a story."""

    story: Story

    @property
    def forms(self) -> Formats:
        return self.story.forms

    def over(self, axis: Axis) -> list[Lane]:
        """Every lane that has anything in it, from the top."""
        lanes: list[Lane] = []
        for make in (self._chance, self._stages, self._amounts, self._plans, self._touches):
            lanes += make(axis, lanes[-1].y + lanes[-1].height + GAP if lanes else 0.0)
        return lanes

    def _chance(self, axis: Axis, y: float) -> Iterable[Lane]:
        chances, form, top = self.story.chances, self.forms, y + TITLE
        if len(chances) < 2:
            return
        dots = tuple(
            Dot(axis.x(at), round(top + CHANCE * (1 - chance), 1), f"{form.day(at.date())}: {form.percent(chance)}")
            for at, chance in chances
        )
        says = f"Win chance, 0 to 100{NOBREAK}%: {form.percent(chances[0][1])} → {form.percent(chances[-1][1])}"
        yield Lane("chance", says, top, CHANCE, dots=dots, line=_points((dot.x, dot.y) for dot in dots))

    def _stages(self, axis: Axis, y: float) -> Iterable[Lane]:
        moves = self.story.of("stage")
        if not moves:
            return
        bands = []
        for place, move in enumerate(moves):
            end = moves[place + 1].day if place + 1 < len(moves) else None
            x, until = axis.x(move.day), axis.right if end is None else axis.x(end)
            name, stayed = str(move.value or NOTHING), ((end or self.story.until) - move.day).days
            label = name if len(name) * A_LETTER < until - x - 4 else ""
            says = f"{name}: from {self.forms.day(move.day)}, {days(stayed, self.forms)}"
            bands.append(Band(x, round(until - x, 1), label, says))
        yield Lane("stages", "Stage", y + TITLE, STAGES, bands=tuple(bands))

    def _amounts(self, axis: Axis, y: float) -> Iterable[Lane]:
        steps = [event for event in self.story.of("amount") if event.value is not None]
        if not steps:
            return
        top, most = y + TITLE, HEADROOM * max(*(float(event.value) for event in steps), 1e-9)
        heights = [round(top + AMOUNT * (1 - max(float(event.value), 0.0) / most), 1) for event in steps]
        points = [(axis.x(steps[0].day), heights[0])]
        for event, height in zip(steps[1:], heights[1:], strict=True):
            points += [(axis.x(event.day), points[-1][1]), (axis.x(event.day), height)]
        points.append((axis.right, heights[-1]))
        dots = tuple(
            Dot(axis.x(event.day), height, f"{self.forms.day(event.day)}: {self.story.money(event.value)}")
            for event, height in zip(steps, heights, strict=True)
        )
        first, last = self.story.money(steps[0].value), self.story.money(steps[-1].value)
        says = f"Amount: {last}" if len(steps) == 1 else f"Amount: {first} → {last}"
        yield Lane("amount", says, top, AMOUNT, dots=dots, line=_points(points))

    def _said(self, now: Told, before: Told) -> str:
        return f"{self.forms.day(now.day)}: {self.story.said(now, before)}"

    def _plans(self, axis: Axis, y: float) -> Iterable[Lane]:
        marks = [
            Mark(axis.x(now.day), self._said(now, before), sign=_shift(before, now))
            for before, now in self.story.steps("close_date")
            if before is not None
        ]
        if marks:
            later = sum(mark.sign > 0 for mark in marks)
            says = f"Close date: put off {_times(later)}, brought forward {_times(sum(m.sign < 0 for m in marks))}"
            yield Lane("plans", says, y + TITLE, PLANS, marks=tuple(marks))

    def _touches(self, axis: Axis, y: float) -> Iterable[Lane]:
        for name, title, belongs in _TOUCHES:
            marks = _counted([event for event in self.story.events if belongs(event)], axis, self.forms.day)
            if name == "people":
                marks += [
                    Mark(axis.x(now.day), self._said(now, before), sign=1)
                    for before, now in self.story.steps("owner")
                    if before is not None
                ]
            if marks:
                number = sum(map(belongs, self.story.events))
                says = title if name == "people" else f"{title}: {self.forms.count(number)}"
                yield Lane(name, says, y + TITLE, MARKS, marks=tuple(marks))
                y += TITLE + MARKS + GAP


_SIDES = ("inbound", "outbound")
_TOUCHES: tuple[tuple[str, str, Callable[[Told], bool]], ...] = (
    ("inbound", "From the buyer", lambda one: one.kind == ACTIVITY and one.direction == "inbound"),
    ("outbound", "To the buyer", lambda one: one.kind == ACTIVITY and one.direction == "outbound"),
    ("internal", "Other activity", lambda one: one.kind == ACTIVITY and one.direction not in _SIDES),
    ("people", "People added and owners", lambda one: one.kind == PERSON),
)
"""The lanes of what was said and who came: name, title, and what belongs there."""


def _counted(events: Sequence[Told], axis: Axis, day: Callable[[date], str]) -> list[Mark]:
    """A mark a day, and how many of which kind it stands for."""
    of_day: dict[date, Counter[str]] = {}
    for event in events:
        says = "person added" if event.kind == PERSON else str(event.value)
        of_day.setdefault(event.day, Counter())[says] += 1
    return [
        Mark(
            axis.x(at),
            f"{day(at)}: " + ", ".join(f"{n}{NOBREAK}× {kind}" if n > 1 else kind for kind, n in kinds.items()),
            min(0.4 + 0.6 * (kinds.total() - 1) / (MOST_AT_ONCE - 1), 1.0),
        )
        for at, kinds in of_day.items()
    ]


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _shift(before: Told | None, now: Told) -> int:
    shift = shifted(before, now)
    return (shift > 0) - (shift < 0)


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number}{NOBREAK}times")
