"""One batch into a table, in the transaction of whoever asks: only the fields that are given for each record.

The rows go into a table of this session first, each with a number whose bits say which fields are given; from there
into the table, in one statement what is there and in one what is new. All names of the table come from `Names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from serving.sinks.sink import Value, Values

POSTGRESQL, SQLITE = "postgresql", "sqlite"
_BATCH = "dealcast_batch"


@dataclass(frozen=True)
class Names:
    """A table as the live schema has it: a name that is not there is never put into a statement.

    :param columns: its name for each of our fields.
    :param text_ids: whether its ids are text.
    :param makes_rows: whether it is ours: then a deal that is not there gets a row.
    :param drops_rows: whether it has no columns but ours: then a row that says nothing goes.
    """

    table: str
    schema: str | None
    id: str
    columns: Mapping[str, str]
    text_ids: bool
    makes_rows: bool
    drops_rows: bool

    @property
    def key(self) -> sa.ColumnElement[str]:
        """The ids, as text."""
        column: sa.ColumnClause[str] = sa.column(self.id)
        return column if self.text_ids else sa.cast(column, sa.String)

    def among(self, ids: Sequence[str], dialect: str) -> sa.ColumnElement[bool]:
        """Whether a row's id is one of these, however many they are."""
        if dialect == POSTGRESQL:
            return self.key == sa.any_(sa.literal(list(ids), ARRAY(sa.Text)))
        listed = sa.func.json_each(sa.func.json(sa.literal(list(ids), sa.JSON))).table_valued("value")
        return self.key.in_(sa.select(listed.c.value))


def write_batch(connection: sa.Connection, names: Names, rows: Mapping[str, Values]) -> frozenset[str]:
    """Write the fields given for each record; gives back which records there are now."""
    quote = connection.dialect.identifier_preparer.quote
    table = ".".join(quote(part) for part in (names.schema, names.table) if part)
    given = [field for field in names.columns if any(field in values for values in rows.values())]
    columns = [quote(names.columns[field]) for field in given]
    key = quote(names.id) if names.text_ids else f"CAST({quote(names.id)} AS VARCHAR)"
    same = f"{key} = {_BATCH}.batch_id"
    batch = ((one, _bits(given, held), *(held.get(field) for field in given)) for one, held in rows.items())
    _load(connection, table, columns, batch)
    sets = (f"{c} = CASE WHEN ({_BATCH}.given & {1 << i}) <> 0 THEN v{i} ELSE {c} END" for i, c in enumerate(columns))
    _run(connection, f"UPDATE {table} SET {', '.join(sets)} FROM {_BATCH} WHERE {same}")
    if names.makes_rows:
        values = ", ".join(f"v{i}" for i in range(len(columns)))
        newer = ", ".join(f"{c} = excluded.{c}" for c in columns)
        _run(
            connection,
            f"INSERT INTO {table} ({', '.join((quote(names.id), *columns))}) SELECT batch_id, {values} FROM {_BATCH} "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"ON CONFLICT ({quote(names.id)}) DO UPDATE SET {newer}",
        )
    there = frozenset(str(row[0]) for row in _run(connection, f"SELECT {key} FROM {table}, {_BATCH} WHERE {same}"))
    if names.drops_rows:
        empty = " AND ".join(f"{quote(column)} IS NULL" for column in names.columns.values())
        _run(connection, f"DELETE FROM {table} WHERE {key} IN (SELECT batch_id FROM {_BATCH}) AND {empty}")
    _run(connection, f"DROP TABLE {_BATCH}")
    return there


def _bits(fields: Sequence[str], values: Values) -> int:
    return sum(1 << place for place, field in enumerate(fields) if field in values)


def _load(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[Value, ...]]) -> None:
    """The batch as a table of this session, its values of the types that the table's columns have."""
    if connection.dialect.name == SQLITE:  # where a table of the session outlives a rollback
        _run(connection, f"DROP TABLE IF EXISTS temp.{_BATCH}")
    typed = ", ".join(f"{column} AS v{place}" for place, column in enumerate(columns))
    _run(connection, f"CREATE TEMPORARY TABLE {_BATCH} AS SELECT {typed} FROM {table} LIMIT 0")
    _run(connection, f"ALTER TABLE {_BATCH} ADD COLUMN batch_id VARCHAR")
    _run(connection, f"ALTER TABLE {_BATCH} ADD COLUMN given BIGINT")
    names = ["batch_id", "given", *(f"v{place}" for place in range(len(columns)))]
    if connection.dialect.name == POSTGRESQL:
        cursor = cast(psycopg.Cursor[Any], connection.connection.cursor())
        with cursor, cursor.copy(f"COPY {_BATCH} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        # Without them PostgreSQL takes a handful of rows for granted, and goes through the batch for each.
        _run(connection, f"CREATE UNIQUE INDEX ON {_BATCH} (batch_id)")
        _run(connection, f"ANALYZE {_BATCH}")
    else:
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {_BATCH} ({', '.join(names)}) VALUES ({marks})", list(rows))


def _run(connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    return connection.exec_driver_sql(statement)
