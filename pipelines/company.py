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
from crm.tables import OPPORTUNITIES, CrmTables
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

    @property
    def complete_until(self) -> int:
        """Up to when nothing is missing: the date itself, unless the data end more than a week before it."""
        return self.as_of if self.as_of - self.until <= STALE_DAYS * DAY else self.until


def open_company(data: Path, as_of: str, config: Config) -> Company:
    """Read a folder and forget everything later than `as_of` ("now", a date, an instant).

    Data that end more than a week before now are looked at as of their own last day, and that is said.
    """
    date_of(as_of, 0, config.zone)  # what is no date is said before anything is read
    reading = read_folder(data, config.source)
    last = data_through(reading.tables, now())
    instant, notes = date_of(as_of, last, config.zone)
    tables = known_by(reading.tables, instant)
    if not len(tables["opportunities"]):
        raise no_deal_yet(data, instant, last)
    until = min(instant, data_through(tables, instant))
    notes = (*reading.report.notes, *notes, *_banned(tables))
    return Company(Histories(tables), reading.report, reading.shape, instant, until, notes)


def _banned(tables: CrmTables) -> tuple[str, ...]:
    """What is said where columns are banned."""
    names = [c if t == OPPORTUNITIES.name else f"{t}.{c}" for t, c in sorted(tables.wishes.banned)]
    return (f"Banned by the configuration: {', '.join(names)}. Nothing is learned from it.",) if names else ()


def now() -> int:
    """This instant, milliseconds."""
    return int(time.time() * 1000)


def date_of(as_of: str, last: int, zone: str) -> tuple[int, tuple[str, ...]]:
    """The instant that `--as-of` means for data that end at `last` (milliseconds), and what to say about it."""
    if as_of != "now":
        return parse_as_of(as_of, zone), ()
    instant = now()
    if last and instant - last > STALE_DAYS * DAY:
        said = f"The data end on {utc_day(last)}; the answers are as of that day. Another date: --as-of DATE."
        return end_of_day(last, zone), (said,)
    return instant, ()


def no_deal_yet(data: Path, instant: int, last: int) -> DataRefused:
    """What is said where no deal had been created by the date."""
    return DataRefused(
        f"no deal had been created by {utc_day(instant)}",
        where=str(data),
        expected=f"deals created before the date; the data end on {utc_day(last)}" if last else "",
        remedy="give a later --as-of",
    )
