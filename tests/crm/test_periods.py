"""Fiscal periods: where they begin and end, and that every instant lies in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY
from crm.errors import WrongUse
from crm.periods import KINDS, WEEKDAYS, WEEKS, FiscalCalendar, Period
from tests.histories import millis

calendars = st.builds(
    FiscalCalendar,
    st.sampled_from(KINDS),
    st.integers(1, 12),
    st.sampled_from((None, *WEEKS)),
    st.sampled_from(WEEKDAYS),
)
retail = st.builds(
    FiscalCalendar,
    st.sampled_from(("quarter", "month")),
    st.integers(1, 12),
    st.sampled_from(tuple(WEEKS)),
    st.sampled_from(WEEKDAYS),
)
instants = st.integers(millis("1900-01-01"), millis("2200-01-01"))
days_of = {"week": (7, 7), "month": (28, 42), "quarter": (89, 98)}
NRF = FiscalCalendar("month", 2, "4-5-4", "sunday")
"""The calendar of the National Retail Federation."""


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


@given(calendar=calendars, at=instants)
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


@pytest.mark.parametrize(
    ("name", "value"), [("weeks", "4-4-4"), ("weeks", ""), ("week_starts_on", "Monday"), ("week_starts_on", "mon")]
)
def test_another_pattern_of_weeks_or_weekday_is_wrong_use(name: str, value: str) -> None:
    with pytest.raises(WrongUse, match="is not a") as error:
        FiscalCalendar(**{name: value})
    assert error.value.where == f"[time] {name}"
    assert error.value.expected == " or ".join(WEEKS if name == "weeks" else WEEKDAYS)


@pytest.mark.parametrize("week_starts_on", WEEKDAYS)
def test_weeks_begin_on_the_weekday_that_is_set(week_starts_on: str) -> None:
    start = FiscalCalendar("week", week_starts_on=week_starts_on).period_at(millis("2026-08-14")).start
    assert WEEKDAYS[np.datetime64(start, "ms").item().weekday()] == week_starts_on


# Years cut by weeks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "begins", "weeks"),
    [
        # as the federation publishes them: 2006, 2012, 2017 and 2023 have 53 weeks
        *((2006, "2006-01-29", 53), (2007, "2007-02-04", 52), (2012, "2012-01-29", 53), (2016, "2016-01-31", 52)),
        *((2017, "2017-01-29", 53), (2018, "2018-02-04", 52), (2023, "2023-01-29", 53), (2024, "2024-02-04", 52)),
    ],
)
def test_the_years_of_the_retail_federation(year: int, begins: str, weeks: int) -> None:
    first, after = NRF.year_begins(np.array([year, year + 1]))
    assert first == millis(begins)
    assert after - first == weeks * 7 * DAY


def test_the_months_of_a_year_of_53_weeks() -> None:
    """Fiscal 2023 of the federation, which ends in 2024."""
    weeks, period = [], NRF.period_at(millis("2023-01-29"))
    for number in range(1, 13):
        assert period.name == f"FY2024 month {number}"
        weeks.append((period.end - period.start) // (7 * DAY))
        period = NRF.following(period)
    assert weeks == [4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 5, 5]
    assert period == Period(millis("2024-02-04"), millis("2024-03-03"), "FY2025 month 1")


@given(year=st.integers(1900, 2200), weekday=st.integers(0, 6))
def test_weeks_from_the_monday_nearest_to_new_year_are_those_of_iso_8601(year: int, weekday: int) -> None:
    calendar = FiscalCalendar("quarter", 1, "4-4-5")
    begins = calendar.year_begins(np.array([year]))[0]
    day = np.datetime64(int(begins) + weekday * DAY, "ms").item()
    assert tuple(day.isocalendar()) == (year, 1, weekday + 1)


@given(calendar=retail, year=st.integers(1900, 2200))
def test_a_year_cut_by_weeks_has_the_lengths_of_its_pattern(calendar: FiscalCalendar, year: int) -> None:
    begins, ends = (int(at) for at in calendar.year_begins(np.array([year, year + 1])))
    near = millis(f"{year}-{calendar.year_starts_in:02}-01")
    assert abs(begins - near) <= 3 * DAY
    assert WEEKDAYS[np.datetime64(begins, "ms").item().weekday()] == calendar.week_starts_on
    total = (ends - begins) // (7 * DAY)
    assert (total * 7 * DAY, total in (52, 53)) == (ends - begins, True)
    months = [int(weeks) for weeks in str(calendar.weeks).split("-")] * 4
    expected = months if calendar.period == "month" else [13] * 4
    expected = [*expected[:-1], expected[-1] + total - 52]
    period, weeks = calendar.period_at(begins), []
    while period.start < ends:
        weeks.append((period.end - period.start) // (7 * DAY))
        period = calendar.following(period)
    assert weeks == expected
    assert period.start == ends


# One period and its neighbours -----------------------------------------------------------------------------------


@given(calendar=calendars, at=instants, times=st.integers(0, 9))
def test_following_and_preceding_undo_each_other(calendar: FiscalCalendar, at: int, times: int) -> None:
    period = calendar.period_at(at)
    first, after = (int(bound[0]) for bound in calendar.bounds(np.array([at])))
    assert (period.start, period.end) == (first, after)
    assert calendar.preceding(calendar.following(period)) == calendar.following(calendar.preceding(period)) == period
    earlier = back = calendar.preceding(period, times)
    for _ in range(times):
        assert back.end == calendar.following(back).start
        back = calendar.following(back)
    assert back == period
    assert calendar.preceding(earlier, 2) == calendar.preceding(calendar.preceding(earlier))


def in_year(calendar: FiscalCalendar, period: Period) -> tuple[int, int]:
    """The first month's calendar year of the fiscal year, as cut, in which a period lies, and its number there."""
    if calendar.period == "week":  # counted from the week nearest to the year's first day, whatever cuts the year
        calendar = FiscalCalendar("week", calendar.year_starts_in, "4-4-5", calendar.week_starts_on)
    years = np.arange(1890, 2210)
    begins = calendar.year_begins(years)
    place = int(np.searchsorted(begins, period.start, side="right")) - 1
    number, at = 0, calendar.period_at(int(begins[place]))
    while at.start < period.start:
        number, at = number + 1, calendar.following(at)
    assert at.start == period.start
    return int(years[place]), number


@given(calendar=calendars, at=instants)
def test_a_year_before_stands_the_period_of_the_same_number(calendar: FiscalCalendar, at: int) -> None:
    period = calendar.period_at(at)
    before = calendar.year_before(period)
    assert before == calendar.period_at(before.start)
    year, number = in_year(calendar, period)
    assert in_year(calendar, before) in [(year - 1, number), *([(year - 1, 51)] if number == 52 else [])]


def test_against_a_53rd_week_stands_the_last_of_the_year_before() -> None:
    weeks = FiscalCalendar("week")  # 2026 has 53 weeks, 2025 has 52
    last = weeks.period_at(millis("2026-12-28"))
    assert weeks.year_before(last) == weeks.period_at(millis("2025-12-22"))
    assert weeks.year_before(weeks.following(last)) == weeks.period_at(millis("2025-12-29"))


@pytest.mark.parametrize(
    ("calendar", "at", "name", "year_before"),
    [
        (FiscalCalendar(), "2026-08-14", "Q3 2026", "Q3 2025"),
        (FiscalCalendar("quarter", 4), "2026-08-14", "FY2027 Q2", "FY2026 Q2"),
        (FiscalCalendar("quarter", 4), "2026-03-31", "FY2026 Q4", "FY2025 Q4"),
        (FiscalCalendar("quarter", 12), "2026-12-01", "FY2027 Q1", "FY2026 Q1"),
        (FiscalCalendar("month"), "2026-08-14", "August 2026", "August 2025"),
        (FiscalCalendar("month", 4), "2024-02-29", "February 2024", "February 2023"),
        (FiscalCalendar("quarter", 1, "4-4-5"), "2026-08-14", "FY2026 Q3", "FY2025 Q3"),
        (FiscalCalendar("month", 1, "4-4-5"), "2026-05-01", "FY2026 month 5", "FY2025 month 5"),
        (FiscalCalendar("month", 1, "4-4-5"), "2025-12-29", "FY2026 month 1", "FY2025 month 1"),
        (FiscalCalendar("week"), "2026-08-14", "week of 10 Aug 2026", "week of 11 Aug 2025"),
        (FiscalCalendar("week", 1, None, "sunday"), "2026-01-03", "week of 28 Dec 2025", "week of 22 Dec 2024"),
    ],
)
def test_periods_are_called_as_people_call_them(calendar: FiscalCalendar, at: str, name: str, year_before: str) -> None:
    period = calendar.period_at(millis(at))
    assert period.name == name
    assert calendar.year_before(period).name == year_before


@given(calendar=calendars, at=instants)
def test_no_two_periods_have_one_name(calendar: FiscalCalendar, at: int) -> None:
    period = calendar.period_at(at)
    others = [calendar.following(period), calendar.preceding(period), calendar.year_before(period)]
    assert period.name not in {other.name for other in others}
