"""Instants as whole milliseconds, rounded so that nothing is ever known too early.

Events round up and as-of dates round down: what happened after an instant can never fall before it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from crm.errors import WrongUse

DAY = 86_400_000
"""Milliseconds in a day."""

NEVER = np.iinfo(np.int64).max
"""The instant of what has not happened."""


def event_millis(instants: pd.Series) -> np.ndarray:
    """Milliseconds since 1970 (UTC), rounded up; a missing instant is :data:`NEVER`. Shape (n,), int64."""
    exact = micros(instants)
    return np.where(exact == NEVER, NEVER, -(-exact // 1000))


def micros(instants: pd.Series) -> np.ndarray:
    """Microseconds since 1970 (UTC); a missing instant is :data:`NEVER`. Shape (n,), int64."""
    missing = instants.isna().to_numpy()
    return np.where(missing, NEVER, instants.dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64))


def as_of_millis(instant: datetime) -> int:
    """Milliseconds since 1970 (UTC) of an aware instant, rounded down."""
    return int(np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us").astype(np.int64) // 1000)


def instants(millis: np.ndarray) -> pd.Series:
    """The reverse of :func:`event_millis`: UTC instants, missing where NEVER."""
    micros = np.where(millis == NEVER, np.iinfo(np.int64).min, millis * 1000)
    return pd.Series(pd.DatetimeIndex(micros.astype("datetime64[us]")).tz_localize("UTC"))


def utc_text(millis: int) -> str:
    """An instant as ISO 8601 text to the second, UTC."""
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def utc_day(millis: int) -> str:
    """The UTC day in which an instant falls, YYYY-MM-DD."""
    return utc_text(millis)[:10]


def end_of_day(millis: int, zone: str = "UTC") -> int:
    """The last millisecond of the day in which an instant falls, in the given zone."""
    local = datetime.fromtimestamp(millis / 1000, UTC).astimezone(time_zone(zone))
    return _last_millisecond(local.replace(tzinfo=None), zone)


def parse_as_of(text: str, zone: str = "UTC", where: str = "--as-of") -> int:
    """`--as-of`: a date is the end of that day in `zone`; an ISO 8601 instant is taken as it is.

    A time without an offset is read in `zone`. Raises WrongUse for anything else, `where`: the option that says so.
    """
    try:
        return _as_of(text.strip(), zone)
    except (ValueError, OverflowError):  # the last day of the year 9999 has no end that a datetime can hold
        raise WrongUse(
            f"'{text}' is not a date",
            where=where,
            expected="a date such as 2026-08-14, or an instant such as 2026-08-14T18:00:00Z",
        ) from None


def time_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; WrongUse where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "Europe"
        raise WrongUse(
            f"'{name}' is not a known time zone", expected="an IANA name such as UTC or Europe/Berlin"
        ) from None


def _as_of(text: str, zone: str) -> int:
    moment = datetime.fromisoformat(text)
    if len(text) <= len("2026-08-14"):
        return _last_millisecond(moment, zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=time_zone(zone))
    return as_of_millis(moment)


def _last_millisecond(day: datetime, zone: str) -> int:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    following = (midnight + timedelta(days=1)).replace(tzinfo=time_zone(zone))
    return as_of_millis(following) - 1
