"""What of the pipeline planned for a period was won in it, and how far a pipeline covers the quota."""

import numpy as np
import pandas as pd
import pytest

from crm.periods import FiscalCalendar
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from features.histories import Histories
from serving.slippage import coverage, slippage
from tests.histories import change, crm, deal, millis

CALENDAR = FiscalCalendar()
Q3 = CALENDAR.period_at(millis("2026-08-14"))
USERS = [{"user_id": user, "manager_id": "max"} for user in ("ann", "bob", "cat")]


def company(**tables: list[dict[str, object]]) -> Histories:
    """Six deals planned for the third quarter of 2026 when it began, and two for another time."""
    plan = {"close_date": "2026-09-15", "owner_id": "ann"}
    won = {"closed_at": "2026-08-20", "is_won": True}
    rows = [
        deal("won", "2026-05-01", "Closed Won", amount=25.0, **plan, **won),
        deal("lost", "2026-05-01", "Closed Lost", amount=10.0, **plan, closed_at="2026-08-20", is_won=False),
        deal("late", "2026-05-01", "Closed Won", amount=0.3, **plan, closed_at="2026-10-01", is_won=True),
        deal("moved", "2026-05-01", amount=30.0, close_date="2026-12-01", owner_id="bob"),
        deal("overdue", "2026-05-01", amount=39.7, close_date="2026-05-15", owner_id="bob"),
        deal("bare", "2026-05-01", amount=None, **plan),
        deal("outside", "2026-04-02", amount=500.0, close_date="2026-12-01", owner_id="cat"),
        deal("new", "2026-07-01T00:00:00.001", "Closed Won", amount=7.0, **{**plan, "owner_id": "cat"}, **won),
    ]
    changes = [
        change("won", "2026-08-20", "stage", "Prospect", "Closed Won"),
        change("won", "2026-08-20", "amount", "20", "25"),
        change("lost", "2026-08-20", "stage", "Prospect", "Closed Lost"),
        change("late", "2026-10-01", "stage", "Prospect", "Closed Won"),
        change("new", "2026-08-20", "stage", "Prospect", "Closed Won"),
        change("moved", "2026-09-01", "close_date", "2026-09-15", "2026-12-01"),
        change("moved", "2026-09-02", "owner_id", "ann", "bob"),
    ]
    return Histories(crm(rows, changes=changes, users=USERS, **tables))


def at(table: pd.DataFrame, level: str, key: str) -> pd.Series:
    return table[(table["level"] == level) & (table["key"] == key)].iloc[0]


def test_what_was_planned_is_won_lost_or_pushed() -> None:
    table = slippage(company(), CALENDAR, Q3.end - 1)
    assert set(table["period"]) == {"Q3 2026"}  # in the quarter before, the first deal had not been entered yet
    assert (table["period_start"] == Q3.start).all()
    assert (table["period_end"] == Q3.end).all()
    whole = at(table, "company", "company")
    assert (whole["planned"], whole["planned_deals"]) == (100.0, 6)
    assert whole[["won", "lost", "pushed"]].tolist() == [0.2, 0.1, 0.7]
    assert whole[["won_deals", "lost_deals", "pushed_deals"]].tolist() == pytest.approx([1 / 6, 1 / 6, 4 / 6])
    assert at(table, "owner", "ann")["planned"] == 60.3  # of which bob took over 30 later
    assert at(table, "owner", "bob")[["planned", "pushed"]].tolist() == [39.7, 1.0]
    none = at(table, "owner", "cat")
    assert (none["planned"], none["planned_deals"], np.isnan(none["won"])) == (0.0, 0, True)


def test_only_full_periods_that_have_ended_are_looked_at() -> None:
    made = company()
    assert slippage(made, CALENDAR, Q3.end - 2).empty
    assert list(slippage(made, CALENDAR, Q3.end - 2).columns) == list(slippage(made, CALENDAR, Q3.end).columns)
    months = slippage(made, FiscalCalendar("month"), Q3.end + 5)
    assert list(dict.fromkeys(months["period"])) == [
        *("May 2026", "June 2026", "July 2026", "August 2026", "September 2026"),
    ]
    latest = slippage(made, FiscalCalendar("month"), Q3.end, periods=2)
    assert list(dict.fromkeys(latest["period"])) == ["August 2026", "September 2026"]
    assert slippage(Histories(crm([])), CALENDAR, Q3.end).empty


def test_the_pipeline_covers_what_is_left_of_the_quota() -> None:
    quotas = [
        {"user_id": user, "period_start": "2026-07-01", "amount": amount}
        for user, amount in (("ann", 65.3), ("bob", 0.0), ("cat", 7.0))
    ]
    table = coverage(company(quotas=quotas), Q3, millis("2026-08-31"))
    ann = at(table, "owner", "ann")
    assert ann[["pipeline", "already_won", "quota"]].tolist() == [30.3, 25.0, 65.3]
    assert ann["coverage"] == pytest.approx(30.3 / 40.3)
    assert np.isnan(at(table, "owner", "bob")["coverage"])  # no quota
    assert np.isnan(at(table, "owner", "cat")["coverage"])  # reached
    whole = at(table, "company", "company")
    assert whole[["pipeline", "already_won", "quota"]].tolist() == pytest.approx([70.0, 32.0, 72.3])
    assert whole["coverage"] == pytest.approx(70.0 / 40.3)
    assert at(table, "manager", "max")["coverage"] == pytest.approx(70.0 / 40.3)
    assert coverage(company(), Q3, millis("2026-08-31"))["coverage"].isna().all()


def test_shares_of_the_demo_company_sum_to_one_and_levels_to_the_company() -> None:
    tables = simulate(SimulatorSettings(deals=600, seed=5)).tables
    table = slippage(Histories(tables), CALENDAR, millis("2026-07-02"))
    assert table["period"].nunique() == 8
    shares = table[table["planned"] > 0]
    np.testing.assert_allclose(shares[["won", "lost", "pushed"]].sum(axis=1), 1)
    np.testing.assert_allclose(shares[["won_deals", "lost_deals", "pushed_deals"]].sum(axis=1), 1)
    sums = table.groupby(["period", "level"])[["planned", "planned_deals"]].sum().groupby("period").nunique()
    assert (sums == 1).all(axis=None)
    assert (table[table["level"] == "company"]["pushed"] > 0).all()
