"""A time axis that several lanes of a drawing share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

A_DAY = 86_400.0
FEW_DAYS = 70
"""A span of fewer days is divided by weeks, a longer one by months."""
LABEL = 62.0
"""The room that a label takes, in the drawing's units."""


@dataclass(frozen=True)
class Tick:
    """A line of the axis: where, what is written at it, and how that is anchored."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True)
class Axis:
    """Days on a line: the first day begins at `left`, the last one ends at `right`."""

    first: date
    last: date
    left: float
    right: float

    def x(self, at: date | datetime) -> float:
        """Where an instant, or the beginning of a day, stands; what lies outside stands at the edge."""
        moment = at if isinstance(at, datetime) else datetime.combine(at, time.min)
        begins = datetime.combine(self.first, time.min)
        days = (moment - begins).total_seconds() / A_DAY
        share = days / ((self.last - self.first).days + 1)
        return round(self.left + (self.right - self.left) * min(max(share, 0.0), 1.0), 1)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Beginnings of weeks, months, quarters or years: as many as can be labelled."""
        most = max(int((self.right - self.left) / LABEL), 1)
        days = _weeks(self.first, self.last, most) if self._is_short else _months(self.first, self.last, most)
        return tuple(Tick(self.x(day), self._label(day), self._anchor(self.x(day))) for day in days)

    @property
    def _is_short(self) -> bool:
        return (self.last - self.first).days < FEW_DAYS

    def _label(self, day: date) -> str:
        return f"{day.day} {day:%b}" if self._is_short else f"{day:%b %Y}"

    def _anchor(self, x: float) -> str:
        half = LABEL / 2
        return "start" if x < self.left + half else "end" if x > self.right - half else "middle"


def _weeks(first: date, last: date, most: int) -> list[date]:
    monday = first + timedelta(days=-first.weekday() % 7)
    days = [monday + timedelta(days=7 * week) for week in range((last - monday).days // 7 + 1)] or [first]
    return days[:: -(-len(days) // most)]


def _months(first: date, last: date, most: int) -> list[date]:
    begin, end = first.year * 12 + first.month - (first.day == 1), last.year * 12 + last.month - 1
    for step in (1, 2, 3, 6, 12, 24, 60, 120):
        months = [month for month in range(begin, end + 1) if month % step == 0]
        if len(months) <= most:
            break
    return [date(month // 12, month % 12 + 1, 1) for month in months]
