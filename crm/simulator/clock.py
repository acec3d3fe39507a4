"""Clocks: how much business goes on between two instants.

The simulator lives in the wall-clock time of a deal's region, in seconds since the history's first midnight.
A :class:`Clock` stands still at night and runs faster in a rush. A process that runs by such a clock stops
and hastens with it, while the odds of where it ends stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.settings import DAY, SimulatorSettings

_HOURS = np.array([8, 10, 12, 13, 16, 18]) * 3600
_SHARE_BY_HOUR = np.array([0.0, 0.22, 0.50, 0.56, 0.87, 1.0])
_BEFORE, _AFTER = 400, 500  # days on either side of the history that the clocks know

_MONTHS_OF_NEW_DEALS = np.array([1.08, 1.05, 1.08, 1.02, 1.0, 0.98, 0.86, 0.80, 1.08, 1.10, 1.05, 0.82])
_MONTHS_OF_WORK = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.92, 0.82, 1.0, 1.0, 1.0, 0.95])
_WEEKDAYS_OF_NEW_DEALS = np.array([1.0, 1.15, 1.12, 1.05, 0.80, 0.05, 0.03])
_WEEKDAYS_OF_ACTIVITY = np.array([1.0, 1.08, 1.08, 1.02, 0.80, 0.02, 0.02])


@dataclass(frozen=True)
class Clock:
    """A clock that reads busy days: `reading[i]` (non-decreasing) at `seconds[i]` (increasing)."""

    seconds: np.ndarray
    reading: np.ndarray

    def at(self, seconds: np.ndarray) -> np.ndarray:
        """What the clock reads at each second; same shape."""
        return np.interp(seconds, self.seconds, self.reading)

    def when(self, reading: np.ndarray) -> np.ndarray:
        """The whole second at which the clock shows each reading, always one at which it runs; same shape."""
        return np.interp(reading, self.reading, self.seconds).astype(np.int64)

    def later(self, seconds: np.ndarray, busy_days: np.ndarray) -> np.ndarray:
        """The second that lies so many busy days after each second; same shape."""
        return self.when(self.at(seconds) + busy_days)


@dataclass(frozen=True)
class Clocks:
    """The three clocks of a company.

    `work` drives stage moves, engagement and closings, and runs fast at the end of a quarter; `activity`
    drives e-mails, calls and meetings; `arrival` drives the entering of new deals.
    """

    work: Clock
    activity: Clock
    arrival: Clock


def clocks_of(settings: SimulatorSettings) -> Clocks:
    """The clocks of a company whose history is given by the settings."""
    days = np.datetime64(settings.start, "D") + np.arange(-_BEFORE, settings.days + _AFTER)
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    holiday = _is_holiday(days)
    workday = np.where((weekday < 5) & ~holiday, 1.0, 0.0)
    years = (days - np.datetime64(settings.start, "D")).astype(np.int64) / 365.25
    arrival = _MONTHS_OF_NEW_DEALS[month] * _WEEKDAYS_OF_NEW_DEALS[weekday] * np.where(holiday, 0.02, 1.0)
    activity = _MONTHS_OF_WORK[month] * _WEEKDAYS_OF_ACTIVITY[weekday] * np.where(holiday, 0.05, 1.0)
    return Clocks(
        work=_clock(workday * _MONTHS_OF_WORK[month] * _rush(days)),
        activity=_clock(activity),
        arrival=_clock(arrival * (1 + settings.growth) ** years),
    )


def quarter_of(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first day of the calendar quarter around each day (datetime64[D]), and of the next one."""
    months = days.astype("datetime64[M]").astype(np.int64)
    first = months - months % 3
    starts = first.astype("datetime64[M]").astype("datetime64[D]")
    return starts, (first + 3).astype("datetime64[M]").astype("datetime64[D]")


def _rush(days: np.ndarray) -> np.ndarray:
    """How fast work goes on each day: slow after a quarter's start, hasty before its end."""
    start, following = quarter_of(days)
    since, left = (days - start).astype(np.int64), (following - days).astype(np.int64)
    hasty = np.select([left <= 5, left <= 12, left <= 21], [3.0, 2.1, 1.35], 0.9)
    return np.where(since < 14, 0.65, hasty)


def _is_holiday(days: np.ndarray) -> np.ndarray:
    month = days.astype("datetime64[M]")
    day = (days - month.astype("datetime64[D]")).astype(np.int64) + 1
    december, january = month.astype(np.int64) % 12 == 11, month.astype(np.int64) % 12 == 0
    return (december & ((day == 25) | (day == 26))) | (january & (day == 1))


def _clock(speed: np.ndarray) -> Clock:
    """The clock that advances by `speed[i]` in the business hours of the i-th day that the clocks know."""
    midnight = (np.arange(len(speed)) - _BEFORE) * DAY
    before = np.cumsum(speed) - speed
    seconds = midnight[:, None] + _HOURS[None, :]
    reading = before[:, None] + speed[:, None] * _SHARE_BY_HOUR[None, :]
    return Clock(seconds.ravel().astype(float), reading.ravel())
