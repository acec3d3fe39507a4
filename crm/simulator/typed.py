"""From arrays of numbers to columns typed by the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crm.tables import TABLES

MISSING = -1
"""The code of "no value" in arrays of codes."""


def words(codes: np.ndarray, vocabulary: Sequence[str] | pa.Array) -> pa.Array:
    """The word of each code; missing where the code is negative. Shape (n,)."""
    if not isinstance(vocabulary, pa.Array):
        vocabulary = pa.array(list(vocabulary), pa.large_string())
    return vocabulary.take(pa.array(codes, pa.int64(), mask=codes < 0))


def ids(prefix: str, count: int) -> pa.Array:
    """`count` ids such as D00001, wide enough to sort as text, never narrower than five digits."""
    width = max(5, len(str(count)))
    digits = pc.utf8_lpad(pc.cast(pa.array(np.arange(1, count + 1)), pa.large_string()), width, "0")
    return joined(prefix, digits)


def joined(*parts: pa.Array | str) -> pa.Array:
    """The parts put together row by row; a plain string stands in every row."""
    columns = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))


def whole_numbers(values: np.ndarray) -> pa.Array:
    """Whole numbers as plain text; missing where negative."""
    return pc.cast(pa.array(values, pa.int64(), mask=values < 0), pa.large_string())


def iso_days(days: np.ndarray) -> pa.Array:
    """Days since 1970 as ISO dates; missing where negative."""
    return pc.cast(pc.cast(pa.array(days, pa.int32(), mask=days < 0), pa.date32()), pa.large_string())


def money(values: np.ndarray) -> np.ndarray:
    """Whole amounts as floats; NaN where negative."""
    return np.where(values < 0, np.nan, values.astype(float))


def dates(days: np.ndarray) -> np.ndarray:
    """Days since 1970 as datetime64[us]; missing where negative."""
    nowhere = np.iinfo(np.int64).min
    return np.where(days < 0, nowhere, days).astype("datetime64[D]").astype("datetime64[us]")


def flags(values: np.ndarray) -> pd.Series:
    """1, 0 and negative as true, false and missing."""
    return pd.Series(pd.arrays.BooleanArray(values > 0, values < 0))


def table(name: str, columns: Mapping[str, object]) -> pd.DataFrame:
    """The table of that name: every column of the contract in its order and dtype, absent ones all missing.

    Instants are given as datetime64 without a zone and are UTC.
    """
    length = len(next(iter(columns.values())))  # type: ignore[arg-type]
    frame = {}
    for column in TABLES[name].columns:
        values = columns.get(column.name)
        if values is None:
            frame[column.name] = pd.Series([None] * length, dtype=column.kind.dtype)
        elif isinstance(values, (pa.Array, pa.ChunkedArray)):
            frame[column.name] = pd.Series(pd.array(values, dtype="str"))
        elif column.kind.dtype.endswith("UTC]"):
            frame[column.name] = pd.Series(values).astype("datetime64[us]").dt.tz_localize("UTC")
        else:
            dtype = pd.api.types.pandas_dtype(column.kind.dtype)
            frame[column.name] = pd.Series(values).astype(dtype)
    unknown = set(columns) - set(frame)
    assert not unknown, f"{name} has no column {unknown}"
    return pd.DataFrame(frame)
