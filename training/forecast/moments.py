"""Points of time from which a forecast looks ahead, and the points of earlier periods that are like them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crm.clock import DAY
from crm.periods import FiscalCalendar


@dataclass(frozen=True)
class Moment:
    """An instant and the ends of the windows that follow it, milliseconds, each the last instant inside.

    :param begin: when the first window's period began, at most `at`: what has been won since counts for it.
    """

    at: int
    begin: int
    ends: tuple[int, ...]

    def window(self, number: int) -> tuple[int, int]:
        """The last instant before a window, and its last one."""
        return (self.at, *self.ends)[number], self.ends[number]

    def days_to(self, number: int) -> float:
        """Days to the end of a window."""
        return (self.ends[number] - self.at) / DAY

    @property
    def length(self) -> int:
        """The length of the first window's period, milliseconds."""
        return self.ends[0] - self.begin + 1

    def moved_to(self, at: int) -> Moment:
        """The same windows, looked at from another instant."""
        return Moment(at, self.begin, self.ends)

    def shifted(self, millis: int) -> Moment:
        """The same moment so much earlier."""
        return Moment(self.at - millis, self.begin - millis, tuple(end - millis for end in self.ends))


def in_periods(calendar: FiscalCalendar, at: int, periods: int = 2) -> Moment:
    """Windows are what is left of the period around an instant, and the periods that follow."""
    found = [calendar.period_at(at)]
    while len(found) < periods:
        found.append(calendar.following(found[-1]))
    return Moment(at, found[0].start, tuple(period.end - 1 for period in found))


def within(at: int, days: tuple[int, ...]) -> Moment:
    """Windows are the next so many days, each reaching further than the one before: (7, 28) is 1 to 7 and 8 to 28."""
    return Moment(at, at + 1, tuple(at + each * DAY for each in days))


def like_in_periods(calendar: FiscalCalendar, moment: Moment, first: int) -> Iterator[Moment]:
    """As far before the end of earlier periods, the latest first, back to an instant (milliseconds)."""
    left = moment.ends[0] - moment.at
    period = calendar.preceding(calendar.period_at(moment.begin))
    while (at := period.end - 1 - left) >= first:
        yield in_periods(calendar, period.start, len(moment.ends)).moved_to(at)
        period = calendar.preceding(period)


def like_within(moment: Moment, first: int, every: int = 7) -> Iterator[Moment]:
    """The same windows from so many days earlier each time, so that weekdays stay the same."""
    earlier = moment.shifted(every * DAY)
    while earlier.at >= first:
        yield earlier
        earlier = earlier.shifted(every * DAY)
