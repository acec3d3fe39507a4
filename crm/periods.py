"""Fiscal periods: the spans that forecasts and "this period" speak of.

Quarters and months are cut by calendar months, or by weeks as retail calendars are. A year cut by weeks begins on the
weekday `week_starts_on` that is nearest to the first day of the month `year_starts_in`: at most three days before or
after it, so it lasts 52 weeks or 53. The weeks of each quarter's three months are `weeks` ("4-4-5"); a 53rd week
belongs to the year's last month. ("4-5-4" from the Sunday nearest to 1 February is the calendar of the National Retail
Federation; the Monday nearest to 1 January begins the years of ISO 8601's weeks.)

A fiscal year is called by the calendar year in which it ends, counted by months: that of April 2026 to March 2027 is
FY2027, and so is one cut by weeks that begins on the Monday nearest to 1 April 2026, whichever days it ends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crm.clock import DAY
from crm.errors import WrongUse

KINDS = ("quarter", "month", "week")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKS: Mapping[str, tuple[int, ...]] = {"4-4-5": (4, 4, 5), "4-5-4": (4, 5, 4), "5-4-4": (5, 4, 4)}
"""How many weeks the months of a quarter have in calendars cut by weeks."""

_LENGTH = {"quarter": 3, "month": 1}


@dataclass(frozen=True)
class Period:
    """A fiscal period: from `start` up to, not including, `end` (milliseconds, UTC), with the name people call it."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class FiscalCalendar:
    """Quarters, months or weeks; quarters counted from the fiscal year's first month. Days are those of UTC.

    :param weeks: the weeks of a quarter's months, one of :data:`WEEKS`; None: months and quarters of calendar months.
    :param week_starts_on: the weekday on which weeks begin, and years that are cut by weeks.
    """

    period: str = "quarter"
    year_starts_in: int = 1
    weeks: str | None = None
    week_starts_on: str = "monday"

    def __post_init__(self) -> None:
        for name, known in (("period", KINDS), ("weeks", (None, *WEEKS)), ("week_starts_on", WEEKDAYS)):
            value, words = getattr(self, name), [word for word in known if word]
            if value not in known:
                found = f"'{value}' is not a {_CALLED[name]}"
                raise WrongUse(found, where=f"[time] {name}", expected=" or ".join(words))
        if not 1 <= self.year_starts_in <= 12:
            raise WrongUse(f"{self.year_starts_in} is not a month", where="[time] year_starts_in", expected="1 to 12")

    def bounds(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and (exclusive) last millisecond of the period around each instant; shape (n,) each."""
        if self.period == "week":
            day = np.asarray(at) // DAY
            first = day - (_weekday(day) - self._first_weekday) % 7
            return first * DAY, (first + 7) * DAY
        day, place = _distinct_days(np.asarray(at) // DAY)
        if self.weeks:
            year, number = self._numbered(day)
            start, end = self._begin(year, number), self._begin(year, number + 1)
        else:
            month = _month(day)
            begin = month - (month - (self.year_starts_in - 1)) % self._length
            start, end = _first_day(begin), _first_day(begin + self._length)
        return (start * DAY)[place], (end * DAY)[place]

    def year_begins(self, years: np.ndarray) -> np.ndarray:
        """When the fiscal years begin whose first month lies in the given calendar years; milliseconds, shape (n,)."""
        year = np.asarray(years) - 1970
        return (self._year_of_weeks(year) if self.weeks else self._year_of_months(year)) * DAY

    def period_at(self, at: int) -> Period:
        """The period around an instant, milliseconds."""
        start, end = (int(bound[0]) for bound in self.bounds(np.array([at])))
        return Period(start, end, self._name(start // DAY))

    def following(self, period: Period) -> Period:
        """The period after this one."""
        return self.period_at(period.end)

    def preceding(self, period: Period, times: int = 1) -> Period:
        """The period so many times before this one; `times` 0 or more."""
        for _ in range(times):
            period = self.period_at(period.start - 1)
        return period

    def year_before(self, period: Period) -> Period:
        """The period of the same number in the fiscal year before.

        Weeks are counted from the one whose first day is nearest to the year's first; against a 53rd week of a year
        stands the last one of the year before.
        """
        day = np.array([period.start // DAY])
        if self.period != "week" and not self.weeks:
            return self.period_at(int(_first_day(_month(day) - 12)[0]) * DAY)
        year, number = self._numbered(day)
        number = np.minimum(number, self._periods_in(year - 1) - 1)
        return self.period_at(int(self._begin(year - 1, number)[0]) * DAY)

    @property
    def _first_weekday(self) -> int:
        return WEEKDAYS.index(self.week_starts_on)

    @property
    def _length(self) -> int:
        """How many months a period has."""
        return _LENGTH[self.period]

    def _year_of_months(self, year: np.ndarray) -> np.ndarray:
        """The first day of fiscal years cut by months; a year as the calendar year of its first month, since 1970."""
        return _first_day(year * 12 + self.year_starts_in - 1)

    def _year_of_weeks(self, year: np.ndarray) -> np.ndarray:
        """The first day of fiscal years cut by weeks: the first day of a week nearest to that of months."""
        day = self._year_of_months(year)
        return day + (self._first_weekday - _weekday(day) + 3) % 7 - 3

    @cached_property
    def _weeks_before(self) -> np.ndarray:
        """How many weeks of a year lie before each of its months or quarters."""
        months = np.tile(WEEKS[str(self.weeks)], 4)
        return (np.cumsum(months) - months)[:: self._length]

    def _periods_in(self, year: np.ndarray) -> np.ndarray:
        """How many periods a year has that is cut by weeks."""
        if self.period == "week":
            return (self._year_of_weeks(year + 1) - self._year_of_weeks(year)) // 7
        return np.full(len(year), 12 // self._length)

    def _numbered(self, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The year cut by weeks in which each day lies, and the number there, from 0, of the period around it."""
        year = (_month(day + 3) - (self.year_starts_in - 1)) // 12  # the latest that can have begun by the day
        year = np.where(self._year_of_weeks(year) > day, year - 1, year)
        week = (day - self._year_of_weeks(year)) // 7
        if self.period == "week":
            return year, week
        return year, np.searchsorted(self._weeks_before, week, side="right") - 1

    def _begin(self, year: np.ndarray, number: np.ndarray) -> np.ndarray:
        """The first day of a year's period by its number; that behind the last one begins the next year."""
        if self.period == "week":
            return self._year_of_weeks(year) + 7 * number
        before = np.append(self._weeks_before, 0)[number]
        return self._year_of_weeks(np.where(number < len(self._weeks_before), year, year + 1)) + 7 * before

    def _name(self, start: int) -> str:
        """What people call the period that begins on a day."""
        day = np.array([start])
        first = day.astype("datetime64[D]")[0].item()
        if self.period == "week":
            return f"week of {first.day} {first:%b %Y}"
        if self.period == "month" and not self.weeks:
            return f"{first:%B %Y}"
        if self.weeks:
            year, number = (int(one[0]) for one in self._numbered(day))
        else:
            year, month = divmod(int(_month(day)[0]) - (self.year_starts_in - 1), 12)
            number = month // self._length
        ends_in = 1970 + year + (self.year_starts_in > 1)
        if self.period == "month":
            return f"FY{ends_in} month {number + 1}"
        plain = self.year_starts_in == 1 and not self.weeks
        return f"Q{number + 1} {ends_in}" if plain else f"FY{ends_in} Q{number + 1}"


_CALLED = {"period": "period", "weeks": "pattern of weeks", "week_starts_on": "weekday"}


def _distinct_days(day: np.ndarray) -> tuple[np.ndarray, np.ndarray | slice]:
    """Days to look up, and each one's place among them: where many fall on few days, each day is looked up once.

    Finding a day's month takes many times longer than fetching what was found.
    """
    least, most = (int(day.min()), int(day.max())) if day.size else (0, 0)
    return (np.arange(least, most + 1), day - least) if most - least < day.size else (day, slice(None))


def _weekday(day: np.ndarray) -> np.ndarray:
    """0 = Monday."""
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def _month(day: np.ndarray) -> np.ndarray:
    """Each day's month, since 1970."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_day(month: np.ndarray) -> np.ndarray:
    """The first day of each month, both since 1970."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
