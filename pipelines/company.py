"""Opening a company's data as of a date: what every command begins with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from crm.clock import DAY, end_of_day, parse_as_of, utc_day
from crm.errors import DataRefused
from crm.history import data_through, known_by
from crm.quality import QualityReport
from crm.sources.files import read_folder
from features.histories import Histories
from pipelines.config import Config

STALE_DAYS = 7


@dataclass(frozen=True)
class Company:
    """A company's tables as known at a date.

    :param as_of: the date, milliseconds; :param until: up to where the data tell anything, at most `as_of`.
    :param notes: what the user should know about the date and the data.
    """

    histories: Histories
    report: QualityReport
    shape: str
    as_of: int
    until: int
    notes: tuple[str, ...]


def open_company(data: Path, as_of: str, config: Config) -> Company:
    """Read a folder and forget everything later than `as_of` ("now", a date, an instant).

    Data that end more than a week before now are looked at as of their own last day, and that is said.
    """
    given = None if as_of == "now" else parse_as_of(as_of, config.zone)
    reading = read_folder(data, config.source)
    now = int(time.time() * 1000)
    last = data_through(reading.tables, now)
    notes = list(reading.report.notes)
    instant = now if given is None else given
    if given is None and last and now - last > STALE_DAYS * DAY:
        instant = end_of_day(last, config.zone)
        notes.append(f"The data end on {utc_day(last)}; the answers are as of that day. Another date: --as-of DATE.")
    tables = known_by(reading.tables, instant)
    if not len(tables["opportunities"]):
        raise DataRefused(
            f"no deal had been created by {utc_day(instant)}",
            where=str(data),
            expected=f"deals created before the date; the data end on {utc_day(last)}" if last else "",
            remedy="give a later --as-of",
        )
    until = min(instant, data_through(tables, instant))
    return Company(Histories(tables), reading.report, reading.shape, instant, until, tuple(notes))
