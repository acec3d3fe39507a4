"""When people work, by the times that their CRM recorded: what it tells of the time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.tables import CrmTables

WINDOW = 10  # hours of a working day
BEGINS = 8  # o'clock, about
LEAST_TIMES = 200
CONCENTRATED = 0.75  # of the times lie in the busiest ten hours; a day without a rhythm has 42 %
SATURDAY = 5
ZONES: Mapping[int, str] = {
    -8: "America/Los_Angeles",
    -7: "America/Denver",
    -6: "America/Chicago",
    -5: "America/New_York",
    -3: "America/Sao_Paulo",
    0: "Europe/London",
    1: "Europe/Berlin",
    2: "Europe/Helsinki",
    5: "Asia/Kolkata",
    8: "Asia/Singapore",
    9: "Asia/Tokyo",
    10: "Australia/Sydney",
}
"""A large zone for each offset from UTC, in hours, as an example."""


@dataclass(frozen=True)
class WorkingHours:
    """The profile of the hours at which changes and activities were recorded, by the clock in which they are read.

    :param times: how many have a time of day. :param start: the hour at which the busiest ten hours begin.
    :param share: how many of them lie there. :param weekend: how many are on Saturdays and Sundays.
    """

    times: int
    start: int
    share: float
    weekend: float

    @property
    def tells(self) -> bool:
        """Whether there is a working day to be seen."""
        return self.times >= LEAST_TIMES and self.share >= CONCENTRATED

    @property
    def offset(self) -> int:
        """Hours by which people's clocks are ahead of the clock in which the times are read, give or take two."""
        return (BEGINS - self.start + 12) % 24 - 12

    @property
    def said(self) -> str:
        """In words."""
        if not self.times:
            return "no change or activity has a time of day"
        if self.times < LEAST_TIMES:
            return f"only {self.times:,} changes and activities have a time of day"
        end = (self.start + WINDOW) % 24
        busy = f"{self.share:.0%} of {self.times:,} recorded times lie between {self.start:02}:00 and {end:02}:00"
        return f"{busy}, {self.weekend:.0%} on weekends" + ("" if self.tells else ": no one working day to be seen")

    @property
    def zone(self) -> str | None:
        """An example of a zone in which the busiest hours would be a working day."""
        return ZONES.get(self.offset) if self.tells else None


def working_hours(tables: CrmTables) -> WorkingHours:
    """The hours at which changes and activities were recorded; those at midnight are days, and tell nothing."""
    columns = (("changes", "changed_at"), ("activities", "occurred_at"))
    times = pd.concat([tables[table][column].dropna() for table, column in columns])
    second = times.dt.hour * 3600 + times.dt.minute * 60 + times.dt.second
    times = times[~second.isin([0, 24 * 3600 - 1])]
    if times.empty:
        return WorkingHours(0, BEGINS, 0.0, 0.0)
    counts = np.bincount(times.dt.hour, minlength=24)
    windows = np.array([np.roll(counts, -hour)[:WINDOW].sum() for hour in range(24)])
    start = int(windows.argmax())
    weekend = float((times.dt.day_of_week >= SATURDAY).mean())
    return WorkingHours(len(times), start, float(windows[start] / len(times)), weekend)
