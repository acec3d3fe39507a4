"""The pages of a sync upon what was held before: the newest row of a key stands, what is gone is left out.

DuckDB does it, out of core where it must; rows are ordered by their key, so that a mirror is the same whichever
way its rows came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crm.errors import DataRefused
from crm.sources.mirror.pages import PAGE_ROWS, PLACE, Staged
from crm.sources.quoting import literal, name

DELETED_AT = "deleted_at"
MEMORY = "1GB"  # beyond it, DuckDB works on the disk; more makes it no faster


@dataclass(frozen=True)
class Merged:
    """What became of one table: rows it has now, and how many of them are new or changed, and how many are gone."""

    rows: int
    new: int
    changed: int
    gone: int
    same_columns: bool

    @property
    def is_same(self) -> bool:
        """Whether the table is what it was."""
        return self.same_columns and not (self.new or self.changed or self.gone)


def database(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A database that merges tables, one after the other. :param scratch: where it puts what memory does not hold."""
    con = duckdb.connect()
    con.execute(f"SET temp_directory = {literal(str(scratch))}")
    con.execute(f"SET memory_limit = '{MEMORY}'")
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET TimeZone = 'UTC'")
    return con


def merge(con: duckdb.DuckDBPyConnection, pages: Staged, whole: bool, key: str, old: Path | None, into: Path) -> Merged:
    """Write what the table is now.

    :param whole: the pages are all there is; :param old: the table as it was, None where there was none.
    :raises DataRefused: where a row has no key and would come again with every sync.
    """
    if not key:
        return _replaced(con, pages, old, into)
    _rows_of_pages(con, pages, key)
    _rows_before(con, old)
    _refuse_without_key(con, pages, into.stem, key)
    text = f"CAST({name(key)} AS VARCHAR)"
    con.execute(
        f"CREATE OR REPLACE TABLE latest AS SELECT {text} AS key, max({PLACE}) AS place FROM pages "
        f"WHERE {name(key)} IS NOT NULL GROUP BY 1"
    )
    alive = "SELECT place FROM latest LEFT JOIN gone USING (key) WHERE page IS NULL OR place >= (page + 1) * "
    con.execute(
        f"CREATE OR REPLACE TABLE fresh AS SELECT * EXCLUDE ({PLACE}) FROM pages "
        f"WHERE {PLACE} IN ({alive}{PAGE_ROWS}) OR {name(key)} IS NULL"
    )
    kept = "FROM before" + (" WHERE false" if whole else f" WHERE {text} NOT IN ({_touched()})")
    columns = _columns(con, "before") if old else []
    united = f"(SELECT * {kept}) UNION ALL BY NAME (FROM fresh)" if old else "FROM fresh"
    if old and not _count(con, "SELECT count(*) FROM fresh"):
        united = f"SELECT * {kept}"  # a page without rows does not settle what its columns hold
    con.execute(
        f"COPY (SELECT * FROM ({united}) ORDER BY {name(key)}) TO {literal(str(into))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    return _told(con, into, key, columns)


def _replaced(con: duckdb.DuckDBPyConnection, pages: Staged, old: Path | None, into: Path) -> Merged:
    """A table whose rows cannot be told apart is what came; rows that differ count as new, or as gone."""
    came = f"SELECT * EXCLUDE ({PLACE}) FROM {_file(*pages.files)}"
    con.execute(f"COPY (FROM ({came}) ORDER BY ALL) TO {literal(str(into))} (FORMAT parquet, COMPRESSION zstd)")
    con.execute(f"CREATE OR REPLACE VIEW now AS FROM {_file(into)}")
    rows = _count(con, "SELECT count(*) FROM now")
    columns = _columns(con, "now")
    _rows_before(con, old)
    if old is None or set(_columns(con, "before")) != set(columns):
        return Merged(rows, rows, 0, 0, same_columns=False)
    listed = ", ".join(name(column) for column in columns)
    new = _count(con, f"SELECT count(*) FROM (SELECT {listed} FROM now EXCEPT ALL SELECT {listed} FROM before)")
    gone = _count(con, "SELECT count(*) FROM before") - (rows - new)
    return Merged(rows, new, 0, gone, same_columns=True)


def remember_deleted(
    con: duckdb.DuckDBPyConnection,
    old: Path | None,
    remembered: Path | None,
    now: Path,
    key: str,
    at: str,
    into: Path,
) -> int:
    """Write which keys are gone, and since when we know; a key that came back is forgotten. Returns how many."""
    text = f"CAST({name(key)} AS VARCHAR)"
    con.execute(f"CREATE OR REPLACE TABLE alive AS SELECT {text} AS key FROM {_file(now)}")
    parts = []
    if remembered is not None:
        parts.append(f"SELECT key, {DELETED_AT} FROM {_file(remembered)}")
    if old is not None:
        parts.append(f"SELECT DISTINCT {text} AS key, {literal(at)} AS {DELETED_AT} FROM {_file(old)}")
    if not parts:
        return 0
    con.execute(
        f"COPY (SELECT key, min({DELETED_AT}) AS {DELETED_AT} FROM ({' UNION ALL '.join(parts)}) "
        f"WHERE key IS NOT NULL AND key NOT IN (FROM alive WHERE key IS NOT NULL) GROUP BY key ORDER BY key) "
        f"TO {literal(str(into))} (FORMAT parquet, COMPRESSION zstd)"
    )
    rows = pq.read_metadata(into).num_rows
    if not rows:
        into.unlink()
    return rows


def _file(*paths: Path) -> str:
    files = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"


def _rows_of_pages(con: duckdb.DuckDBPyConnection, pages: Staged, key: str) -> None:
    """View `pages`, and table `gone` of the keys that were said to be deleted."""
    con.execute(f"CREATE OR REPLACE VIEW pages AS FROM {_file(*pages.files)}")
    if key not in _columns(con, "pages"):  # pages that tell of deleted rows alone need no columns
        con.execute(f"CREATE OR REPLACE VIEW pages AS SELECT *, NULL AS {name(key)} FROM {_file(*pages.files)}")
    said = pages.deleted
    gone = pa.table({"key": pa.array(said, pa.string()), "page": pa.array(said.values(), pa.int64())})
    con.register("gone", gone)


def _rows_before(con: duckdb.DuckDBPyConnection, old: Path | None) -> None:
    con.execute(
        f"CREATE OR REPLACE VIEW before AS FROM {_file(old)}"
        if old
        else "CREATE OR REPLACE VIEW before AS SELECT 1 AS x WHERE false"
    )


def _touched() -> str:
    return "SELECT key FROM latest UNION SELECT key FROM gone"


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> Sequence[str]:
    return [str(column[0]) for column in con.execute(f"DESCRIBE {relation}").fetchall()]


def _refuse_without_key(con: duckdb.DuckDBPyConnection, pages: Staged, table: str, key: str) -> None:
    if pages.cursor is None:
        return
    found = con.execute(f"SELECT count(*) FROM pages WHERE {name(key)} IS NULL").fetchone()
    if found and found[0]:
        raise DataRefused(
            f"{found[0]} rows have no {key}",
            where=table,
            expected="a key in every row, by which a row is known again",
            remedy="correct the rows at the source",
        )


def _told(con: duckdb.DuckDBPyConnection, into: Path, key: str, columns: Sequence[str]) -> Merged:
    con.execute(f"CREATE OR REPLACE VIEW now AS FROM {_file(into)}")
    text = f"CAST({name(key)} AS VARCHAR)"
    rows = _count(con, "SELECT count(*) FROM now")
    if not columns or key not in columns:
        return Merged(rows, rows, 0, 0, same_columns=False)
    before = _count(con, "SELECT count(*) FROM before")
    gone = _count(con, f"SELECT count(*) FROM before WHERE {text} NOT IN (SELECT {text} FROM now)")
    again = f"FROM fresh WHERE {text} IN (SELECT {text} FROM before)"
    met = _count(con, f"SELECT count(*) {again}")
    same_columns = set(_columns(con, "now")) == set(columns)
    same = 0
    if set(_columns(con, "fresh")) == set(columns):
        listed = ", ".join(name(column) for column in columns)
        same = _count(con, f"SELECT count(*) FROM (SELECT {listed} FROM fresh INTERSECT SELECT {listed} FROM before)")
    return Merged(rows, rows - before + gone, met - same, gone, same_columns)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found = con.execute(query).fetchone()
    return int(found[0]) if found else 0
