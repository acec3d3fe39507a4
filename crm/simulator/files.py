"""Tables as text, and text as CSV files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crm.simulator.settings import SimulatorSettings
from crm.simulator.typed import joined
from crm.tables import TABLES, Kind

_BATCH = 250_000  # rows that are text in memory at once

_README = """# A simulated company

These tables come from Dealcast's simulator: no person, company or deal in them exists.

* {deals} deals over {years:g} years up to {end}, {reps} seats for reps, seed {seed}.
* Times are UTC, money is in US dollars, one CSV file for each table, named after it.
* `type`, `lead_source`, `product` and `region` of a deal never change after it was created, so they may be
  declared fixed. `stage`, `amount`, `close_date`, `owner_id`, `next_step` and `forecast_category` change, and
  `changes.csv` holds each change. `probability` follows the stage and has no history of its own.
* About {dirt:.1%} of the rows of some tables are dirty on purpose: duplicates, blank ids, events before their
  deal's creation, unknown stages and deals, amounts that are no numbers, odd names, spaces, missing values.
* A lost deal may have been reopened; it has a second episode then.
"""


def as_text(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """A table of the contract as its file shows it: each column text, missing values missing.

    Instants are ISO 8601 in UTC with Z, days ISO dates, numbers plain, flags true or false.
    """
    columns = {}
    for column in TABLES[name].columns:
        values = frame[column.name]
        if column.kind is Kind.INSTANT:
            columns[column.name] = _instants(values)
        elif column.kind is Kind.DATE:
            columns[column.name] = pc.cast(pc.cast(pa.array(values), pa.date32()), pa.large_string())
        elif column.kind in (Kind.MONEY, Kind.NUMBER):
            columns[column.name] = _numbers(values)
        else:
            columns[column.name] = pc.cast(pa.array(values), pa.large_string())
    return pd.DataFrame({key: pd.Series(pd.array(text, dtype="str")) for key, text in columns.items()})


def write_tables(folder: Path, texts: Mapping[str, pd.DataFrame], settings: SimulatorSettings) -> None:
    """Write each table to `<name>.csv` and a README.md beside them; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in texts.items():
        part = folder / f"{name}.csv.part"
        with part.open("wb") as file:
            file.write((",".join(frame.columns) + "\n").encode())
            for first in range(0, len(frame), _BATCH):
                file.write(_csv_rows(frame.iloc[first : first + _BATCH]))
        os.replace(part, folder / f"{name}.csv")
    readme = _README.format(**{key: getattr(settings, key) for key in settings.__dataclass_fields__})
    (folder / "README.md").write_text(readme, encoding="utf-8")


def _csv_rows(frame: pd.DataFrame) -> bytes:
    """The rows as CSV, cells in quotes only where they need them; a missing cell is empty."""
    line: list[pa.Array | str] = []
    for name in frame.columns:
        cells = pc.fill_null(_one_chunk(pa.array(frame[name], pa.large_string())), "")
        special = pc.match_substring_regex(cells, '[",\r\n]')
        if pc.any(special).as_py():
            cells = pc.if_else(special, joined('"', pc.replace_substring(cells, '"', '""'), '"'), cells)
        line += [",", cells]
    rows = joined(*line[1:], "\n")
    length = pc.sum(pc.binary_length(rows)).as_py() or 0
    return bytes(memoryview(rows.buffers()[2])[:length]) if length else b""


def _one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _instants(values: pd.Series) -> pa.Array:
    plain = pc.cast(pa.array(values.dt.tz_convert(None)), pa.timestamp("s"))
    return joined(pc.binary_replace_slice(pc.cast(plain, pa.large_string()), 10, 11, "T"), "Z")


def _numbers(values: pd.Series) -> pa.Array:
    missing, numbers = values.isna().to_numpy(), values.to_numpy(float)
    whole = np.where(missing, 0, numbers)
    if (whole == np.round(whole)).all():
        return pc.cast(pa.array(whole.astype(np.int64), mask=missing), pa.large_string())
    return pc.cast(pa.array(numbers, mask=missing), pa.large_string())
