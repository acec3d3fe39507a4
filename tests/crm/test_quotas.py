"""What everyone is to bring: from rows of users and periods to the levels."""

import numpy as np

from crm.hierarchy import NOBODY
from crm.periods import FiscalCalendar, Period
from crm.quotas import quotas_of
from features.histories import Histories
from tests.histories import crm, deal, millis

USERS = [
    {"user_id": "ann", "manager_id": "max", "region": "North"},
    {"user_id": "bob", "manager_id": "max", "region": "South"},
    {"user_id": "cat", "manager_id": "moe", "region": "South"},
    {"user_id": "max", "manager_id": "zoe", "region": "North"},
    {"user_id": "moe", "manager_id": "zoe", "region": "South"},
    {"user_id": "zoe", "region": "HQ"},
]
Q3 = FiscalCalendar().period_at(millis("2026-08-14"))
AUGUST = FiscalCalendar("month").period_at(millis("2026-08-14"))
APRIL = FiscalCalendar("month").period_at(millis("2026-04-14"))


def quotas(
    *rows: tuple[str, str, float], period: Period = Q3, users: list[dict[str, str]] = USERS, owners: str = "ann bob cat"
) -> dict[str, dict[str, float]]:
    """Each level's quotas of rows (user, first day, amount), those that there are."""
    deals = [deal(owner, "2026-01-01", owner_id=owner) for owner in owners.split()]
    plan = [{"user_id": user, "period_start": day, "amount": amount} for user, day, amount in rows]
    histories = Histories(crm(deals, users=users, quotas=plan))
    found = quotas_of(histories.tables, histories.hierarchy, period)
    assert found.keys() == histories.hierarchy.keys.keys()
    return {
        level: {key: float(one) for key, one in zip(histories.hierarchy.keys[level], quota, strict=True) if one >= 0}
        for level, quota in found.items()
    }


def test_owners_quotas_add_up_to_every_level() -> None:
    assert quotas(("ann", "2026-07-01", 100), ("bob", "2026-07-01", 50), ("cat", "2026-07-01", 7)) == {
        "company": {"company": 157},
        "region": {"North": 100, "South": 57},
        "manager": {"max": 150, "moe": 7},
        "owner": {"ann": 100, "bob": 50, "cat": 7},
    }


def test_what_those_below_bring_together_is_not_counted_again() -> None:
    rows = [(user, "2026-07-01", 100.0) for user in ("ann", "bob")]
    rows += [("max", "2026-07-01", 180.0), ("moe", "2026-07-01", 30.0), ("zoe", "2026-07-01", 999.0)]
    found = quotas(*rows)
    assert found["manager"] == {"max": 200, "moe": 30}
    assert found["region"] == {"North": 100, "South": 130}
    assert found["company"] == {"company": 230}
    assert found["owner"] == {"ann": 100, "bob": 100}


def test_a_manager_who_sells_has_their_own_quota_as_an_owner() -> None:
    found = quotas(("ann", "2026-07-01", 100), ("max", "2026-07-01", 180), owners="ann bob max")
    assert found["owner"] == {"ann": 100, "max": 180}
    assert found["company"] == {"company": 100}
    assert quotas(("max", "2026-07-01", 180), owners="ann max")["manager"] == {"max": 180}


def test_the_whole_company_has_the_quota_of_its_head_where_nobody_else_has_one() -> None:
    assert quotas(("zoe", "2026-07-01", 999)) == {"company": {"company": 999}, "region": {}, "manager": {}, "owner": {}}


def test_who_stands_above_each_other_is_counted_each() -> None:
    users = [{"user_id": "ann", "manager_id": "bob"}, {"user_id": "bob", "manager_id": "ann"}]
    own = [{"user_id": "cat", "manager_id": "cat"}]
    rows = [(user, "2026-07-01", 10.0) for user in ("ann", "bob", "cat")]
    assert quotas(*rows, users=[*users, *own])["company"] == {"company": 30}


def test_quotas_of_shorter_periods_add_up() -> None:
    months = [("ann", f"2026-{month:02}-01", float(month)) for month in range(1, 13)]
    assert quotas(*months)["owner"] == {"ann": 7 + 8 + 9}
    assert quotas(*months, period=AUGUST)["owner"] == {"ann": 8}
    assert quotas(*months[2:4], period=APRIL)["owner"] == {"ann": 4}  # 31 days apart, of a month of 30


def test_what_falls_on_a_part_of_a_longer_period_nobody_has_said() -> None:
    quarters = [("ann", f"2026-{month:02}-01", 90.0) for month in (1, 4, 7, 10)]
    july = FiscalCalendar("month").period_at(millis("2026-07-01"))
    assert quotas(*quarters, period=july)["owner"] == {}
    assert quotas(*quarters)["owner"] == {"ann": 90}


def test_a_row_that_was_left_out_makes_no_other_longer() -> None:
    quarters = [("ann", day, 90.0) for day in ("2025-07-01", "2025-10-01", "2026-07-01", "2027-01-01")]
    assert quotas(*quarters)["owner"] == {"ann": 90}


def test_an_only_row_is_one_of_the_period() -> None:
    assert quotas(("ann", "2026-08-01", 90), period=AUGUST)["owner"] == {"ann": 90}


def test_quotas_of_weeks_that_retail_calendars_cut_are_those_of_their_months() -> None:
    calendar = FiscalCalendar("month", 1, "4-4-5")
    first = calendar.period_at(millis("2026-08-14"))
    starts = [calendar.preceding(first), first, calendar.following(first)]
    rows = [("ann", str(np.datetime64(one.start, "ms"))[:10], 10.0 + n) for n, one in enumerate(starts)]
    assert [quotas(*rows, period=one)["owner"] for one in starts] == [{"ann": 10}, {"ann": 11}, {"ann": 12}]


def test_there_is_none_before_after_or_without_rows() -> None:
    assert quotas()["company"] == {}
    assert quotas(("ann", "2026-06-30", 5), ("ann", "2026-10-01", 5))["owner"] == {}


def test_a_quota_without_a_deal_counts_and_has_a_row() -> None:
    found = quotas(("cat", "2026-07-01", 5), ("new", "2026-07-01", 6), owners="ann")
    assert found["owner"] == {"cat": 5, "new": 6}
    assert found["manager"] == {"moe": 5, NOBODY: 6}
    assert found["company"] == {"company": 11}


def test_without_owners_the_company_has_what_all_are_to_bring() -> None:
    histories = Histories(
        crm([deal("d", "2026-01-01")], quotas=[{"user_id": "ann", "period_start": "2026-07-01", "amount": 9.5}])
    )
    found = quotas_of(histories.tables, histories.hierarchy, Q3)
    assert {level: quota.tolist() for level, quota in found.items()} == {"company": [9.5]}
