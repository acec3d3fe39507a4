"""A company too large for memory: its tables in parts on disk, each with whole deals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm.tables import CrmTables, Facts, Kind, Wishes, from_arrow

OF_DEALS = ("opportunities", "changes", "activities", "contact_roles", "leads")
"""Tables whose rows belong to a deal; leads that became none stand in the first part."""

PART = "dealcast_part"
"""The column that says in which part a row stands."""


@dataclass(frozen=True)
class Parts:
    """A company in parts; part after part, the deals stand in the order of their ids.

    :param folder: a folder a table of deals, with Parquet files below `dealcast_part=N`. On disk a company's own
        columns have plain names, for a database takes `Stage` and `stage` for one.
    :param shared: the tables that are no deal's, whole.
    :param columns: the tables of deals that the company has, and what their columns are called, in the files' order.
    :param facts: what the company's tables tell of at all.
    """

    folder: Path
    count: int
    shared: Mapping[str, pd.DataFrame]
    columns: Mapping[str, Sequence[str]]
    facts: Facts
    fixed: frozenset[str]
    own: Mapping[str, Kind]
    wishes: Wishes

    def __len__(self) -> int:
        """How many parts."""
        return self.count

    def __iter__(self) -> Iterator[CrmTables]:
        """The parts one after the other, each with the shared tables."""
        return (self.part(number) for number in range(self.count))

    @property
    def present(self) -> tuple[str, ...]:
        """The tables of deals that the company has."""
        return tuple(self.columns)

    def part(self, number: int) -> CrmTables:
        """One part's deals and all that belongs to them, with the shared tables."""
        return self.with_shared({table: self._frame(table, number) for table in self.present})

    def without_rows(self) -> CrmTables:
        """The company's tables with no row of any deal: what is declared of them, and the shared tables."""
        return self.with_shared({table: self._of_no_deal(table) for table in self.present})

    def with_shared(self, frames: Mapping[str, pd.DataFrame]) -> CrmTables:
        """A part's tables of deals, with the shared tables."""
        return CrmTables({**self.shared, **frames}, self.fixed, self.own, self.facts, self.wishes)

    def _frame(self, table: str, number: int) -> pd.DataFrame:
        files = sorted((self.folder / table / f"{PART}={number}").glob("*.parquet"))
        if not files:  # no deal of this part has a row
            return self._of_no_deal(table)
        return self._named(table, pa.concat_tables([pq.ParquetFile(file).read() for file in files]))

    def _of_no_deal(self, table: str) -> pd.DataFrame:
        return self._named(table, pq.read_schema(next((self.folder / table).glob("*/*.parquet"))).empty_table())

    def _named(self, table: str, rows: pa.Table) -> pd.DataFrame:
        return from_arrow(rows.rename_columns(list(self.columns[table])))


@dataclass(frozen=True)
class OnePart:
    """A company that is in memory as a whole, in the place of one in parts."""

    tables: CrmTables

    def __len__(self) -> int:
        """One."""
        return 1

    def __iter__(self) -> Iterator[CrmTables]:
        """The whole."""
        return iter([self.tables.part_of(self.tables.facts)])

    def without_rows(self) -> CrmTables:
        """The company's tables with no row of any deal."""
        of_deals = [table for table in OF_DEALS if table in self.tables.frames]
        frames = {table: self.tables[table].iloc[:0] for table in of_deals}
        return self.tables.part_of(self.tables.facts).with_frames(**frames)


def of_deals(tables: CrmTables, kept: np.ndarray) -> CrmTables:
    """A part with some of its deals alone.

    :param kept: of each deal whether it stays; shape (deals,), bool.
    """
    with_none = np.append(kept, False)
    frames = {"opportunities": tables["opportunities"][kept].reset_index(drop=True)}
    for table in OF_DEALS[1:]:
        if table in tables.frames:
            frames[table] = tables[table][with_none[tables.deal_of(table)]].reset_index(drop=True)
    return tables.with_frames(**frames).part_of(tables.facts)
