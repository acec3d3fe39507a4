"""A fingerprint of a table's contents: the same for the same rows in whatever order, blocks or place they come."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

FAMILIES = 2
"""Independent 64-bit sums; two tables that differ agree in both by chance once in 10^38."""

_WORD = np.uint64
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # the finaliser of SplitMix64 (Steele et al. 2014)


class Fingerprint:
    """Sums up tables of the same columns, block by block.

    Each row's values are hashed to 64 bits, twice; the rows' hashes are added modulo 2^64. NaN and missing text
    are values like others.
    """

    def __init__(self) -> None:
        self._columns: tuple[str, ...] | None = None
        self._sums = np.zeros(FAMILIES, dtype=_WORD)
        self._rows = 0

    def add(self, frame: pd.DataFrame) -> None:
        """More rows. Raises ValueError where the columns are not those of the rows before."""
        columns = tuple(map(str, frame.columns))
        if self._columns is not None and columns != self._columns:
            raise ValueError("blocks of one table must have the same columns")
        self._columns = columns
        rows = np.zeros((FAMILIES, len(frame)), dtype=_WORD)
        for name in columns:
            word = _words(frame[name])
            for family in range(FAMILIES):
                # An odd factor of each column's own: values that change places change the sum.
                rows[family] += (word + _seed(f"{family}+{name}")) * (_seed(f"{family}*{name}") | _WORD(1))
        self._sums += _mixed(rows).sum(axis=1, dtype=_WORD)
        self._rows += len(frame)

    def hexdigest(self) -> str:
        """64 hexadecimal digits: SHA-256 over the columns' names, the number of rows and the sums."""
        names = "\x1f".join(self._columns or ())
        return hashlib.sha256(f"{names}\x1e{self._rows}\x1e{self._sums.tolist()}".encode()).hexdigest()


def fingerprint(frame: pd.DataFrame) -> str:
    """The fingerprint of one table."""
    whole = Fingerprint()
    whole.add(frame)
    return whole.hexdigest()


def _words(column: pd.Series) -> np.ndarray:
    """64 bits for each value; equal values have equal ones."""
    if column.dtype == np.float32:
        values = column.to_numpy() + np.float32(0)  # -0 is 0
        bits = values.view(np.uint32)
        return _mixed(np.where(np.isnan(values), np.uint32(0x7FC00000), bits).astype(_WORD))
    return np.asarray(pd.util.hash_pandas_object(column, index=False), dtype=_WORD)


def _mixed(words: np.ndarray) -> np.ndarray:
    for shift, factor in _MIX:
        words = (words ^ (words >> _WORD(shift))) * _WORD(factor)
    return words ^ (words >> _WORD(31))


def _seed(text: str) -> np.uint64:
    return _WORD(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))
