"""One file → one DuckDB table of text, with the rows that are no rows told apart.

Everything is read as text first: "NA" stays a name, "0012" keeps its zeros, and what a value means is
decided by the contract (`crm.sources.conversion`), never guessed from the first thousand rows.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow.parquet as pq

from crm.errors import DataRefused
from crm.sources.inspection import Inspection, inspect, open_bytes, refuse_same_name_twice, text_chunks
from crm.sources.quoting import literal, name
from crm.sources.rules import NUL_OR_HUGE, SHORT_ROW, Rule

LONGEST_ROW = 10_000_000  # bytes
FIRST_CSV_ROW, FIRST_PARQUET_ROW = 2, 1


@dataclass(frozen=True)
class Reject:
    """A row that could not be read as a row."""

    row: int
    value: str
    rule: Rule


@dataclass(frozen=True)
class RawTable:
    """A file as text in DuckDB: table `relation` with `_row` and a text column c0, c1, … for each header.

    `numeric` are the headers whose text was made from typed numbers, so that no locale applies to it.
    `may_hold_nul` is false where no cell can hold a NUL character.
    """

    file: str
    relation: str
    header: tuple[str, ...]
    rejects: tuple[Reject, ...] = ()
    numeric: frozenset[str] = frozenset()
    may_hold_nul: bool = True

    @property
    def lines(self) -> str:
        """The table behind the view `relation`."""
        return f"{self.relation}_lines"


def read_raw(con: duckdb.DuckDBPyConnection, path: Path, file: str, relation: str) -> RawTable:
    """Reads a CSV (also gzip) or Parquet file into table `relation`.

    :raises DataRefused: where the file as a whole cannot be trusted: undecodable bytes, truncation, the same
        header twice, an extra field, a quote that is not closed.
    """
    if path.name.endswith(".parquet"):
        return _read_parquet(con, path, file, relation)
    return _read_csv(con, path, file, relation)


# --- CSV ---------------------------------------------------------------------------------------------


def _read_csv(con: duckdb.DuckDBPyConnection, path: Path, file: str, relation: str) -> RawTable:
    look = inspect(path, file)
    lines = f"{relation}_lines"
    with _as_plain(path, file, look) as plain:
        _load(con, plain, look, lines, file)
    rejects = _rejects(con, file)
    _number_rows(con, relation, lines, rejects)
    if len(look.header) == 1:  # a blank line is no row; with several columns DuckDB skips it by itself
        con.execute(f"DELETE FROM {name(lines)} WHERE c0 IS NULL")
    return RawTable(file, relation, look.header, rejects, may_hold_nul=look.has_nul)


def _load(con: duckdb.DuckDBPyConnection, path: Path, look: Inspection, lines: str, file: str) -> None:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(look.header)))
    for table in ("reject_errors", "reject_scans"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
    try:
        con.execute(
            f"CREATE TABLE {name(lines)} AS FROM read_csv({literal(str(path))}, header = true, "
            f"auto_detect = false, delim = {literal(look.delimiter)}, quote = '\"', escape = '\"', "
            f"columns = {{{columns}}}, store_rejects = true, rejects_limit = 0, max_line_size = {LONGEST_ROW})"
        )
    except duckdb.InvalidInputException as error:
        raise _unsound(file, str(error).splitlines()[0]) from error


@contextmanager
def _as_plain(path: Path, file: str, look: Inspection) -> Iterator[Path]:
    """The file itself, or a copy in UTF-8 whose lines end alike: DuckDB loses rows where they do not."""
    if look.encoding.startswith("utf-8") and not look.mixed_line_ends:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "plain.csv"
        with copy.open("w", encoding="utf-8", newline="") as out:
            if look.mixed_line_ends:
                _copy_rows(path, file, look, out)
            else:
                out.writelines(text_chunks(path, file, look.encoding))
        yield copy


def _copy_rows(path: Path, file: str, look: Inspection, out: TextIO) -> None:
    limit = csv.field_size_limit(sys.maxsize)
    with io.TextIOWrapper(open_bytes(path), encoding=look.encoding, newline="") as lines:
        rows = csv.reader(lines, delimiter=look.delimiter, strict=True)
        try:
            csv.writer(out, delimiter=look.delimiter, lineterminator="\n").writerows(rows)
        except csv.Error as error:
            raise _unsound(f"{file}, line {rows.line_num}", str(error)) from error
        finally:
            csv.field_size_limit(limit)


def _unsound(where: str, why: str) -> DataRefused:
    return DataRefused(
        f"the file's quotes do not add up ({why})",
        where=where,
        expected="every quote closed, and doubled within quotes",
        remedy="export the file again",
    )


def _rejects(con: duckdb.DuckDBPyConnection, file: str) -> tuple[Reject, ...]:
    found = con.execute(
        "SELECT line, min_by(error_type, error_type), any_value(left(csv_line, 200)), "
        "bool_or(contains(csv_line, chr(10))) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    stopping = [r for r in found if r[1] not in ("MISSING COLUMNS", "LINE SIZE OVER MAXIMUM") or _swallows(r)]
    if stopping:
        row, error, text, _ = stopping[0]
        raise _broken_row(file, row, error, text)
    return tuple(
        Reject(row, text, SHORT_ROW if error == "MISSING COLUMNS" else NUL_OR_HUGE) for row, error, text, _ in found
    )


def _swallows(reject: Sequence[object]) -> bool:
    """Whether a row is so long because its quote never closes, so that it took other rows with it."""
    return reject[1] == "LINE SIZE OVER MAXIMUM" and bool(reject[3])


def _broken_row(file: str, row: int, error: str, text: str) -> DataRefused:
    extra = error == "TOO MANY COLUMNS"
    return DataRefused(
        f"{'more fields than the header has' if extra else 'a quote is not closed, or text follows it'}: "
        f"{text.splitlines()[0][:80]!r}",
        where=f"{file}, row {row}",
        expected="as many fields as the header has, with every quote closed",
        remedy="quote cells that hold the delimiter, a quote or a line end, and export the file again",
    )


def _number_rows(con: duckdb.DuckDBPyConnection, relation: str, lines: str, rejects: Sequence[Reject]) -> None:
    """A view of the lines with `_row`, the place in the file: rows that were rejected are counted in."""
    numbered = f"SELECT *, rowid + {FIRST_CSV_ROW} AS _row FROM {name(lines)}"
    if rejects:
        gaps = name(f"{relation}_gaps")
        missing = {reject.row - FIRST_CSV_ROW - i: i + 1 for i, reject in enumerate(rejects)}
        con.execute(
            f"CREATE TABLE {gaps} AS SELECT unnest(?) AS after, unnest(?) AS missing",
            [list(missing), list(missing.values())],
        )
        numbered = (
            f"SELECT l.*, l.rowid + {FIRST_CSV_ROW} + coalesce(g.missing, 0) AS _row "
            f"FROM {name(lines)} l ASOF LEFT JOIN {gaps} g ON l.rowid >= g.after"
        )
    con.execute(f"CREATE VIEW {name(relation)} AS {numbered}")


# --- Parquet -----------------------------------------------------------------------------------------


def _read_parquet(con: duckdb.DuckDBPyConnection, path: Path, file: str, relation: str) -> RawTable:
    lines = f"{relation}_lines"
    # A folder's name such as "day=1" is no column of the file.
    source = f"read_parquet({literal(str(path))}, binary_as_string = true, hive_partitioning = false)"
    try:
        described = con.execute(f"DESCRIBE FROM {source}").fetchall()
        header = tuple(pq.read_schema(path).names)  # DuckDB renames what differs in case alone
        refuse_same_name_twice(header, file)
        texts = [_parquet_text(name(f"c{i}"), str(column[1])) for i, column in enumerate(described)]
        inner = ", ".join(name(f"c{i}") for i in range(len(header)))
        con.execute(f"CREATE TABLE {name(lines)} AS SELECT {', '.join(texts)} FROM {source} AS source({inner})")
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise DataRefused(
            f"the file cannot be read as Parquet: {str(error).splitlines()[0]}",
            where=file,
            expected="a complete Parquet file",
            remedy="copy or export the file again",
        ) from error
    con.execute(f"CREATE VIEW {name(relation)} AS SELECT *, rowid + {FIRST_PARQUET_ROW} AS _row FROM {name(lines)}")
    numeric = frozenset(h for h, column in zip(header, described, strict=True) if _is_number(str(column[1])))
    return RawTable(file, relation, header, numeric=numeric)


def _is_number(kind: str) -> bool:
    return kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")) or kind.endswith("INT") or kind == "INTEGER"


def _parquet_text(column: str, kind: str) -> str:
    """The column as the text that a CSV would hold; whole numbers lose their fraction: ids stay ids."""
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({column}) AND {column} = trunc({column}) AND abs({column}) < 1e15"
        text = f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) "
        return f"{text} ELSE CAST({column} AS VARCHAR) END AS {column}"
    return f"CAST({column} AS VARCHAR) AS {column}"
