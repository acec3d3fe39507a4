"""The sink "sql": a table of our own, or our columns of a table that is there, and tasks in a table of their own.

On PostgreSQL or SQLite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

import psycopg
import sqlalchemy as sa

from crm.address import without_secrets
from crm.errors import DealcastError, WrongUse
from serving.sinks import tasks
from serving.sinks.kinds import SinkKind
from serving.sinks.sink import Fate, Kind, Outcome, OwnField, Value, Values
from serving.sinks.sql_writing import POSTGRESQL, SQLITE, Names, write_batch
from serving.writeback.fields import FIELDS

OWN_TABLE = "dealcast_scores"
PASSWORD = "SINK_{NAME}_PASSWORD"
_TYPES: Mapping[Kind, str] = {
    Kind.NUMBER: "INTEGER",
    Kind.PERCENT: "NUMERIC(6, 4)",
    Kind.MONEY: "NUMERIC(18, 2)",
    Kind.DATE: "DATE",
    Kind.INSTANT: "TIMESTAMP WITH TIME ZONE",
    Kind.TEXT: "VARCHAR(255)",
    Kind.LONG_TEXT: "TEXT",
}
_LOST = (sa.exc.OperationalError, sa.exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_REFUSED = (sa.exc.DBAPIError, psycopg.Error)
_IN_SQLITE: Mapping[Kind, str] = {Kind.DATE: "TEXT", Kind.INSTANT: "TEXT"}


@dataclass(frozen=True)
class SqlSettings:
    """What [sinks.NAME] says of a table.

    :param url: SQLAlchemy's URL of a PostgreSQL or SQLite database, without a password.
    :param table: the table's name, with `schema` where it is not the database's usual one.
    :param existing: whether the table is somebody else's, in which only our columns are written and no row is made.
    :param id: the column that holds the deals' ids; each stands there once.
    :param prefix: what our columns' names begin with.
    :param batch: how many records one transaction writes.
    :param tasks_table: the table of tasks, ours alone, in the same schema.
    """

    url: str
    table: str = OWN_TABLE
    schema: str | None = None
    existing: bool = False
    id: str = "opportunity_id"
    prefix: str | None = None
    batch: int = 10_000
    tasks_table: str = "dealcast_tasks"

    def __post_init__(self) -> None:
        url = _parsed(self.url)
        if url.password:
            raise WrongUse(
                "a password stands in a file that people share",
                where="url",
                expected=without_secrets(self.url),
                remedy="take it out, and give it as DEALCAST_SINK_…_PASSWORD (see docs/writeback.md)",
            )
        if url.get_backend_name() not in (POSTGRESQL, SQLITE):
            raise WrongUse(f"cannot write to '{url.get_backend_name()}'", where="url", expected="PostgreSQL or SQLite")


class SqlSink:
    """A table. With one of our own, a record of which we say nothing has no row.

    :param fields: what its columns hold, in answers those of :mod:`serving.writeback.fields`.
    """

    _command, _of_what = "writeback", "the deal"

    def __init__(
        self,
        name: str,
        settings: SqlSettings,
        password: str | None = None,
        fields: Sequence[OwnField] = FIELDS,
    ) -> None:
        self.name, self.fields, self._settings, self._password = name, fields, settings, password
        url = _parsed(settings.url)
        self._engine = sa.create_engine(url if password is None else url.set(password=password), pool_pre_ping=True)

    @property
    def address(self) -> str:
        """The table's URL, without anything secret."""
        place = ".".join(filter(None, (self._settings.schema, self._settings.table)))
        return f"{without_secrets(_parsed(self._settings.url).render_as_string(hide_password=False))}#{place}"

    @property
    def batch(self) -> int:
        """How many records one transaction writes."""
        return self._settings.batch

    def definitions(self) -> str:
        """The statements that create the table, or our columns in it."""
        quote, said = self._engine.dialect.identifier_preparer.quote, self._settings
        place = ".".join(quote(part) for part in (said.schema, said.table) if part)
        own = {**_TYPES, **(_IN_SQLITE if self._engine.dialect.name == SQLITE else {})}
        columns = [(f"{quote(self._column(one.name))} {own[one.kind]}", one.meaning) for one in self.fields]
        if said.existing:
            return "\n".join(f"ALTER TABLE {place} ADD COLUMN {column}; -- {meaning}" for column, meaning in columns)
        lines = [f"    {quote(said.id)} VARCHAR(255) NOT NULL PRIMARY KEY"]
        lines += [f"    {column}" for column, _ in columns]
        meanings = [self._of_what, *(meaning for _, meaning in columns)]
        commas = [*[","] * (len(lines) - 1), ""]
        body = [f"{line}{comma} -- {says}" for line, comma, says in zip(lines, commas, meanings, strict=True)]
        return "\n".join([f"CREATE TABLE {place} (", *body, ");"])

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """What the table holds in our columns; in a table of our own, nothing where there is no row."""
        names = self._names
        columns: list[sa.ColumnElement[object]] = [
            sa.column(column).label(field) for field, column in names.columns.items()
        ]
        query = sa.select(names.key.label("the_id"), *columns).select_from(sa.table(names.table, schema=names.schema))
        nothing: Values = {field.name: None for field in self.fields}
        found: dict[str, Values] = {} if self._settings.existing else dict.fromkeys(ids, nothing)
        seen: set[str] = set()
        with self._answering(), self._engine.connect() as connection:
            for row in connection.execute(query.where(names.among(ids, self._engine.dialect.name))).mappings():
                one = row["the_id"]
                if one in seen:
                    raise self._not_unique(one)
                seen.add(one)
                found[one] = {name: _plain(row[name]) for name in names.columns}
        return found

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Write a batch in one transaction; what the database refuses is found by halves, and the rest is written."""
        try:
            with self._engine.begin() as connection:
                there = write_batch(connection, self._names, rows)
        except _REFUSED as error:
            said = _said(error)
            if isinstance(error, _LOST):
                return [Outcome(one, Fate.UNCLEAR, said) for one in rows]
            if len(rows) == 1:
                return [Outcome(one, Fate.FAILED, said) for one in rows]
            ids = sorted(rows)
            halves = (ids[: len(ids) // 2], ids[len(ids) // 2 :])
            return [outcome for half in halves for outcome in self.write({one: rows[one] for one in half})]
        gone = Fate.FAILED, "there is no such row any more"
        return [Outcome(one, Fate.WRITTEN) if one in there else Outcome(one, *gone) for one in rows]

    def tasks(self) -> SqlTasks:
        """The table of tasks."""
        table = replace(self._settings, table=self._settings.tasks_table, existing=False, id=tasks.KEY, prefix=None)
        return SqlTasks(self.name, table, self._password, tasks.FIELDS)

    @cached_property
    def _names(self) -> Names:
        said = self._settings
        with self._answering():
            inspector = sa.inspect(self._engine)
            if not inspector.has_table(said.table, schema=said.schema):
                raise self._lacking(f"there is no table '{said.table}'")
            there = {column["name"]: column["type"] for column in inspector.get_columns(said.table, schema=said.schema)}
        wanted = {field.name: self._column(field.name) for field in self.fields}
        missing = [column for column in (said.id, *wanted.values()) if column not in there]
        if missing:
            raise self._lacking(f"the table has no column {', '.join(missing)}")
        only_ours = not set(there) - {said.id, *wanted.values()}
        is_text = isinstance(there[said.id], sa.String)
        return Names(
            said.table, said.schema, said.id, wanted, is_text, not said.existing, only_ours and not said.existing
        )

    def _column(self, field: str) -> str:
        prefix = self._settings.prefix
        return f"{('dealcast_' if self._settings.existing else '') if prefix is None else prefix}{field}"

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except _REFUSED as error:
            raise DealcastError(
                f"the database cannot be asked: {_said(error)}",
                where=self.address,
                remedy="see that it is there, that its user may read and write the table, and has given a password",
            ) from error

    def _lacking(self, found: str) -> DealcastError:
        remedy = f"have created there what `dealcast {self._command} --sink {self.name} --fields` prints"
        return DealcastError(found, where=self.address, remedy=remedy)

    def _not_unique(self, one: str) -> DealcastError:
        found = f"'{one}' stands in the column '{self._settings.id}' more than once"
        return DealcastError(found, where=self.address, expected="a row a deal", remedy="name another column: id = …")


class SqlTasks(SqlSink):
    """A table of tasks; of deals it knows nothing."""

    _command, _of_what = "tasks", "what tells the task apart"

    def deals(self, ids: Sequence[str]) -> Mapping[str, tasks.DealNow]:
        """All of them, for all that is known here."""
        return dict.fromkeys(ids, tasks.NOT_KNOWN)


def _plain(value: object) -> Value:
    """What a column holds, as a sink hands it out."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _said(error: Exception) -> str:
    """What the database said, without the statement."""
    return str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).partition("\n")[0]


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise WrongUse(
            "that is no database's address", where="url", expected="postgresql+psycopg://host/name"
        ) from error


def _opened(name: str, settings: SqlSettings, secrets: Mapping[str, str]) -> SqlSink:
    return SqlSink(name, settings, secrets.get(PASSWORD))


KIND = SinkKind(SqlSettings, _opened, (PASSWORD,))
