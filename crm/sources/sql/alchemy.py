"""Any database that SQLAlchemy reaches, read in one snapshot through a cursor on the server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from crm.errors import WrongUse
from crm.sources.sql.columns import arrow_table
from crm.sources.sql.database import BATCH_ROWS, LiveTable, lost, refused
from crm.sources.sql.postgres import times_as_text

OVERLAP = timedelta(hours=1)  # what was committed late carries an earlier time
REFUSALS = ("authentication", "password", "does not exist", "permission", "not permitted", "Access denied")


class AlchemyDatabase:
    """A database by SQLAlchemy's URL; one connection, one read-only transaction, until it is left."""

    def __init__(self, url: sa.URL, address: str) -> None:
        try:
            self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
            raise WrongUse(
                f"no database can be opened by this address: {str(error).splitlines()[0]}",
                where=address,
                expected="an SQLAlchemy URL, such as postgresql+psycopg://user@host/database",
                remedy="correct it, or install the driver that it names",
            ) from None
        self.address = address
        self._connection: sa.Connection | None = None
        if (self._engine.dialect.name, self._engine.dialect.driver) == ("postgresql", "psycopg"):
            sa.event.listen(self._engine, "connect", times_as_text)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _no_hidden_transactions)
            sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    def names(self, schema: str | None) -> Sequence[str]:
        """The tables and views of a schema."""
        with self._connected() as connection:
            look = sa.inspect(connection)
            found = look.get_table_names(schema) + look.get_view_names(schema)
            if self._engine.dialect.name == "postgresql":
                found += look.get_materialized_view_names(schema)
            return sorted(found)

    def schemas(self) -> Sequence[str]:
        """The schemas that there are."""
        with self._connected() as connection:
            return [str(name) for name in sa.inspect(connection).get_schema_names()]

    def table(self, schema: str | None, name: str) -> LiveTable:
        """What the live schema says of a table."""
        types = self._types(schema, name)
        with self._connected() as connection:
            key = sa.inspect(connection).get_pk_constraint(name, schema)["constrained_columns"]
        times = tuple(column for column, kind in types.items() if isinstance(kind, sa.DateTime | sa.Date))
        ordered = times if self._engine.dialect.name != "sqlite" else ()  # there a time is any text
        return LiveTable(name, schema, tuple(types), key[0] if len(key) == 1 else "", ordered)

    def rows(self, table: LiveTable, cursor: str = "", since: str | None = None) -> Iterator[pa.Table]:
        """A table's rows in batches, in the order of the cursor's column where one is given."""
        types = self._types(table.schema, table.name)
        chosen = {column: types[column] for column in table.columns}
        wanted: Any = sa.select(*(sa.column(_quoted(column)) for column in chosen)).select_from(
            sa.table(_quoted(table.name), schema=_quoted(table.schema) if table.schema else None)
        )
        if cursor:
            at = sa.column(_quoted(cursor), types[cursor])
            wanted = wanted.order_by(at.is_not(None), at)  # what has no time comes first, as it comes every time
            if since is not None:
                wanted = wanted.where(sa.or_(at.is_(None), at >= _from(since)))
        declared = {column: _arrow_type(kind) for column, kind in chosen.items()}
        with self._connected() as connection:
            streaming = connection.execution_options(stream_results=True)
            for part in streaming.execute(wanted).partitions(BATCH_ROWS):
                yield arrow_table(declared, part)

    def leave(self) -> None:
        """Close the connection and end its snapshot."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _types(self, schema: str | None, name: str) -> dict[str, sa.types.TypeEngine[object]]:
        with self._connected() as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # a type that it does not know comes as text
            return {str(column["name"]): column["type"] for column in sa.inspect(connection).get_columns(name, schema)}

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            if self._connection is None:
                self._connection = self._begun()
            yield self._connection
        except sa.exc.DBAPIError as error:
            why = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
            if self._connection is not None:
                self._connection.invalidate()  # what is left of it is not worth a farewell
            self.leave()
            if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not _is_refusal(why):
                raise lost(self.address, why) from None
            raise refused(self.address, why) from None

    def _begun(self) -> sa.Connection:
        connection = self._engine.connect()
        if self._engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
            connection.exec_driver_sql("SET LOCAL DateStyle = 'ISO'")
        else:
            connection.begin()
        return connection


def _quoted(identifier: str) -> quoted_name:
    return quoted_name(identifier, quote=True)


def _from(since: str) -> datetime | date:
    """From when to ask again."""
    if len(since) == len("2024-01-31"):
        return date.fromisoformat(since) - timedelta(days=1)
    return datetime.fromisoformat(since) - OVERLAP


def _is_refusal(why: str) -> bool:
    return any(word in why for word in REFUSALS)


def _no_hidden_transactions(connection: object, _record: object) -> None:
    """SQLite's driver begins a transaction with the first write; ours begins with the first reading."""
    connection.isolation_level = None  # type: ignore[attr-defined]


def _arrow_type(kind: sa.types.TypeEngine[object]) -> pa.DataType | None:
    """The Arrow type that holds a column's values; None where its declaration says too little."""
    match kind:
        case sa.Boolean():
            return pa.bool_()
        case sa.Integer():
            return pa.int64()
        case sa.Float():
            return pa.float64()
        case sa.Numeric(precision=int(digits), scale=int(scale)) if digits <= 38 and 0 <= scale <= digits:
            return pa.decimal128(digits, scale)
        case sa.DateTime():
            return pa.timestamp("us", tz="UTC" if kind.timezone else None)
        case sa.Date():
            return pa.date32()
        case sa.String() if not isinstance(kind, sa.Enum):
            return pa.string()
        case _:
            return None
