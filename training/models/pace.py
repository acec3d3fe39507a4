"""The company's clock: how fast deals close in each part of a fiscal period, and time counted by it.

Where people hurry at the end of a quarter a week there is worth two of its beginning. Days ahead are counted in busy
days: real days, each times the pace of its part of the period. On the whole a busy day is as long as a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.rows import Rows

STRENGTH = 50.0
"""As if in each part so many deals more had closed, evenly."""

_PART_DAYS = {"quarter": 7, "month": 3, "week": 1}
_FARTHEST_DAYS = 20_000


@dataclass(frozen=True)
class Pace:
    """How many times as fast as usual deals close in each part of a period; none: always alike.

    :param parts: of the last `part_days` of a period, of those before, and so on; a longer period goes on as the last.
    """

    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    part_days: int = 7
    parts: tuple[float, ...] = ()

    def busy(self, at: np.ndarray, days: np.ndarray | float) -> np.ndarray:
        """Busy days in so many days from each instant (milliseconds), NaN where those are; shape (n,)."""
        days = np.broadcast_to(np.asarray(days, dtype=float), at.shape)
        if not self.parts or not len(at):
            return days
        real, known = at / DAY, np.clip(np.nan_to_num(days), 0, _FARTHEST_DAYS)
        day, count = self._counted(real.min(), (real + known).max())
        return np.interp(real + known, day, count) - np.interp(real, day, count) + (days - known)

    def days(self, at: np.ndarray, busy: np.ndarray) -> np.ndarray:
        """Days from each instant in which so many busy days pass; the reverse of :meth:`busy`, infinite where they are.

        Shape (n,).
        """
        if not self.parts or not len(at):
            return busy
        real, known = at / DAY, np.where(np.isfinite(busy), busy, 0.0)
        slowest = min(self.parts)
        day, count = self._counted(real.min(), (real + known / slowest).max())
        found = np.interp(np.interp(real, day, count) + known, count, day) - real
        return np.where(np.isfinite(busy), found, busy)

    def _counted(self, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
        """Days (since 1970) from one before to one after a span, and the busy days counted at the beginning of each."""
        day = np.arange(int(np.floor(first)) - 1, int(np.floor(last)) + 3)
        part = np.minimum(part_of(self.calendar, day, self.part_days), len(self.parts) - 1)
        return day, np.concatenate([[0.0], np.cumsum(np.asarray(self.parts)[part])[:-1]])


def pace_from(data: Mapping[str, Any]) -> Pace:
    """A pace from what `dataclasses.asdict` made of it and JSON kept."""
    return Pace(FiscalCalendar(**data["calendar"]), data["part_days"], tuple(data["parts"]))


def part_of(calendar: FiscalCalendar, day: np.ndarray, part_days: int) -> np.ndarray:
    """The part of its period in which each day (since 1970) lies, counted from the period's end; shape (n,)."""
    _, end = calendar.bounds(day * DAY)
    return (end // DAY - 1 - day) // part_days


def fit_pace(rows: Rows, calendar: FiscalCalendar, grid_days: int) -> Pace:
    """From snapshots with outcomes as known at one date: closings against deals open, by part of the period.

    Each snapshot tells of the days up to the next one, `grid_days` later. Parts with few closings are drawn towards
    the company's usual pace.
    """
    part_days = _PART_DAYS[calendar.period]
    begin = rows.as_of / DAY
    told = np.minimum(rows.days, grid_days)
    closed = (rows.outcome >= 0) & (rows.days <= grid_days)
    if not closed.any():
        return Pace(calendar, part_days)
    day = np.arange(int(begin.min()), int((begin + told).max()) + 1)
    n_open = np.searchsorted(np.sort(begin), day + 0.5) - np.searchsorted(np.sort(begin + told), day + 0.5)
    part = part_of(calendar, day, part_days)
    at_risk = np.bincount(part, n_open)
    closings = np.bincount(part[(begin + told)[closed].astype(np.int64) - day[0]], minlength=len(at_risk))
    usual = closings.sum() / at_risk.sum()
    pace = (closings + STRENGTH) / (at_risk * usual + STRENGTH)
    days_of_part = np.bincount(part_of(calendar, _of_four_years(int(begin.min())), part_days), minlength=len(pace))
    pace /= np.average(pace, weights=days_of_part[: len(pace)])
    return Pace(calendar, part_days, tuple(float(one) for one in pace))


def _of_four_years(first: int) -> np.ndarray:
    return np.arange(first, first + 4 * 365 + 1)
