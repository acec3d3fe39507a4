"""The forecast in words: what is certain, what is nearly so, what is not known, and lists that are cut short."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from crm.periods import FiscalCalendar
from features.histories import Histories
from pipelines.config import Home
from pipelines.forecast import ForecastResult, forecast
from pipelines.reports.flow import MOST_KEYS, flow_text
from pipelines.reports.forecast import amounts, forecast_text, records, usually_told
from serving.flow import flow
from tests.histories import change, crm, deal, millis


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> ForecastResult:
    """Of a few deals of two owners who report to max."""
    folder = tmp_path_factory.mktemp("report")
    rows = [
        *(f"D{n},2026-0{n}-01T08:00:00Z,Proposal,,,{n * 1000},{'ann' if n % 2 else 'bob'}" for n in (1, 2, 3, 4)),
        *(f"W{n},2026-0{n}-02T08:00:00Z,Closed Won,2026-0{n}-20T08:00:00Z,true,700,bob" for n in (1, 2, 3)),
        "L,2026-02-01T09:00:00Z,Closed Lost,2026-03-12T12:00:00Z,false,700,ann",
    ]
    head = "opportunity_id,created_at,stage,closed_at,is_won,amount,owner_id"
    (folder / "opportunities.csv").write_text("\n".join([head, *rows]))
    (folder / "users.csv").write_text("user_id,name,manager_id\nann,Ann Bo,max\nbob,Bob Cy,max\nmax,Max Mo,\n")
    (folder / "quotas.csv").write_text("user_id,period_start,amount\nann,2026-04-01,5000\nbob,2026-04-01,4000\n")
    return forecast(folder, "2026-04-10", Home(folder / "home"), None, None, None, lambda said: None)


def told(result: ForecastResult, level: str = "company", **columns) -> str:
    """The text with other figures at a level."""
    table = result.table.copy()
    for name, value in columns.items():
        table.loc[table["level"] == level, name] = value
    return " ".join(forecast_text(replace(result, table=table)).split())


def line(result: ForecastResult, begins: str, **columns) -> str:
    """An owner's line with other figures."""
    table = result.table.copy()
    for name, value in columns.items():
        table.loc[table["level"] == "owner", name] = value
    text = forecast_text(replace(result, table=table))
    return next(one for one in text.splitlines() if one.startswith(begins))


@pytest.mark.parametrize(
    ("chance", "says"), [(1.0, "over 99 %"), (0.996, "over 99 %"), (0.0, "under 1 %"), (0.41, "41 %"), (0.99, "99 %")]
)
def test_what_is_not_certain_is_not_called_so(result, chance, says):
    assert f"chance to reach it {says}" in told(result, quota=10_000.0, quota_probability=chance)


def test_a_quota_that_is_reached_is_called_reached(result):
    assert "9.0 k, which is reached" in told(result, quota=9000.0, already_won=9000.0, quota_probability=1.0)
    assert " ✓ " in line(result, "Bob Cy", quota=9000.0, already_won=9000.0, quota_probability=1.0)


def test_a_key_without_a_quota_has_no_chance(result):
    without = line(result, "Ann Bo", quota=math.nan, quota_probability=math.nan)
    assert (without[65:71].strip(), without[72:75].strip()) == ("–", "")
    assert ">99" in line(result, "Ann Bo", quota=10.0, already_won=0.0, quota_probability=1.0)


def test_without_deals_to_come_the_range_is_said_to_lack_them(result):
    said = told(result, new_business=0.0)
    assert "April 2026, 20 days left: without deals to come between" in said
    assert "deals to come not counted =" in said


@pytest.mark.parametrize(
    ("coverage", "says"),
    [(3.04, ", 3.0 times what is left of the quota"), (700.0, ", over 20 times what is left"), (math.nan, "k planned")],
)
def test_coverage_is_told_where_there_is_something_to_cover(result, coverage, says):
    covered = result.coverage.assign(coverage=coverage, pipeline=12_000.0)
    said = " ".join(forecast_text(replace(result, coverage=covered, planned=True)).split())
    assert says in said


def test_an_owner_is_told_of_only_where_wanted(result):
    assert "By owner" in forecast_text(result)
    usual = forecast_text(usually_told(result))
    assert "By owner" not in usual
    assert "Max Mo" in usual
    owners = replace(result, levels=("owner",))
    assert usually_told(owners).levels == ("owner",)


def test_every_line_fits_a_terminal(result):
    long = replace(result, names=tuple("Maximilienne-Alexandra von und zu Hohenfels" for _ in result.names))
    assert max(map(len, forecast_text(long).splitlines())) <= 80


def test_deals_are_counted_as_deals():
    assert [amounts(True)(deals) for deals in (0.0, 0.24, 3.26, 12.4, 1250.0)] == ["0", "0.2", "3.3", "12", "1,250"]
    assert amounts(False)(12_400.0) == "12\xa0k"


def test_records_have_nothing_where_nothing_is_known():
    frame = pd.DataFrame({"quota": [math.nan, 2.0], "day": [pd.Timestamp("2026-04-01").date()] * 2})
    assert records(frame) == [{"quota": None, "day": "2026-04-01"}, {"quota": 2.0, "day": "2026-04-01"}]


def test_a_long_list_is_cut_and_that_is_said():
    deals = [deal(f"d{n:03}", "2026-03-01", amount=float(1000 + n), owner_id=f"o{n:03}") for n in range(MOST_KEYS + 5)]
    tracked = [
        change("d000", "2026-04-05", "amount", 1000, 500),
        change("d000", "2026-04-05", "owner_id", "o001", "o000"),
    ]
    histories = Histories(crm([{**deals[0], "amount": 500.0}, *deals[1:]], changes=tracked))
    found = flow(
        histories, FiscalCalendar().period_at(millis("2026-04-10")), millis("2026-04-01"), millis("2026-04-10")
    )
    text = flow_text(found, histories.hierarchy, ("owner",), counts=False)
    assert "and 5 more: --json has all." in text
    assert sum(row.startswith("o0") for row in text.splitlines()) == MOST_KEYS
    first = next(row for row in text.splitlines() if row.startswith("o001"))
    assert first.split() == ["o001", "2.0", "k", "−1.0", "k", "1.0", "k"]
    assert max(map(len, text.splitlines())) <= 80
    counted = flow_text(found, histories.hierarchy, ("owner",), counts=True)
    assert "grown" not in counted
    assert "pulled in" not in text, "past close dates are not known"
    assert "money" not in counted
