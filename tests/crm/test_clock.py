"""Instants: rounded so that nothing is known too early, and dates that end where people say they end."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY, NEVER, as_of_millis, end_of_day, event_millis, instants, parse_as_of, utc_day, utc_text
from crm.errors import WrongUse
from tests.histories import millis

moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
a_zone = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"])


def column(*moments: datetime | None) -> pd.Series:
    return pd.Series(moments, dtype="datetime64[us, UTC]")


@given(event=moments, as_of=moments)
def test_what_happened_after_an_instant_is_never_known_at_it(event: datetime, as_of: datetime) -> None:
    known = event_millis(column(event))[0] <= as_of_millis(as_of)
    assert not (known and event > as_of)


@given(event=moments)
def test_an_event_counts_at_most_a_millisecond_late_and_never_early(event: datetime) -> None:
    at = event_millis(column(event))[0]
    exact = (event - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    assert exact - 1e-3 <= at < exact + 1 + 1e-3
    assert as_of_millis(event) <= at <= as_of_millis(event) + 1


def test_a_fraction_of_a_millisecond_rounds_events_up_and_dates_down() -> None:
    moment = datetime(2026, 8, 14, 18, 0, 0, 1, tzinfo=UTC)
    assert event_millis(column(moment))[0] == as_of_millis(moment) + 1


def test_before_1970_events_still_round_up() -> None:
    assert event_millis(column(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)))[0] == 0


def test_a_missing_instant_is_never_and_comes_back_missing() -> None:
    at = event_millis(column(None, datetime(2026, 1, 1, tzinfo=UTC)))
    assert at[0] == NEVER
    back = instants(at)
    assert back.isna().tolist() == [True, False]
    assert str(back.dtype) == "datetime64[us, UTC]"


@given(event=moments)
def test_whole_milliseconds_come_back_as_they_were(event: datetime) -> None:
    whole = column(event.replace(microsecond=event.microsecond // 1000 * 1000))
    pd.testing.assert_series_equal(instants(event_millis(whole)), whole)


def test_no_instants_are_no_milliseconds() -> None:
    assert event_millis(column()).tolist() == []


@pytest.mark.parametrize(
    ("text", "zone", "last_instant"),
    [
        ("2026-08-14", "UTC", "2026-08-14T23:59:59.999Z"),
        (" 2026-08-14 ", "UTC", "2026-08-14T23:59:59.999Z"),
        ("20260814", "UTC", "2026-08-14T23:59:59.999Z"),
        ("2026-08-14", "Europe/Berlin", "2026-08-14T21:59:59.999Z"),
        ("2026-01-14", "Europe/Berlin", "2026-01-14T22:59:59.999Z"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T21:59:59.999Z"),  # a day of 23 hours
        ("2026-03-28", "Europe/Berlin", "2026-03-28T22:59:59.999Z"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25T22:59:59.999Z"),  # a day of 25 hours
        ("2026-10-24", "Europe/Berlin", "2026-10-24T21:59:59.999Z"),
        ("2026-12-31", "Pacific/Kiritimati", "2026-12-31T09:59:59.999Z"),
        ("2028-02-29", "UTC", "2028-02-29T23:59:59.999Z"),
    ],
)
def test_a_date_means_the_end_of_that_day_where_the_company_is(text: str, zone: str, last_instant: str) -> None:
    assert parse_as_of(text, zone) == millis(last_instant)


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-08-14T18:00:00Z", "Europe/Berlin", "2026-08-14T18:00:00Z"),
        ("2026-08-14T18:00:00+02:00", "UTC", "2026-08-14T16:00:00Z"),
        ("2026-08-14T18:00:00", "UTC", "2026-08-14T18:00:00Z"),
        ("2026-08-14T18:00", "Europe/Berlin", "2026-08-14T16:00:00Z"),
        ("2026-08-14 18:00", "Europe/Berlin", "2026-08-14T16:00:00Z"),
        ("2026-08-14T00:00:00Z", "UTC", "2026-08-14T00:00:00Z"),
        ("2026-08-14T18:00:00.0019Z", "UTC", "2026-08-14T18:00:00.001Z"),
    ],
)
def test_an_instant_is_taken_as_it_is(text: str, zone: str, instant: str) -> None:
    assert parse_as_of(text, zone) == millis(instant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "tomorrow",
        "14.08.2026",
        "08/14/2026",
        "2026-13-01",
        "2026-02-30",
        "2026-8-1",
        "1786",
        "2026-08-14T25:00",
        "9999-12-31",
        "now",
        "-2026-08-14",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_anything_else_is_wrong_use_that_shows_what_would_be_right(text: str, zone: str) -> None:
    with pytest.raises(WrongUse) as error:
        parse_as_of(text, zone)
    assert f"'{text}'" in error.value.found
    assert error.value.where == "--as-of"
    assert "2026-08-14" in error.value.expected


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../etc/passwd", "Berlin"])
@pytest.mark.parametrize("text", ["2026-08-14", "2026-08-14T18:00:00"])
def test_an_unknown_zone_is_wrong_use(zone: str, text: str) -> None:
    with pytest.raises(WrongUse, match="not a known time zone"):
        parse_as_of(text, zone)


@given(moment=moments, zone=a_zone)
def test_the_end_of_a_day_is_the_last_millisecond_of_the_same_day(moment: datetime, zone: str) -> None:
    at = as_of_millis(moment)
    end = end_of_day(at, zone)

    def day(at: int) -> str:
        return pd.Timestamp(at, unit="ms", tz="UTC").tz_convert(zone).strftime("%Y-%m-%d")

    assert at <= end <= at + DAY + 2 * DAY // 24
    assert day(end) == day(at) != day(end + 1)


@given(moment=moments, zone=a_zone)
def test_a_date_and_any_instant_of_that_day_mean_the_same_end(moment: datetime, zone: str) -> None:
    at = as_of_millis(moment)
    local = pd.Timestamp(at, unit="ms", tz="UTC").tz_convert(zone).strftime("%Y-%m-%d")
    assert parse_as_of(local, zone) == end_of_day(at, zone)


def test_a_zone_of_an_instant_makes_no_difference() -> None:
    berlin = datetime(2026, 8, 14, 20, tzinfo=timezone(timedelta(hours=2)))
    assert as_of_millis(berlin) == as_of_millis(datetime(2026, 8, 14, 18, tzinfo=UTC))


def test_an_instant_is_written_in_utc() -> None:
    at = millis("2026-08-14T23:30:00-02:00")
    assert utc_text(at).startswith("2026-08-15T01:30")
    assert utc_day(at) == "2026-08-15"


def test_never_is_later_than_everything() -> None:
    assert np.iinfo(np.int64).max == NEVER > millis("9999-12-31")
