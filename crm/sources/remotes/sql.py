"""A database as a source: the tables of a known shape, or those that are named, in one snapshot.

A table is fetched from where the last sync left off only where nothing can be missed by it: it has a key of one
column, a column that says when a row was last written, and one that marks what was deleted. Any other is fetched anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import sqlalchemy as sa
from pyarrow import feather

from crm.address import without_secrets
from crm.errors import DataRefused, WrongUse
from crm.patience import Patience, TryAgain
from crm.sources.finding import tables_to_read
from crm.sources.remote import Page, RemoteTable
from crm.sources.salesforce_cells import folded
from crm.sources.sql.alchemy import AlchemyDatabase
from crm.sources.sql.columns import text_of
from crm.sources.sql.database import ConnectionLost, Database, LiveTable
from crm.sources.sql.duckdb_file import DuckdbFile

WRITTEN = ("fivetransynced", "systemmodstamp")  # when a row was last written, folded, the best first
DELETED = frozenset({"fivetrandeleted", "isdeleted"})
PATIENCE = Patience(budget=15.0, longest=4.0)  # a server that restarts is back within seconds
SHOWN = 12
Answer = TypeVar("Answer")


def connect(url: str, secrets: Callable[[str], str | None], named: Collection[str] = ()) -> SqlSource:
    """The source at a database's address.

    In its query, `schema=NAME` says in which schema the tables are, `tables=A,B` which tables to fetch besides those of
    a known shape. The password may be given as the secret SQL_PASSWORD instead.

    :param named: tables that the configuration names.
    :raises WrongUse: where the address names no database, or none that can be opened.
    """
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise WrongUse(
            "not an address of a database",
            where="--data",
            expected="an SQLAlchemy URL, such as postgresql+psycopg://user@host/database",
        ) from None
    password = secrets("SQL_PASSWORD")
    if password and not address.password:
        address = address.set(password=password)
    schema, listed = (_one_of(address, key) for key in ("schema", "tables"))
    same = address.difference_update_query(["tables"])  # other tables, the same source
    told = without_secrets(same.render_as_string(hide_password=False))
    asked = [*named, *(name.strip() for name in (listed or "").split(",") if name.strip())]
    opened = _opened(address.difference_update_query(["schema", "tables"]), told)
    return SqlSource(opened, schema, tuple(dict.fromkeys(asked)), told)


def _one_of(url: sa.URL, key: str) -> str | None:
    found = url.query.get(key)
    return found if isinstance(found, str) or found is None else ",".join(found)


def _opened(url: sa.URL, told: str) -> Database:
    kind = url.get_backend_name()
    if kind in ("sqlite", "duckdb") and not (url.database and Path(url.database).is_file()):
        raise WrongUse(
            "there is no such file" if url.database else "no file is named",
            where=told,
            expected=f"{kind}:///relative/path or {kind}:////absolute/path",
        )
    return DuckdbFile(Path(str(url.database)), told) if kind == "duckdb" else AlchemyDatabase(url, told)


@dataclass(frozen=True)
class SqlSource:
    """A database's tables.

    :param named: tables that were asked for by name.
    """

    database: Database
    schema: str | None
    named: Sequence[str]
    address: str

    def tables(self) -> Sequence[RemoteTable]:
        """The tables of the known shape, and those that were asked for.

        :raises DataRefused: where there is none of deals, or one that was asked for is not there.
        :raises DealcastError: where the database does not answer.
        """
        names = _again(self.database, lambda: self.database.names(self.schema))
        for name in self.named:
            if name not in names:
                raise self._not_there(name, names)
        wanted = tables_to_read(names, self.named)
        if not wanted:
            raise self._nothing_known(names)
        live = [self._live(name) for name in wanted]
        return [SqlTable(self.database, one, is_last=one is live[-1]) for one in live]

    def _live(self, name: str) -> LiveTable:
        return _again(self.database, lambda: self.database.table(self.schema, name))

    def _not_there(self, name: str, names: Sequence[str]) -> DataRefused:
        near = get_close_matches(name, names, n=1)
        return DataRefused(
            f"there is no table {name!r} (there are {_listed(names)})",
            where=self.address,
            expected="the tables that [tables.…] and ?tables=… name",
            remedy=f"write {near[0]!r}" if near else "name another, or the schema that it is in: ?schema=NAME",
        )

    def _nothing_known(self, names: Sequence[str]) -> DataRefused:
        elsewhere = [] if self.schema else [s for s in self._schemas() if self._is_known_in(s)]
        return DataRefused(
            f"no table of deals among its tables ({_listed(names)})",
            where=self.address,
            expected="opportunities, or the tables of a CRM as Salesforce, Fivetran or dlt name them",
            remedy=f"name the schema that has them: ?schema={elsewhere[0]}"
            if elsewhere
            else "name the schema that has them: ?schema=NAME; or let dealcast init look at tables of other names: "
            "?tables=NAME,NAME",
        )

    def _schemas(self) -> Sequence[str]:
        return _again(self.database, self.database.schemas)

    def _is_known_in(self, schema: str) -> bool:
        return bool(tables_to_read(_again(self.database, lambda: self.database.names(schema)), ()))


@dataclass(frozen=True)
class SqlTable:
    """One table of a database. With the last one's rows the database is left."""

    database: Database
    live: LiveTable
    is_last: bool = False

    @property
    def name(self) -> str:
        return self.live.name

    @property
    def key(self) -> str:
        """The column of its primary key; "" where its rows cannot be told apart by one column."""
        return self.live.key

    @property
    def cursor(self) -> str:
        """The column by which it is fetched from where the last sync left off; "" where it is fetched anew."""
        if not self.key or not any(folded(column) in DELETED for column in self.live.columns):
            return ""
        by_name = {folded(column): column for column in self.live.times}
        return next((by_name[name] for name in WRITTEN if name in by_name), "")

    def pages(self, since: str | None) -> Iterator[Page]:
        """Its rows. A connection that is lost on the way is made again, and the table begun anew.

        :raises ConnectionLost: where the database stays away.
        """
        with tempfile.TemporaryDirectory(prefix="dealcast-sql-") as scratch:
            files = _again(self.database, lambda: self._kept(Path(scratch), since))
            if self.is_last:
                self.database.leave()
            for file in files:
                rows = feather.read_table(file)
                file.unlink()
                yield Page(rows, cursor=self._reach(rows))

    def _kept(self, folder: Path, since: str | None) -> list[Path]:
        """All of the rows on the disk, before the first is handed out: what is half there can be begun anew."""
        files = []
        for number, batch in enumerate(self.database.rows(self.live, self.cursor, since)):
            files.append(folder / f"{number:06d}.arrow")
            feather.write_feather(batch, str(files[-1]), compression="zstd")
        if not files:
            files.append(folder / "000000.arrow")
            nothing = pa.table({column: pa.array([], pa.string()) for column in self.live.columns})
            feather.write_feather(nothing, str(files[0]))
        return files

    def _reach(self, rows: pa.Table) -> str | None:
        """The rows come in the order of the cursor's column: they reach as far as its last value."""
        if not self.cursor or not rows.num_rows:
            return None
        last = rows[self.cursor][-1].as_py()
        return None if last is None else text_of(last)


def _again(database: Database, ask: Callable[[], Answer]) -> Answer:
    """What the database answers, asked again with a new connection if the former is lost."""

    def attempt() -> Answer:
        try:
            return ask()
        except ConnectionLost as error:
            database.leave()
            raise TryAgain(error) from None

    return PATIENCE.call(attempt)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
    return shown or "none"
