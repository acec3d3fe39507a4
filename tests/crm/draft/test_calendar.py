"""What recorded times tell of the zone, and quotas and wins of the fiscal calendar; and when they tell nothing."""

import numpy as np
import pandas as pd
import pytest

from crm.draft.clock import working_hours
from crm.draft.fiscal import draft_fiscal
from crm.tables import CrmTables


def touches(hours, count=2000):
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2024-01-01", periods=200, tz="UTC")
    at = days[rng.integers(0, 200, count)] + pd.to_timedelta(rng.choice(hours, count) * 3600 + 77, unit="s")
    return CrmTables({"activities": pd.DataFrame({"occurred_at": at, "opportunity_id": "D", "kind": "call"})})


@pytest.mark.parametrize(("hours", "offset"), [(range(8, 17), 0), (range(13, 23), -5), (range(9), 8)])
def test_a_working_day_tells_the_offset(hours, offset):
    found = working_hours(touches(list(hours)))
    assert found.tells
    assert abs(found.offset - offset) <= 1
    assert found.share > 0.95
    assert found.weekend == 0


@pytest.mark.parametrize("tables", [touches(range(24)), touches(range(8, 17), 50), CrmTables({})])
def test_without_a_rhythm_or_with_too_little_nothing_is_told(tables):
    assert not working_hours(tables).tells
    assert working_hours(tables).zone is None


def test_days_tell_nothing_of_hours():
    days = pd.date_range("2024-01-01", periods=500, tz="UTC")
    tables = CrmTables({"activities": pd.DataFrame({"occurred_at": days, "opportunity_id": "D", "kind": "call"})})
    assert working_hours(tables).times == 0


def quotas(*starts):
    rows = [{"user_id": user, "period_start": pd.Timestamp(s), "amount": 5.0} for user in "ab" for s in starts]
    return CrmTables({"quotas": pd.DataFrame(rows)})


@pytest.mark.parametrize(
    ("starts", "period", "year", "weekday"),
    [
        (["2024-01-01", "2024-04-01", "2024-07-01"], "quarter", 1, None),
        (["2024-02-01", "2024-05-01", "2024-08-01", "2024-11-01"], "quarter", 2, None),
        ([f"2024-{month:02}-01" for month in range(1, 13)], "month", None, None),
        (["2023-04-01", "2024-04-01"], None, 4, None),
        (["2024-02-04", "2024-05-05", "2024-08-04"], "quarter", None, "sunday"),
        (["2024-01-01", "2024-01-08", "2024-01-15"], "week", None, "monday"),
    ],
)
def test_quotas_tell_the_periods(starts, period, year, weekday):
    found = draft_fiscal(quotas(*starts))
    assert (found.period, found.year_starts_in, found.week_starts_on) == (period, year, weekday)
    assert starts[0] in found.why_period


def wins(weight, years=3, count=900):
    """Wins on days drawn with a weight by month and day."""
    days = pd.date_range("2021-01-01", periods=365 * years, tz="UTC")
    chance = np.array([weight(day) for day in days], dtype=float)
    at = days[np.random.default_rng(5).choice(len(days), count, p=chance / chance.sum())]
    return CrmTables({"opportunities": pd.DataFrame({"closed_at": at, "is_won": pd.array([True] * count, "boolean")})})


def late(day):
    return day.days_in_month - day.day < 7


def test_a_rush_at_quarters_ends_tells_the_quarters():
    found = draft_fiscal(wins(lambda day: 6 if late(day) and day.month % 3 == 1 else 1))
    assert (found.period, found.year_starts_in) == ("quarter", 2)
    assert "clear" in found.why_year
    assert "nothing tells which of them begins the year" in found.why_year


def test_a_rush_at_every_months_end_tells_months():
    assert draft_fiscal(wins(lambda day: 4 if late(day) else 1)).period == "month"


@pytest.mark.parametrize("tables", [wins(lambda _day: 1), wins(lambda day: 6 if late(day) else 1, count=60)])
def test_no_rush_or_few_wins_tell_nothing(tables):
    found = draft_fiscal(tables)
    assert (found.period, found.year_starts_in) == (None, None)
    assert found.why_period
