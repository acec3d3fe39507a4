"""[digest]: what may be wished, hours in which nobody is written to, days and channels of each kind."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import WrongUse
from serving.digest.letter import Kind
from serving.digest.wishes import WEEK, DigestWishes

BERLIN, YEAR = "Europe/Berlin", datetime(2026, 1, 1, tzinfo=UTC)
clocks = st.times().map(lambda time: f"{time:%H:%M}")


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-11-23T06:59:59", True),
        ("2026-11-23T07:00:00", False),
        ("2026-11-23T18:59:59", False),
        ("2026-11-23T19:00:00", True),
        ("2026-11-23T00:00:00", True),
        # The clock goes back on 25 October 2026 and forward on 29 March: seven is seven.
        ("2026-10-25T06:59:00", True),
        ("2026-10-25T07:00:00", False),
        ("2026-03-29T06:59:00", True),
        ("2026-03-29T07:00:00", False),
    ],
)
def test_hours_over_midnight_are_those_of_the_clock_on_the_wall(moment, quiet):
    assert DigestWishes().is_quiet(at(moment), BERLIN) is quiet


def test_the_zone_decides():
    seven_in_berlin = at("2026-11-23T07:00:00")
    assert not DigestWishes().is_quiet(seven_in_berlin, BERLIN)
    assert DigestWishes().is_quiet(seven_in_berlin, "America/New_York")
    assert DigestWishes().is_quiet(seven_in_berlin, "UTC")


@given(clocks, clocks, st.integers(0, 365 * 86_400).map(lambda second: YEAR + timedelta(seconds=second)))
def test_hours_and_their_opposite_share_the_day(begins, ends, moment):
    there, back = DigestWishes(quiet_from=begins, quiet_until=ends), DigestWishes(quiet_from=ends, quiet_until=begins)
    if begins == ends:
        assert not there.is_quiet(moment, BERLIN), "the same hour twice: never"
    else:
        assert there.is_quiet(moment, BERLIN) != back.is_quiet(moment, BERLIN)


def test_hours_within_a_day():
    lunch = DigestWishes(quiet_from="12:00", quiet_until="13:30")
    told = [lunch.is_quiet(at(f"2026-11-23T{clock}"), BERLIN) for clock in ("11:59", "12:00", "13:29", "13:30")]
    assert told == [False, True, True, False]


def test_days_and_channels():
    wishes = DigestWishes(channel="mail", weekly="chat", days=("tuesday", "sunday"), weekday="friday")
    assert (wishes.channel_of(Kind.MORNING), wishes.channel_of(Kind.WEEKLY)) == ("mail", "chat")
    monday = date(2026, 11, 23)
    week = [monday + timedelta(days=number) for number in range(7)]
    assert [WEEK[day.weekday()] for day in week if wishes.is_day_of(Kind.MORNING, day)] == ["tuesday", "sunday"]
    assert [WEEK[day.weekday()] for day in week if wishes.is_day_of(Kind.WEEKLY, day)] == ["friday"]
    usual = DigestWishes()
    assert [WEEK[day.weekday()] for day in week if usual.is_day_of(Kind.MORNING, day)] == list(WEEK[:5])
    assert (usual.channel_of(Kind.MORNING), usual.channel_of(Kind.WEEKLY)) == (None, None)


def test_links_have_no_slash_too_many():
    assert DigestWishes(pages="https://d.example/").links.deals == "https://d.example/deals"


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"quiet_from": "25:00"}, "[digest] quiet_from"),
        ({"quiet_until": "7"}, "[digest] quiet_until"),
        ({"quiet_until": "07:00:00"}, "[digest] quiet_until"),
        ({"days": ("monday", "Tuesday")}, "[digest] days"),
        ({"weekday": "Mon"}, "[digest] weekday"),
        ({"pages": "dealcast.example.com"}, "[digest] pages"),
        ({"pages": "javascript:alert(1)"}, "[digest] pages"),
        ({"record": "https://crm.example/deals/1"}, "[digest] record"),
        ({"record": "crm.example/{id}"}, "[digest] record"),
    ],
)
def test_what_means_nothing_is_refused_where_it_stands(more, where):
    with pytest.raises(WrongUse) as refused:
        DigestWishes(**more)
    assert refused.value.where == where
    assert refused.value.expected
