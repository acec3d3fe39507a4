"""Work for tests that goes to wherever parts are worked off: it must be found there by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from crm.tables import CrmTables


@dataclass(frozen=True)
class Columns:
    """Work: some columns of a part's deals as they stand there, and how many rows each of its tables has."""

    names: Sequence[str]
    tables: Sequence[str]

    def __call__(self, part: CrmTables, number: int) -> pa.Table:
        """A row a deal."""
        deals = part["opportunities"].sort_values("opportunity_id", ignore_index=True)
        told = {name: pa.array(deals[name], pa.large_string()) for name in self.names}
        rows = {table: pa.array([len(part[table])] * len(deals), pa.int64()) for table in self.tables}
        return pa.table({**told, **rows, "part.number": pa.array([number] * len(deals), pa.int64())})

    @property
    def schema(self) -> pa.Schema:
        """The columns of the answer."""
        told = [(name, pa.large_string()) for name in self.names]
        return pa.schema([*told, *((table, pa.int64()) for table in self.tables), ("part.number", pa.int64())])
