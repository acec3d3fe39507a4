"""What the SQL source needs of a database, and what it says when the database does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from crm.errors import DealcastError

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class LiveTable:
    """A table or view as the live schema has it.

    :param schema: None = the connection's own.
    :param key: the one column of its primary key; "" where it has none, or one of several columns.
    :param times: columns of instants and days, whose order the database knows.
    """

    name: str
    schema: str | None
    columns: tuple[str, ...]
    key: str = ""
    times: tuple[str, ...] = ()


class Database(Protocol):
    """A database that is read in one snapshot."""

    @property
    def address(self) -> str:
        """Where it is, without anything secret."""

    def names(self, schema: str | None) -> Sequence[str]:
        """The tables and views of a schema."""

    def schemas(self) -> Sequence[str]:
        """The schemas that there are."""

    def table(self, schema: str | None, name: str) -> LiveTable:
        """What the live schema says of a table."""

    def rows(self, table: LiveTable, cursor: str = "", since: str | None = None) -> Iterator[pa.Table]:
        """A table's rows in batches, those with the cursor's column at or after `since` (or without a value).

        :raises ConnectionLost: where the database went away; another call may find it again.
        :raises DealcastError: where it refuses.
        """

    def leave(self) -> None:
        """Close the connection and end its snapshot; the next call makes a new one."""


class ConnectionLost(DealcastError):
    """The database went away, or does not take connections for now."""


def lost(address: str, why: str) -> ConnectionLost:
    """What is said when the database went away."""
    return ConnectionLost(
        f"the database does not answer: {why}",
        where=address,
        expected="a database that takes connections",
        remedy="see that it runs and can be reached from here, then run the command again; what was fetched stays",
    )


def refused(address: str, why: str) -> DealcastError:
    """What is said when the database refuses."""
    return DealcastError(
        f"the database refuses: {why}",
        where=address,
        expected="a user who may read the tables",
        remedy="correct the address or the password (DEALCAST_SQL_PASSWORD), or let the user read the tables",
    )
