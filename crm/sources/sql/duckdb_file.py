"""A DuckDB file, read in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from crm.sources.quoting import literal, name
from crm.sources.sql.alchemy import OVERLAP
from crm.sources.sql.database import BATCH_ROWS, LiveTable, lost


class DuckdbFile:
    """A DuckDB database by its file; nothing is written to it."""

    def __init__(self, path: Path, address: str) -> None:
        self.address = address
        self._path = path
        self._connection: duckdb.DuckDBPyConnection | None = None

    def names(self, schema: str | None) -> Sequence[str]:
        """The tables and views of a schema."""
        wanted = literal(schema) if schema else "current_schema()"
        return self._texts(
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() "
            f"AND table_schema = {wanted} ORDER BY 1"
        )

    def schemas(self) -> Sequence[str]:
        """The schemas that there are."""
        query = "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = current_database() ORDER BY 1"
        return self._texts(query)

    def table(self, schema: str | None, name: str) -> LiveTable:
        """What the live schema says of a table."""
        of_table = f"schema_name = {literal(schema or 'main')} AND table_name = {literal(name)}"
        with self._connected() as con:
            columns = con.execute(
                f"SELECT column_name, data_type FROM duckdb_columns() WHERE {of_table} ORDER BY column_index"
            ).fetchall()
            keys = con.execute(
                f"SELECT constraint_column_names FROM duckdb_constraints() WHERE {of_table} "
                "AND constraint_type = 'PRIMARY KEY'"
            ).fetchall()
        key = keys[0][0] if keys else []
        times = tuple(column for column, kind in columns if kind.startswith(("TIMESTAMP", "DATE")))
        return LiveTable(name, schema, tuple(c for c, _ in columns), key[0] if len(key) == 1 else "", times)

    def rows(self, table: LiveTable, cursor: str = "", since: str | None = None) -> Iterator[pa.Table]:
        """A table's rows in batches, in the order of the cursor's column where one is given."""
        query = f"SELECT {', '.join(name(c) for c in table.columns)} FROM "
        query += f"{name(table.schema)}.{name(table.name)}" if table.schema else name(table.name)
        values: list[object] = []
        if cursor and since is not None:
            query += f" WHERE {name(cursor)} IS NULL OR {name(cursor)} >= ?"
            values = [datetime.fromisoformat(since) - OVERLAP]
        if cursor:
            query += f" ORDER BY {name(cursor)} NULLS FIRST"
        with self._connected() as con:
            reader: pa.RecordBatchReader = con.sql(query, params=values).to_arrow_reader(BATCH_ROWS)
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def leave(self) -> None:
        """Close the connection and end its snapshot."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _texts(self, query: str) -> list[str]:
        with self._connected() as con:
            return [str(found) for (found,) in con.execute(query).fetchall()]

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            if self._connection is None:
                self._connection = duckdb.connect(str(self._path), read_only=True)
                self._connection.execute("SET TimeZone = 'UTC'")
                self._connection.execute("BEGIN TRANSACTION")
            yield self._connection
        except duckdb.IOException as error:
            self.leave()
            raise lost(self.address, str(error).splitlines()[0]) from None
