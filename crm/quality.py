"""What reading found: the quality report, and whether there is enough to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from crm.clock import as_of_millis
from crm.errors import DealcastError
from crm.history import data_through
from crm.tables import CrmTables

SET_ASIDE_COLUMNS = ("file", "row", "column", "value", "rule", "remedy")
ENOUGH_CLOSED, ENOUGH_OF_EACH = 200, 40  # the published minimum


@dataclass(frozen=True)
class FileReport:
    """One file: its rows in, accepted and set aside by rule; what was normalised, and how often.

    An exact duplicate counts as set aside. A row can be accepted without standing in a table of its own:
    a mark of creation in a field history, or a history row that a better witness tells as well; those are
    counted in `normalised`.
    """

    file: str
    table: str
    rows_in: int
    accepted: int
    set_aside: Mapping[str, int] = field(default_factory=dict)
    normalised: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class QualityReport:
    """What reading a folder found.

    `set_aside` has a row for each row set aside: file, row (a line number as a spreadsheet shows it, the
    header being row 1; blank lines are not counted; Parquet rows count from 1), column, value, rule, remedy.
    `notes` are what was assumed and should be confirmed.
    """

    files: tuple[FileReport, ...]
    set_aside: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def balance(self) -> tuple[int, int, int]:
        """Rows in, accepted, set aside, over all files.

        :raises DealcastError: where a file's rows in are not its rows accepted and set aside: a defect.
        """
        for report in self.files:
            aside = sum(report.set_aside.values())
            if report.rows_in != report.accepted + aside:
                raise DealcastError(
                    f"{report.rows_in} rows in, but {report.accepted} accepted and {aside} set aside",
                    where=report.file,
                    expected="rows in = accepted + set aside",
                    remedy="report this as a defect of Dealcast; nothing was written",
                )
        rows_in = sum(report.rows_in for report in self.files)
        accepted = sum(report.accepted for report in self.files)
        return rows_in, accepted, rows_in - accepted


@dataclass(frozen=True)
class Readiness:
    """Whether the tables hold enough to learn from, and what is missing."""

    deals: int
    open: int
    won: int
    lost: int
    first_created: pd.Timestamp | None
    last_event: pd.Timestamp | None
    enough: bool
    messages: tuple[str, ...]


def readiness(tables: CrmTables) -> Readiness:
    """Counts deals by outcome and holds them against the published minimum.

    `last_event` is how far the data reach: the newest creation, change, closing or recorded activity that
    is not in the future.
    """
    deals = tables["opportunities"]
    won = int((deals["is_won"].fillna(False)).sum())
    closed = int(deals["closed_at"].notna().sum())
    lost = closed - int((deals["is_won"].fillna(False) & deals["closed_at"].notna()).sum())
    messages = _shortcomings(tables, closed, won, lost)
    return Readiness(
        deals=len(deals),
        open=len(deals) - closed,
        won=won,
        lost=lost,
        first_created=_timestamp(deals["created_at"].min()),
        last_event=last_event(tables),
        enough=closed >= ENOUGH_CLOSED and min(won, lost) >= ENOUGH_OF_EACH,
        messages=messages,
    )


def last_event(tables: CrmTables) -> pd.Timestamp | None:
    """The newest thing that the tables hold and that is not in the future; None where they are empty."""
    last = data_through(tables, as_of_millis(datetime.now(UTC)))
    return pd.Timestamp(last, unit="ms", tz="UTC") if last else None


def _timestamp(value: object) -> pd.Timestamp | None:
    return value if isinstance(value, pd.Timestamp) and not pd.isna(value) else None


def _shortcomings(tables: CrmTables, closed: int, won: int, lost: int) -> tuple[str, ...]:
    messages = []
    if closed < ENOUGH_CLOSED:
        messages.append(
            f"{closed} closed deals, {ENOUGH_CLOSED} are needed to train: "
            "answers are shrunken segment rates with wide ranges until then"
        )
    for outcome, count in (("won", won), ("lost", lost)):
        if count < ENOUGH_OF_EACH:
            messages.append(f"{count} {outcome} deals, {ENOUGH_OF_EACH} of each outcome are needed to train")
    if not tables.has("changes"):
        messages.append("no history of changes: features of stage moves, pushes and amounts are left out")
    if not tables.has("activities"):
        messages.append("no activities: features of engagement are left out")
    return tuple(messages)
