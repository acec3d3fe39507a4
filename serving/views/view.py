"""What a view is: its columns with type, unit and meaning, and the rows that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

RUN = "run_id"


class Kind(Enum):
    """What a column holds: its name for people, its type in the database and in a file, and how it is read."""

    ID = ("id", sa.String(), pa.string(), "Text as it stands: `0012` keeps its zeros.")
    TEXT = ("text", sa.String(), pa.string(), "Text.")
    INSTANT = ("instant", sa.DateTime(), pa.timestamp("us", tz="UTC"), "A date and time, UTC.")
    DAY = ("day", sa.Date(), pa.date32(), "A calendar day, without time or zone.")
    NUMBER = ("number", sa.Float(), pa.float64(), "A number. Missing is not 0.")
    COUNT = ("whole number", sa.Integer(), pa.int64(), "A whole number. Missing is not 0.")
    FLAG = ("yes or no", sa.Boolean(), pa.bool_(), "True, false or missing; SQLite has 1 and 0.")

    def __init__(self, told: str, sql: sa.types.TypeEngine[Any], arrow: pa.DataType, reading: str) -> None:
        self.told, self.sql, self.arrow, self.reading = told, sql, arrow, reading


@dataclass(frozen=True)
class Column:
    """One column of a view.

    :param source: what it holds, of the rows of its view.
    """

    name: str
    kind: Kind
    meaning: str
    source: sa.ColumnElement[Any]
    unit: str = ""


@dataclass(frozen=True)
class View:
    """A view on the store. Its columns are a contract: new ones come at the end, none goes or changes its type.

    :param name: with `bi_` before it, so that it never meets a table.
    :param meaning: what one row is, in a sentence.
    :param key: the columns that identify a row, and by which files are sorted.
    :param rows: the tables that its columns are of.
    :param only: which of the rows; None: all.
    :param dated_by: the instant by which rows are new or old, of a run's rows what the run is as of; None: it shows
        what is newest alone.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: sa.FromClause
    only: sa.ColumnElement[bool] | None = None
    dated_by: str | None = None

    @property
    def query(self) -> sa.Select[Any]:
        """What the view shows."""
        query = sa.select(*(column.source.label(column.name) for column in self.columns)).select_from(self.rows)
        return query if self.only is None else query.where(self.only)

    @cached_property
    def table(self) -> sa.TableClause:
        """The view as other queries read it."""
        return sa.table(self.name, *(sa.column(column.name, column.kind.sql) for column in self.columns))

    @property
    def schema(self) -> pa.Schema:
        """The view's columns in a file."""
        return pa.schema([pa.field(column.name, column.kind.arrow) for column in self.columns])

    @property
    def goes_by_runs(self) -> bool:
        """Whether it is read run by run: it has many rows of each."""
        return len(self.key) > 1 and self.key[0] == RUN


_KINDS = {
    sa.Boolean: Kind.FLAG,
    sa.Integer: Kind.COUNT,
    sa.Float: Kind.NUMBER,
    sa.DateTime: Kind.INSTANT,
    sa.Date: Kind.DAY,
    sa.String: Kind.TEXT,
}


def of(column: sa.ColumnElement[Any], meaning: str, unit: str = "", name: str = "") -> Column:
    """A column of a view that is one of its tables' columns, under its own name unless another is given."""
    own = name or column.key or ""
    kind = next(kind for sql, kind in _KINDS.items() if isinstance(column.type, sql))
    is_id = kind is Kind.TEXT and own.endswith("_id")
    return Column(own, Kind.ID if is_id else kind, meaning, column, unit)
