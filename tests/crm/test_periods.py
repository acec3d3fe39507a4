"""Fiscal periods: where they begin and end, and that every instant lies in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY
from crm.errors import WrongUse
from crm.periods import KINDS, FiscalCalendar
from tests.histories import millis

calendars = st.builds(FiscalCalendar, st.sampled_from(KINDS), st.integers(1, 12))
days_of = {"week": (7, 7), "month": (28, 31), "quarter": (89, 92)}


def bounds(calendar: FiscalCalendar, text: str) -> tuple[str, str]:
    first, last = calendar.bounds(np.array([millis(text)]))
    return tuple(str(at.astype("datetime64[ms]"))[:10] for at in (first[0], last[0]))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("year_starts_in", "day", "first", "after"),
    [
        (1, "2026-08-14", "2026-07-01", "2026-10-01"),
        (1, "2026-12-31", "2026-10-01", "2027-01-01"),
        (2, "2026-08-14", "2026-08-01", "2026-11-01"),
        (2, "2026-01-31", "2025-11-01", "2026-02-01"),
        (4, "2026-03-31", "2026-01-01", "2026-04-01"),
        (11, "2026-01-15", "2025-11-01", "2026-02-01"),
        (12, "2024-02-29", "2023-12-01", "2024-03-01"),
    ],
)
def test_quarters_are_counted_from_the_first_month_of_the_fiscal_year(
    year_starts_in: int, day: str, first: str, after: str
) -> None:
    assert bounds(FiscalCalendar("quarter", year_starts_in), day) == (first, after)


@pytest.mark.parametrize("year_starts_in", [1, 2, 7])
def test_months_are_calendar_months_whenever_the_year_starts(year_starts_in: int) -> None:
    assert bounds(FiscalCalendar("month", year_starts_in), "2024-02-29T23:59:59.999") == ("2024-02-01", "2024-03-01")


@pytest.mark.parametrize(
    ("day", "monday", "next_monday"),
    [
        ("2026-08-14", "2026-08-10", "2026-08-17"),
        ("2026-08-10", "2026-08-10", "2026-08-17"),
        ("2026-08-16T23:59:59.999", "2026-08-10", "2026-08-17"),
        ("1970-01-01", "1969-12-29", "1970-01-05"),
        ("1965-03-03", "1965-03-01", "1965-03-08"),
    ],
)
def test_weeks_begin_on_monday(day: str, monday: str, next_monday: str) -> None:
    assert bounds(FiscalCalendar("week"), day) == (monday, next_monday)


@given(calendar=calendars, at=st.integers(millis("1900-01-01"), millis("2200-01-01")))
def test_every_instant_lies_in_its_period_and_periods_follow_each_other(calendar: FiscalCalendar, at: int) -> None:
    first, after = (bound[0] for bound in calendar.bounds(np.array([at])))
    assert first <= at < after
    assert first % DAY == after % DAY == 0
    shortest, longest = days_of[calendar.period]
    assert shortest * DAY <= after - first <= longest * DAY
    edges = np.array([first - 1, first, after - 1, after])
    begins, ends = calendar.bounds(edges)
    assert ends[0] == first == begins[1] == begins[2]
    assert ends[1] == ends[2] == after == begins[3]


@given(year_starts_in=st.integers(1, 12))
def test_a_year_has_four_quarters_one_of_which_begins_it(year_starts_in: int) -> None:
    months = np.array([millis(f"2026-{month:02}-15") for month in range(1, 13)])
    first, _ = FiscalCalendar("quarter", year_starts_in).bounds(months)
    begun_in = {int(str(at.astype("datetime64[ms]"))[5:7]) for at in first}
    assert len(begun_in) == 4
    assert year_starts_in in begun_in


@pytest.mark.parametrize("period", ["year", "", "Quarter"])
def test_another_period_is_wrong_use(period: str) -> None:
    with pytest.raises(WrongUse, match="not a period") as error:
        FiscalCalendar(period)
    assert "quarter or month or week" in str(error.value)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_another_month_is_wrong_use(month: int) -> None:
    with pytest.raises(WrongUse, match="not a month"):
        FiscalCalendar("quarter", month)
