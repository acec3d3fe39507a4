"""The store's database: opened, brought up to this version's tables, written to in whole transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from crm.address import without_secrets
from crm.errors import DealcastError, WrongUse
from serving.store_tables import metadata
from serving.views.keeping import are_current, bring_up_to_date

_MAKING_TABLES = 1_146_372_947
"""PostgreSQL's lock on making the tables: any number that nobody else uses."""


class Database:
    """A database with the store's tables. SQLite, or PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
        except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise WrongUse(
                f"no database can be opened by this address: {first_line(error)}",
                where="[store] url",
                expected="an SQLAlchemy URL, such as sqlite:////srv/dealcast/store.db",
                remedy="correct it, or install the driver that it names",
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _tune_sqlite)
        with self.transaction() as connection:
            if not _is_up_to_date(connection):
                _alone(connection)
                metadata.create_all(connection)
                _add_what_is_missing(connection)
        with self.transaction() as connection:  # of its own: whatever becomes of a view, the tables are as they should
            if not are_current(connection):
                _alone(connection)
                bring_up_to_date(connection, self.address)

    @property
    def address(self) -> str:
        """The database's URL without anything secret, for messages."""
        return without_secrets(self._engine.url.render_as_string(hide_password=False))

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """All or nothing; where the database fails (gone, full, damaged), DealcastError says so."""
        with self.failing_said(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """To read one state of the database, whatever is written meanwhile."""
        with self.failing_said(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    @contextmanager
    def failing_said(self) -> Iterator[None]:
        """Where the database fails while the block runs, DealcastError says so."""
        try:
            yield
        except sa.exc.DatabaseError as error:
            if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError):
                raise
            raise DealcastError(
                f"the store cannot be used: {first_line(error.orig)}",
                where=self.address,
                expected="a database that can be read and written",
                remedy="see that it is there and has room; where the file is damaged, restore it from a backup",
            ) from error


def _is_up_to_date(connection: sa.Connection) -> bool:
    """Whether every table is there with all it has; asked first, as making them has to wait for whoever writes."""
    looked, tables = sa.inspect(connection), list(metadata.tables)
    columns, indexes = looked.get_multi_columns(filter_names=tables), looked.get_multi_indexes(filter_names=tables)
    there = {(table, one["name"]) for found in (columns, indexes) for (_, table), many in found.items() for one in many}
    wanted = {(t.name, one.name) for t in metadata.sorted_tables for one in (*t.columns, *t.indexes)}
    return wanted <= there


def _alone(connection: sa.Connection) -> None:
    """Wait until nobody else makes tables: two at once would both find them missing."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING_TABLES)))


def _add_what_is_missing(connection: sa.Connection) -> None:
    """Give tables that an earlier version has made the columns that have come since, which are empty, and indexes."""
    for table in metadata.sorted_tables:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                quote = connection.dialect.identifier_preparer.quote
                connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}")
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def first_line(error: BaseException | None) -> str:
    """What an error says, without what a library has added below it."""
    return str(error).partition("\n")[0]


def now() -> datetime:
    """The current UTC time, as the store keeps times (without a zone)."""
    return datetime.now(UTC).replace(tzinfo=None)


def naive(moment: datetime) -> datetime:
    """An instant as the store keeps it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as a database takes them."""
    plain = frame.copy()
    for name in plain.columns:
        if isinstance(plain[name].dtype, pd.DatetimeTZDtype):
            plain[name] = plain[name].dt.tz_convert("UTC").dt.tz_localize(None)
        if pd.api.types.is_datetime64_dtype(plain[name]):
            plain[name] = pd.Series(list(plain[name].dt.to_pydatetime()), index=plain.index, dtype=object)
    plain = plain.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _tune_sqlite(connection: Any, record: Any) -> None:
    del record
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
