"""Opening a company's data: as of which date, and what is said about it."""

import time

import pytest

from crm.errors import DataRefused, WrongUse
from crm.sources.mapping import SourceMapping
from pipelines.company import STALE_DAYS, open_company
from pipelines.config import Config
from tests.histories import millis

DEALS = """opportunity_id,created_at,stage,closed_at,is_won
D1,2026-03-01T09:00:00Z,Closed Won,2026-05-04T16:30:00Z,true
D2,2026-04-01T09:00:00Z,Closed Lost,2026-05-02T10:00:00Z,false
D3,2026-05-03T09:00:00Z,Proposal,,
"""
LAST = "2026-05-04T16:30"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "opportunities.csv").write_text(DEALS)
    return tmp_path


@pytest.fixture
def today(monkeypatch):
    """Sets the clock."""

    def at(text: str) -> None:
        monkeypatch.setattr(time, "time", lambda: millis(text) / 1000)

    return at


def told_of_its_end(company) -> bool:
    return any("The data end on" in note for note in company.notes)


def test_data_that_end_long_before_now_are_looked_at_as_of_their_last_day_and_say_so(data, today):
    today("2026-08-14T12:00")
    company = open_company(data, "now", Config())
    assert company.as_of == millis("2026-05-04T23:59:59.999")
    assert company.until == millis(LAST)
    note = next(note for note in company.notes if "The data end on" in note)
    assert "The data end on 2026-05-04; the answers are as of that day." in note
    assert "--as-of" in note


def test_their_last_day_is_that_of_the_companys_zone(data, today):
    today("2026-08-14T12:00")
    company = open_company(data, "now", Config(source=SourceMapping(time_zone="Asia/Tokyo")))
    assert company.as_of == millis("2026-05-05T14:59:59.999")


def test_a_meeting_planned_far_ahead_does_not_make_old_data_fresh(data, today):
    (data / "activities.csv").write_text("opportunity_id,occurred_at,kind\nD3,2027-01-01T09:00:00Z,meeting\n")
    today("2026-08-14T12:00")
    assert told_of_its_end(open_company(data, "now", Config()))


def test_fresh_data_are_looked_at_now(data, today):
    now = f"2026-05-{4 + STALE_DAYS:02}T16:30"
    today(now)
    company = open_company(data, "now", Config())
    assert company.as_of == millis(now)
    assert company.until == millis(LAST)
    assert not told_of_its_end(company)


def test_a_minute_later_they_are_not_fresh_any_more(data, today):
    today(f"2026-05-{4 + STALE_DAYS:02}T16:31")
    assert told_of_its_end(open_company(data, "now", Config()))


@pytest.mark.parametrize(
    ("as_of", "instant"),
    [
        ("2026-08-01", "2026-08-01T23:59:59.999"),
        ("2026-08-01T10:00:00Z", "2026-08-01T10:00"),
        ("2026-08-01T10:00:00+02:00", "2026-08-01T08:00"),
        ("2026-05-04", "2026-05-04T23:59:59.999"),
        ("2030-01-01", "2030-01-01T23:59:59.999"),
    ],
)
def test_an_explicit_date_is_taken_as_it_is(data, today, as_of, instant):
    today("2026-08-14T12:00")
    company = open_company(data, as_of, Config())
    assert company.as_of == millis(instant)
    assert company.until == millis(LAST)
    assert not told_of_its_end(company)


def test_what_is_later_than_the_date_is_not_there(data):
    company = open_company(data, "2026-05-02T12:00:00Z", Config())
    assert list(company.histories.deals["opportunity_id"]) == ["D1", "D2"]
    assert list(company.histories.episodes.won) == [-1, 0]
    assert company.until == millis("2026-05-02T10:00")


def test_a_date_before_every_deal_is_refused_with_how_far_the_data_reach(data):
    with pytest.raises(DataRefused, match="no deal had been created by 2026-01-01") as refused:
        open_company(data, "2026-01-01", Config())
    assert "the data end on 2026-05-04" in refused.value.expected
    assert refused.value.where == str(data)


def test_no_date_is_wrong_use(data):
    with pytest.raises(WrongUse):
        open_company(data, "NOW", Config())


def test_what_reading_noted_is_handed_on(data):
    company = open_company(data, "2026-08-01", Config())
    assert any("stages were inferred" in note for note in company.notes)
    assert company.shape == "native"
    assert company.report.balance == (3, 3, 0)
