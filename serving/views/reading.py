"""A view's rows, block by block: more than memory holds can be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from serving.store_tables import RUNS
from serving.views.view import RUN, View

AT_ONCE = 5_000
"""Rows that are taken from the database together."""
A_BLOCK = 65_536
"""Rows, at most, of a block."""


def blocks(connection: sa.Connection, view: View, since: datetime | None = None) -> Iterator[pa.Table]:
    """A view's rows in the order of its key.

    :param since: leave out what is dated before it (UTC, without a zone); a view of what is newest is read whole.
    """
    held: list[pa.Table] = []
    rows = 0
    for some in _read(connection, view, since):
        held.append(some)
        rows += len(some)
        if rows + AT_ONCE > A_BLOCK:
            yield pa.concat_tables(held)
            held, rows = [], 0
    if held:
        yield pa.concat_tables(held)


def runs(connection: sa.Connection, since: datetime | None = None) -> list[str]:
    """Every run (as of an instant or later), the first one first."""
    query = sa.select(RUNS.c.run_id).order_by(RUNS.c.as_of, RUNS.c.started_at, RUNS.c.run_id)
    return list(connection.execute(query if since is None else query.where(RUNS.c.as_of >= since)).scalars())


def _read(connection: sa.Connection, view: View, since: datetime | None) -> Iterator[pa.Table]:
    table, begin = view.table, since if view.dated_by else None
    query = sa.select(table).order_by(*(table.c[name] for name in view.key))
    if view.dated_by and begin is not None:
        query = query.where(table.c[view.dated_by] >= begin)
    if not view.goes_by_runs:
        yield from _fetched(connection, query, view.schema)
        return
    # Run by run, each is read in the order of an index, and the database has little to sort at a time.
    for run in runs(connection, begin):
        yield from _fetched(connection, query.where(table.c[RUN] == run), view.schema)


def _fetched(connection: sa.Connection, query: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.Table]:
    with connection.execution_options(yield_per=AT_ONCE).execute(query) as result:
        for rows in result.partitions():
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.table(arrays, schema=schema)
