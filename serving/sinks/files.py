"""CSV and Parquet files: whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from crm.errors import WrongUse

_FORMULA = tuple("=+-@\t\r\n") + tuple(chr(code) for code in range(32))


def check_target(path: Path) -> None:
    """Raise WrongUse where the file's ending is none that can be written; before any work is done."""
    if path.suffix not in (".csv", ".parquet"):
        raise WrongUse(f"cannot tell the format from '{path.name}'", where="--out", expected="a .csv or .parquet file")


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet by the file's ending; a crash leaves the old file or the new one."""
    check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.suffix == ".csv":
            # Lines end as RFC 4180 says; with "\n" alone a cell that holds "\r" would not be quoted.
            guarded(frame).to_csv(beside, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\r\n")
        else:
            frame.to_parquet(beside, index=False)
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
