"""What a source that is reached over a network or a database gives: tables, page by page, from where one left off.

A source knows nothing of where its rows are kept. It hands out pages; whoever keeps them says afterwards how far
they reach, so that a run that was stopped goes on there. Rows may come twice (a cursor is asked for with overlap);
the key tells which they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    :param rows: under the source's own column names; a row whose key is known already takes the former's place.
    :param deleted: keys of rows that are gone at the source.
    :param cursor: with this page everything up to here has been handed out; None where that cannot be said yet.
    :param whole: this run hands out the whole table from its beginning, although a cursor was given: a row that is
        in none of its pages is gone. All of them say so. Without a cursor that goes without saying.
    """

    rows: pa.Table
    deleted: Sequence[str] = ()
    cursor: str | None = None
    whole: bool = False


class RemoteTable(Protocol):
    """One table of a source."""

    @property
    def name(self) -> str:
        """What the table is called at the source, and by which its file is known: "Opportunity"."""

    @property
    def key(self) -> str:
        """The column that tells its rows apart; "" where none does, and every run hands out the whole table."""

    def pages(self, since: str | None) -> Iterator[Page]:
        """What is new or changed since a cursor (with overlap), all of it where there is none.

        :raises DealcastError: where the source does not answer, or no longer lets us in.
        """


class RemoteSource(Protocol):
    """A CRM or database whose tables can be fetched."""

    @property
    def address(self) -> str:
        """Where it is, without anything secret."""

    def tables(self) -> Sequence[RemoteTable]:
        """The tables that feed a table of the contract, those of the deals first."""
