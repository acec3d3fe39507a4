"""What `dealcast forecast` settles before and after it draws: levels, currency, calendar, what is to be known."""

from datetime import date
from pathlib import Path

import pytest

from crm.clock import DAY
from crm.errors import WrongUse
from crm.quality import QualityReport
from features.histories import Histories
from features.settings import TimeWishes
from pipelines.adjustments import adjust, period_name
from pipelines.company import STALE_DAYS, Company
from pipelines.config import FILE, Home
from pipelines.forecast import forecast, levels_down_to, usual_currency
from serving.store import Store
from tests.histories import crm, deal, millis

USERS = [{"user_id": "ann", "manager_id": "max", "region": "North"}]


def histories(users=(), **columns) -> Histories:
    return Histories(crm([deal("d", "2026-06-01", **columns)], users=users))


@pytest.mark.parametrize(
    ("wanted", "levels"),
    [
        (None, ("region", "manager", "owner")),
        ("company", ()),
        ("region", ("region",)),
        ("manager", ("region", "manager")),
        ("owner", ("region", "manager", "owner")),
    ],
)
def test_levels_are_those_from_the_company_down_to_the_one_wanted(wanted, levels):
    assert levels_down_to(histories(USERS, owner_id="ann").hierarchy, wanted) == levels


def test_a_level_that_the_tables_do_not_tell_is_passed_over_or_refused():
    hierarchy = histories(owner_id="ann").hierarchy
    assert levels_down_to(hierarchy, None) == ("owner",)
    with pytest.raises(WrongUse, match="to which manager a deal belongs") as refused:
        levels_down_to(hierarchy, "manager")
    assert refused.value.expected == "company or owner"


def test_the_usual_currency_is_that_of_most_deals():
    deals = [deal(f"d{n}", "2026-06-01", currency=currency) for n, currency in enumerate(["EUR", "USD", "EUR", None])]
    assert usual_currency(Histories(crm(deals))) == "EUR"
    assert usual_currency(histories()) == ""


@pytest.mark.parametrize(
    ("ended_before", "complete"), [(0, True), (STALE_DAYS * DAY, True), (STALE_DAYS * DAY + 1, False)]
)
def test_data_are_complete_up_to_the_date_unless_they_end_more_than_a_week_before(ended_before, complete):
    as_of = millis("2026-10-01")
    until = as_of - ended_before
    company = Company(histories(), QualityReport((), ()), "", as_of, until, ())
    assert company.complete_until == (as_of if complete else until)


@pytest.mark.parametrize(
    ("wishes", "start", "end", "name"),
    [
        ({}, date(2026, 7, 1), date(2026, 9, 30), "Q3 2026"),
        ({}, date(2026, 7, 1), date(2026, 7, 31), "July 2026"),
        ({}, date(2026, 8, 10), date(2026, 8, 16), "week of 10 Aug 2026"),
        ({"year_starts_in": 4}, date(2026, 7, 1), date(2026, 9, 30), "FY2027 Q2"),
        ({"weeks": "4-4-5", "year_starts_in": 2}, date(2026, 8, 3), date(2026, 8, 30), "FY2027 month 7"),
        ({"period": "month"}, date(2026, 7, 1), date(2026, 9, 30), "Q3 2026"),
        ({"weeks": "4-4-5"}, date(2026, 7, 1), date(2026, 9, 30), "2026-07-01 to 2026-09-30"),
    ],
)
def test_a_stored_period_is_called_as_the_calendar_calls_it(wishes, start, end, name):
    assert period_name(start, end, TimeWishes(**wishes)) == name


DEALS = """opportunity_id,created_at,stage,closed_at,is_won,amount,owner_id
{open}
W,2026-02-01T09:00:00Z,Closed Won,2026-03-11T12:00:00Z,true,500,ann
L,2026-02-01T09:00:00Z,Closed Lost,2026-03-12T12:00:00Z,false,700,bob
"""


@pytest.fixture
def data(tmp_path) -> Path:
    """Open deals of two owners of the same name; two closed ones."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        f"D{n},2026-0{n}-01T08:00:00Z,Proposal,,,{'' if n == 1 else n * 1000},{'ann' if n % 2 else 'bob'}"
        for n in (1, 2, 3, 4)
    ]
    (folder / "opportunities.csv").write_text(DEALS.format(open="\n".join(rows)))
    (folder / "users.csv").write_text("user_id,name\nann,Kim Lee\nbob,Kim Lee\n")
    return folder


def test_steps_are_said_and_the_result_holds_what_was_stored(data, tmp_path):
    said: list[str] = []
    home = Home(tmp_path / "home")
    result = forecast(data, "2026-04-10", home, None, None, None, said.append)
    assert said[0] == "reading the tables"
    assert len(said) == 4
    assert result.flow is None
    kept = Store.under(home.path).latest_forecast()
    assert list(kept["mean"]) == list(result.table["mean"])
    assert list(kept["name"]) == list(result.names)
    assert set(kept["run_id"]) == {result.run_id}
    assert any("have not been held against past periods yet" in note for note in result.notes)
    assert any(note.startswith("1 of 4 open deals have no amount. Each counts as 3.0") for note in result.notes)


def test_the_period_is_the_one_that_fits_the_data_unless_configured(data, tmp_path):
    home = Home(tmp_path / "home")
    assert forecast(data, "2026-04-10", home, None, None, "company", lambda said: None).periods[0].name == "April 2026"
    (home.path / FILE).write_text('[time]\nperiod = "week"\nweek_starts_on = "sunday"\n')
    result = forecast(data, "2026-04-10", home, None, None, "company", lambda said: None)
    assert [period.name for period in result.periods] == ["week of 5 Apr 2026", "week of 12 Apr 2026"]


def test_a_name_that_two_have_is_not_enough(data, tmp_path):
    home = Home(tmp_path / "home")
    forecast(data, "2026-04-10", home, None, None, None, lambda said: None)
    with pytest.raises(WrongUse, match="2 are called 'kim lee'") as refused:
        adjust("owner", "kim lee", 5.0, None, "", home)
    assert refused.value.expected == "one of ann, bob"
    assert adjust("owner", "bob", 5.0, None, "", home).row["name"] == "Kim Lee"
    with pytest.raises(WrongUse, match="no level 'manager'"):
        adjust("manager", "bob", 5.0, None, "", home)
