"""CSV and Parquet files: whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm.errors import WrongUse

# Lines end as RFC 4180 says; with "\n" alone a cell that holds "\r" would not be quoted.
_CSV: Mapping[str, Any] = {"index": False, "date_format": "%Y-%m-%dT%H:%M:%SZ", "lineterminator": "\r\n"}

_FORMULA = tuple("=+-@\t\r\n") + tuple(chr(code) for code in range(32))


def check_target(path: Path, where: str = "--out") -> None:
    """Raise WrongUse where the file's ending is none that can be written; before any work is done."""
    if path.suffix not in (".csv", ".parquet"):
        raise WrongUse(f"cannot tell the format from '{path.name}'", where=where, expected="a .csv or .parquet file")


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet by the file's ending; a crash leaves the old file or the new one."""
    with _whole_or_not(path) as beside:
        if path.suffix == ".csv":
            guarded(frame).to_csv(beside, **_CSV)
        else:
            frame.to_parquet(beside, index=False)


class TableWriter:
    """Writes blocks of rows into one file, one after the other."""

    def __init__(self, path: Path, schema: pa.Schema, ending: str) -> None:
        self._path, self._rows = path, 0
        self._parquet = pq.ParquetWriter(path, schema, compression="zstd") if ending == ".parquet" else None
        if self._parquet is None:
            guarded(schema.empty_table().to_pandas()).to_csv(path, **_CSV)

    def write(self, table: pa.Table) -> None:
        """More rows."""
        if self._parquet is not None:
            self._parquet.write_table(table)
        else:
            guarded(table.to_pandas(integer_object_nulls=True)).to_csv(self._path, mode="a", header=False, **_CSV)

    def describe(self, facts: Mapping[str, str]) -> None:
        """What a reader should know of the rows: key-value metadata of a Parquet file; a CSV file has no place."""
        if self._parquet is not None:
            self._parquet.add_key_value_metadata({f"dealcast.{name}": said for name, said in facts.items()})

    def close(self) -> None:
        """No more rows."""
        if self._parquet is not None:
            self._parquet.close()


@contextmanager
def table_writer(path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
    """A CSV or Parquet file, by its ending, to be written block by block; a crash leaves the old file."""
    with _whole_or_not(path) as beside, closing(TableWriter(beside, schema, path.suffix)) as writer:
        yield writer


@contextmanager
def _whole_or_not(path: Path) -> Iterator[Path]:
    """A file beside the one meant, which takes its place once it is whole."""
    check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """Text cells that a spreadsheet would take for a formula get a leading apostrophe; numbers never do."""
    out = frame.copy()
    for name in out.columns:
        if pd.api.types.is_numeric_dtype(out[name].dtype) or pd.api.types.is_datetime64_any_dtype(out[name].dtype):
            continue
        cells = out[name].astype(object)
        risky = cells.map(lambda cell: isinstance(cell, str) and cell.startswith(_FORMULA)).astype(bool)
        if risky.any():
            out[name] = cells.where(~risky, "'" + cells.astype("str"))
    return out


def unguarded(frame: pd.DataFrame) -> pd.DataFrame:
    """Text cells as they were before they were guarded."""
    risky = tuple(f"'{sign}" for sign in _FORMULA)
    return frame.map(lambda cell: cell[1:] if isinstance(cell, str) and cell.startswith(risky) else cell)
