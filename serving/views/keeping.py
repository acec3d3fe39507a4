"""The views as a store has them: made where they are missing, replaced where this version's differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crm.errors import DealcastError
from serving.views.catalogue import views
from serving.views.view import View

_DIALECTS: Mapping[str, Callable[[], sa.Dialect]] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


@dataclass(frozen=True)
class _Defined:
    """A view in a database's own words.

    :param mark: what the database keeps with it, by which a view of another version is known.
    """

    name: str
    sql: str
    mark: str
    remarks: tuple[str, ...] = ()


def are_current(connection: sa.Connection) -> bool:
    """Whether every view is there as this version has it."""
    there = _marks(connection)
    return all(there.get(one.name) == one.mark for one in definitions(connection.dialect.name))


def bring_up_to_date(connection: sa.Connection, address: str) -> None:
    """Make the views that are missing or differ; grants on one that has to be made anew are given again.

    :raises DealcastError: where the database does not let them be made; they are as before then.
    """
    there = _marks(connection)
    put = _put_in_sqlite if connection.dialect.name == "sqlite" else _put_in_postgresql
    for view in definitions(connection.dialect.name):
        if there.get(view.name) != view.mark:
            try:
                put(connection, view, view.name in there)
            except sa.exc.DatabaseError as error:
                raise DealcastError(
                    f"the view {view.name} cannot be brought up to date: {str(error.orig).partition(chr(10))[0]}",
                    where=address,
                    expected="that the store's user may make views, and that nothing else bears the name",
                    remedy="grant it the right to; take away what was built on an earlier form of the view",
                ) from error


@cache
def definitions(dialect: str) -> tuple[_Defined, ...]:
    """Every view in the words of a kind of database ("sqlite", "postgresql")."""
    return tuple(_defined(view, dialect) for view in views())


def _defined(view: View, dialect: str) -> _Defined:
    query = view.query.compile(dialect=_DIALECTS[dialect](), compile_kwargs={"literal_binds": True})
    sql = f"CREATE VIEW {view.name} AS {query}"
    if dialect == "sqlite":
        return _Defined(view.name, sql, sql)  # SQLite keeps a view's text as it was given
    remarks = tuple(_remark(f"COLUMN {view.name}.{column.name}", column.meaning) for column in view.columns)
    told = sha256("\n".join((sql, view.meaning, *remarks)).encode()).hexdigest()[:12]
    mark = f"{view.meaning} (definition {told})"
    return _Defined(view.name, sql, mark, (_remark(f"VIEW {view.name}", mark), *remarks))


def _remark(what: str, text: str) -> str:
    quoted = text.replace("'", "''").replace("%", "%%")
    return f"COMMENT ON {what} IS '{quoted}'"


def _marks(connection: sa.Connection) -> dict[str, str]:
    """What is kept with each view that the database has under our names."""
    names = [one.name for one in definitions(connection.dialect.name)]
    if connection.dialect.name == "sqlite":
        found = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name IN :names")
    else:
        found = sa.text(
            "SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'v' AND n.nspname = current_schema() AND c.relname IN :names"
        )
    rows = connection.execute(found.bindparams(sa.bindparam("names", expanding=True)), {"names": names})
    return {str(row[0]): str(row[1]) for row in rows}


def _put_in_sqlite(connection: sa.Connection, view: _Defined, there: bool) -> None:
    _run(connection, ([f"DROP VIEW {view.name}"] if there else []) + [view.sql])


def _put_in_postgresql(connection: sa.Connection, view: _Defined, there: bool) -> None:
    try:
        with connection.begin_nested():
            _run(connection, [view.sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1), *view.remarks])
    except sa.exc.ProgrammingError:
        if not there:
            raise
        # Other columns than it had: it cannot be replaced, and who may read it would be forgotten with it.
        readers = connection.execute(_READERS, {"name": view.name}).scalars().all()
        grants = [f"GRANT SELECT ON {view.name} TO {_role(connection, one)}" for one in readers]
        _run(connection, [f"DROP VIEW {view.name}", view.sql, *view.remarks, *grants])


_READERS = sa.text(
    "SELECT grantee FROM information_schema.role_table_grants WHERE table_schema = current_schema() "
    "AND table_name = :name AND privilege_type = 'SELECT' AND grantee <> current_user ORDER BY grantee"
)


def _role(connection: sa.Connection, name: str) -> str:
    return name if name == "PUBLIC" else connection.dialect.identifier_preparer.quote_identifier(name)


def _run(connection: sa.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
