"""Fiscal periods: the spans that forecasts and "this period" speak of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from crm.errors import WrongUse

KINDS = ("quarter", "month", "week")


@dataclass(frozen=True)
class FiscalCalendar:
    """Quarters, months or weeks (from Monday); quarters counted from the fiscal year's first month."""

    period: str = "quarter"
    year_starts_in: int = 1

    def __post_init__(self) -> None:
        if self.period not in KINDS:
            raise WrongUse(f"'{self.period}' is not a period", where="[time] period", expected=" or ".join(KINDS))
        if not 1 <= self.year_starts_in <= 12:
            raise WrongUse(f"{self.year_starts_in} is not a month", where="[time] year_starts_in", expected="1 to 12")

    def bounds(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and (exclusive) last millisecond of the period around each instant; shape (n,) each."""
        if self.period == "week":
            day = np.asarray(at) // DAY
            monday = day - (day + 3) % 7  # 1970-01-01 was a Thursday
            return monday * DAY, (monday + 7) * DAY
        day, place = _distinct_days(np.asarray(at) // DAY)
        length = 3 if self.period == "quarter" else 1
        month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        first = month - (month - (self.year_starts_in - 1)) % length
        return _start_of_month(first)[place], _start_of_month(first + length)[place]


def _distinct_days(day: np.ndarray) -> tuple[np.ndarray, np.ndarray | slice]:
    """Days to look up, and each one's place among them: where many fall on few days, each day is looked up once.

    Finding a day's month takes many times longer than fetching what was found.
    """
    least, most = (int(day.min()), int(day.max())) if day.size else (0, 0)
    return (np.arange(least, most + 1), day - least) if most - least < day.size else (day, slice(None))


def _start_of_month(month: np.ndarray) -> np.ndarray:
    return month.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
