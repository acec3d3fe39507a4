"""What became of a period's pipeline between two dates: each way in and out, to the cent."""

from typing import Any

import pandas as pd
import pytest

from crm.periods import FiscalCalendar
from features.histories import Histories
from serving.flow import COLUMNS, DEALS, Flow, flow
from tests.histories import Row, change, crm, deal, millis

Q3 = FiscalCalendar().period_at(millis("2026-08-14"))
SINCE, UNTIL = millis("2026-07-31T23:59:59.999"), millis("2026-08-31T23:59:59.999")
USERS = [
    {"user_id": "ann", "manager_id": "max", "region": "North"},
    {"user_id": "bob", "manager_id": "max", "region": "South"},
    {"user_id": "cat", "manager_id": "moe", "region": "South"},
]
TRACKED = [
    change("far", "2026-02-02", "close_date", "2027-03-01", "2027-06-01"),
    change("far", "2026-02-02", "stage", "Prospect", "Qualify"),
    change("far", "2026-02-02", "amount", "1", "2"),
    change("far", "2026-02-02", "owner_id", "bob", "ann"),
]
FAR = deal("far", "2026-02-01", "Qualify", amount=2.0, close_date="2027-06-01", owner_id="ann")
"""A deal planned for another time, on which each field changed once, so that all are tracked."""


def flow_of(*deals: tuple[Row, list[Row]], since: int = SINCE, until: int = UNTIL, **tables: Any) -> Flow:
    """Of deals with their changes."""
    changes = [one for _, each in deals for one in each]
    made = crm([FAR, *(row for row, _ in deals)], changes=[*TRACKED, *changes], users=USERS, **tables)
    return flow(Histories(made), Q3, since, until)


def moved(found: Flow, level: str = "company", key: str = "company") -> dict[str, float]:
    """What a row says that is not 0."""
    row = found.table[(found.table["level"] == level) & (found.table["key"] == key)].iloc[0]
    return {str(name): value for name, value in row.items() if name not in ("level", "key") and value != 0}


def a_deal(
    name: str, amount: float | None, *changes: tuple[str, str, Any, Any], **columns: Any
) -> tuple[Row, list[Row]]:
    """A deal of ann's, planned for September unless said otherwise, and its changes (day, field, old, new)."""
    row = {"created_at": "2026-06-01", "close_date": "2026-09-15", "owner_id": "ann", "amount": amount, **columns}
    for day, field, _, new in changes:
        row[field] = new
        if field == "stage":
            closed = str(new).startswith("Closed")
            row |= {"closed_at": day if closed else None, "is_won": new == "Closed Won" if closed else None}
    return deal(name, **row), [change(name, *one) for one in changes]


WON, LOST, REOPENED = (
    ("2026-08-20", "stage", "Prospect", "Closed Won"),
    ("2026-08-20", "stage", "Prospect", "Closed Lost"),
    ("2026-08-10", "stage", "Closed Lost", "Prospect"),
)
LOST_IN_JULY = ("2026-07-10", "stage", "Prospect", "Closed Lost")


def one(amount: float, *columns: str) -> dict[str, float]:
    """A deal that is in those columns, with that amount."""
    return {**dict.fromkeys(columns, amount), **{name + DEALS: 1 for name in columns}}


CASES = {
    "stays": (a_deal("d", 5.01), one(5.01, "opening", "closing")),
    "grows": (
        a_deal("d", 0.1, ("2026-08-10", "amount", 0.1, 0.3)),
        one(0.1, "opening") | one(0.2, "grown") | one(0.3, "closing"),
    ),
    "shrinks": (
        a_deal("d", 0.3, ("2026-08-10", "amount", 0.3, 0.1), ("2026-08-11", "amount", 0.1, 0.2)),
        one(0.3, "opening") | one(0.1, "shrunk") | one(0.2, "closing"),
    ),
    "loses its amount": (
        a_deal("d", 7.77, ("2026-08-10", "amount", 7.77, None)),
        one(7.77, "opening", "shrunk") | {"closing_deals": 1},
    ),
    "is won for more, set in the same save": (
        a_deal("d", 1.1, WON, ("2026-08-20", "amount", 1.1, 1.15)),
        one(1.1, "opening") | one(0.05, "grown") | one(1.15, "won"),
    ),
    "is lost for what it was at first": (
        a_deal("d", 2.01, ("2026-08-10", "amount", 2.01, 5), LOST),
        one(2.01, "opening", "lost"),
    ),
    "is pushed out with what it was at first": (
        a_deal("d", 3.02, ("2026-08-10", "amount", 3.02, 9), ("2026-08-10", "close_date", "2026-09-15", "2026-10-01")),
        one(3.02, "opening", "pushed_out"),
    ),
    "loses its close date": (
        a_deal("d", 3.02, ("2026-08-10", "close_date", "2026-09-15", None)),
        one(3.02, "opening", "pushed_out"),
    ),
    "is overdue": (a_deal("d", 3.02, close_date="2026-06-15"), one(3.02, "opening", "closing")),
    "is new": (
        a_deal("d", 4.03, ("2026-08-10", "amount", 4.03, 4.04), created_at="2026-08-05"),
        one(4.04, "new", "closing"),
    ),
    "is new and won": (
        a_deal("d", 5.04, ("2026-08-20", "amount", 5.04, 5.05), WON, created_at="2026-08-05"),
        one(5.05, "new", "won"),
    ),
    "is new and lost": (
        a_deal("d", 6.05, ("2026-08-20", "amount", 6.05, 7), LOST, created_at="2026-08-05"),
        one(6.05, "new", "lost"),
    ),
    "is entered when it was won": (
        a_deal("d", 1.5, stage="Closed Won", created_at="2026-08-05", closed_at="2026-08-05", is_won=True),
        one(1.5, "new", "won"),
    ),
    "is entered when it was lost": (
        a_deal("d", 1.5, stage="Closed Lost", created_at="2026-08-05", closed_at="2026-08-05", is_won=False),
        one(1.5, "new", "lost"),
    ),
    "is new and lost, planned for another time": (
        a_deal("d", 6.05, LOST, created_at="2026-08-05", close_date="2026-12-01"),
        {},
    ),
    "is new and planned for another time": (a_deal("d", 6.05, created_at="2026-08-05", close_date="2026-12-01"), {}),
    "is pulled in": (
        a_deal("d", 7.06, ("2026-08-10", "close_date", "2026-11-01", "2026-09-20"), ("2026-08-10", "amount", 1, 7.06)),
        one(7.06, "pulled_in", "closing"),
    ),
    "is pulled in and won": (a_deal("d", 8.07, WON, close_date="2026-11-01"), one(8.07, "pulled_in", "won")),
    "is pulled in and lost": (
        a_deal("d", 8.07, ("2026-08-10", "close_date", "2026-11-01", "2026-09-20"), LOST),
        {},
    ),
    "is reopened": (a_deal("d", 9.08, LOST_IN_JULY, REOPENED), one(9.08, "reopened", "closing")),
    "is reopened and won": (a_deal("d", 10.09, LOST_IN_JULY, REOPENED, WON), one(10.09, "reopened", "won")),
    "is reopened and lost": (a_deal("d", 10.09, LOST_IN_JULY, REOPENED, LOST), {}),
    "is lost and reopened meanwhile": (
        a_deal("d", 1, ("2026-08-05", "stage", "Prospect", "Closed Lost"), REOPENED, ("2026-08-10", "amount", 1, 1.5)),
        one(1, "opening") | one(0.5, "grown") | one(1.5, "closing"),
    ),
    "was closed before": (a_deal("d", 9, LOST_IN_JULY), {}),
    "is handed over and won": (
        a_deal("d", 2.2, ("2026-08-10", "owner_id", "cat", "ann"), ("2026-08-11", "amount", 2.2, 2.5), WON),
        one(2.2, "opening") | one(0.3, "grown") | one(2.5, "won"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_way_in_and_out(case: str) -> None:
    of, expected = CASES[case]
    assert moved(flow_of(of)) == pytest.approx(expected, abs=1e-9)


def test_a_row_is_what_all_its_deals_came_to() -> None:
    deals = []
    total: dict[str, float] = {}
    for number, ((row, changes), expected) in enumerate(CASES.values()):
        name = f"d{number}"
        deals.append(({**row, "opportunity_id": name}, [{**one, "opportunity_id": name} for one in changes]))
        for column, value in expected.items():
            total[column] = total.get(column, 0) + value
    assert moved(flow_of(*deals)) == pytest.approx(total, abs=1e-9)
    assert {name for name in COLUMNS if not name.startswith("handed")} <= total.keys()


def test_a_deal_that_is_handed_over_moves_between_keys_that_differ() -> None:
    won = a_deal("d", 2.2, ("2026-08-10", "owner_id", "ann", "bob"), ("2026-08-11", "amount", 2.2, 2.5), WON)
    found = flow_of(won)
    gives = one(2.2, "opening", "handed_out")
    takes = one(2.2, "handed_in") | one(0.3, "grown") | one(2.5, "won")
    assert moved(found, "owner", "ann") == pytest.approx(gives)
    assert moved(found, "owner", "bob") == pytest.approx(takes)
    assert moved(found, "region", "North") == pytest.approx(gives)
    assert moved(found, "region", "South") == pytest.approx(takes)
    assert moved(found, "manager", "max") == pytest.approx(one(2.2, "opening") | one(0.3, "grown") | one(2.5, "won"))
    assert "handed_in" not in moved(found)


def test_a_deal_is_booked_on_the_owner_at_its_closing() -> None:
    later = ("2026-08-25", "owner_id", "ann", "bob")
    assert moved(flow_of(a_deal("d", 2.5, LOST, later)), "owner", "ann") == one(2.5, "opening", "lost")
    moved_on = flow_of(a_deal("d", 2.5, ("2026-08-25", "close_date", "2026-09-15", "2026-12-01"), later))
    assert moved(moved_on, "owner", "bob") == one(2.5, "handed_in", "pushed_out")
    assert moved(moved_on, "owner", "ann") == one(2.5, "opening", "handed_out")


def test_a_win_after_the_period_leaves_its_pipeline_and_enters_none() -> None:
    won = ("2026-10-02", "stage", "Prospect", "Closed Won")
    until = millis("2026-10-03")
    assert moved(flow_of(a_deal("d", 3.0, won), until=until)) == one(3.0, "opening", "won")
    assert moved(flow_of(a_deal("d", 3.0, won, close_date="2026-12-01"), until=until)) == {}
    assert moved(flow_of(a_deal("d", 3.0, won, created_at="2026-08-05"), until=until)) == {}


def test_the_instants_themselves_belong_to_what_lies_before_them() -> None:
    at = "2026-08-20"  # midnight
    for until, expected in ((millis(at) - 1, one(2, "opening", "closing")), (millis(at), one(2, "opening", "won"))):
        assert moved(flow_of(a_deal("d", 2.0, WON), until=until)) == expected
    assert moved(flow_of(a_deal("d", 2.0, WON), since=millis(at))) == {}
    assert moved(flow_of(a_deal("d", 2.0, WON), since=millis(at) - 1)) == one(2, "opening", "won")


def test_without_known_close_dates_the_whole_open_pipeline_counts() -> None:
    rows = [
        deal("far", "2026-02-01", amount=2.0, close_date="2027-06-01"),
        deal("new", "2026-08-02", amount=3.0),
        deal("won", "2026-02-01", "Closed Won", amount=4.0, closed_at="2026-08-20", is_won=True),
    ]
    found = flow(Histories(crm(rows)), Q3, SINCE, UNTIL)
    assert not found.planned
    assert moved(found) == {
        "opening": 6,
        "new": 3,
        "won": 4,
        "closing": 5,
        "opening_deals": 2,
        "new_deals": 1,
        "won_deals": 1,
        "closing_deals": 2,
    }
    assert set(found.table["level"]) == {"company"}
    assert flow_of().planned


def test_the_table_has_a_row_a_level_and_key_also_where_nothing_happened() -> None:
    table = flow_of().table
    assert list(table.columns) == ["level", "key", *COLUMNS, *(name + DEALS for name in COLUMNS)]
    assert list(zip(table["level"], table["key"], strict=True)) == [
        ("company", "company"),
        *(("region", key) for key in ("North", "South", "(none)")),
        *(("manager", key) for key in ("max", "(none)")),
        *(("owner", key) for key in ("ann", "bob", "(none)")),
    ]
    assert (table.iloc[:, 2:] == 0).all(axis=None)
    assert {str(dtype) for dtype in table.dtypes[2:]} == {"float64", "int64"}


def test_a_company_without_deals_has_an_empty_flow() -> None:
    table = flow(Histories(crm([])), Q3, SINCE, UNTIL).table
    assert isinstance(table, pd.DataFrame)
    assert table["closing"].tolist() == [0.0]
