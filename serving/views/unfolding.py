"""JSON text unfolded by the database's own functions: an array's elements as rows, an object's entries as columns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from serving.views.view import Column, Kind


class _Elements(FunctionElement[Any]):
    """An array within JSON text, named by the path to it."""

    name = "elements"
    inherit_cache = True


class _Entry(FunctionElement[Any]):
    """An entry of JSON text as text or, in SQLite, as what it is; the path to it in SQLite's words and PostgreSQL's."""

    name = "entry"
    inherit_cache = True


def elements(text: sa.ColumnElement[Any], *path: str | sa.ColumnElement[str], alias: str) -> sa.TableValuedAlias:
    """The elements of an array in a column's JSON text: `key` (from 0) and `value`; none where it is absent."""
    named = [sa.literal_column(f"'{part}'") if isinstance(part, str) else part for part in path]
    columns = sa.column("key", sa.Integer()), sa.column("value", sa.JSON())
    return _Elements(text, *named).table_valued(*columns).alias(alias)


def entry(value: sa.ColumnElement[Any], *path: str | int, kind: Kind = Kind.TEXT) -> sa.ColumnElement[Any]:
    """An entry of JSON text, by names in objects and places in arrays; NULL where it is absent."""
    in_sqlite = "$" + "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in path)
    in_postgresql = ",".join(str(part) for part in path)
    found = _Entry(value, sa.literal_column(f"'{in_sqlite}'"), sa.literal_column(f"'{{{in_postgresql}}}'"))
    return sa.type_coerce(found, kind.sql) if kind is Kind.TEXT else sa.cast(found, kind.sql)


def unfolded(value: sa.ColumnElement[Any], name: str, kind: Kind, meaning: str, unit: str = "", at: str = "") -> Column:
    """A column of a view that is an entry of JSON text, `at` where it is called otherwise there."""
    return Column(name, kind, meaning, entry(value, at or name, kind=kind), unit)


@compiles(_Elements, "sqlite")
def _elements_in_sqlite(element: _Elements, compiler: SQLCompiler, **how: Any) -> str:
    text, *path = (compiler.process(clause, **how) for clause in element.clauses)
    to_it = " || '.' || ".join(["'$'", *path])
    return f"json_each({text}, {to_it})"


@compiles(_Elements, "postgresql")
def _elements_in_postgresql(element: _Elements, compiler: SQLCompiler, **how: Any) -> str:
    text, *path = (compiler.process(clause, **how) for clause in element.clauses)
    array = "".join([f"CAST({text} AS JSONB)", *(f" -> {part}" for part in path)])
    numbered = f"jsonb_array_elements({array}) WITH ORDINALITY AS element(value, number)"
    return f"LATERAL (SELECT number - 1 AS key, value FROM {numbered})"


@compiles(_Entry, "sqlite")
def _entry_in_sqlite(element: _Entry, compiler: SQLCompiler, **how: Any) -> str:
    text, path, _ = (compiler.process(clause, **how) for clause in element.clauses)
    return f"json_extract({text}, {path})"


@compiles(_Entry, "postgresql")
def _entry_in_postgresql(element: _Entry, compiler: SQLCompiler, **how: Any) -> str:
    value, _, path = element.clauses
    text, to_it = compiler.process(value, **how), compiler.process(path, **how)
    # Of text, one entry is found faster without JSONB, which takes all of it apart.
    return f"{text} #>> {to_it}" if isinstance(value.type, sa.JSON) else f"CAST({text} AS JSON) #>> {to_it}"
