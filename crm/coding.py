"""Text as numbers: which level each value is, without a Python object a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NONE = -1
"""The code of what is missing, or is no level."""


def arrow_text(values: pd.Series | pd.Index) -> pa.Array:
    """Text values as one Arrow array of large strings; missing ones null."""
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())


def codes_in(values: pd.Series, levels: pd.Index) -> np.ndarray:
    """Each value's place among the (unique) levels, NONE where it is not among them; shape (n,), int64."""
    place = pc.index_in(arrow_text(values), value_set=arrow_text(levels))
    return place.cast(pa.int64()).fill_null(NONE).to_numpy()


def encode(parts: Sequence[pd.Series]) -> tuple[list[np.ndarray], pd.Index]:
    """The values of several series as codes of common levels; the levels are the distinct values, sorted."""
    texts = [arrow_text(part) for part in parts]
    coded = pa.chunked_array(texts, type=pa.large_string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):  # no chunk at all
        coded = pa.array([], pa.large_string()).dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = NONE
    codes = rank[coded.indices.cast(pa.int64()).fill_null(NONE).to_numpy()]
    levels = pd.Index(coded.dictionary.take(pa.array(order)).to_pandas(), dtype="str")
    return np.split(codes, np.cumsum([len(text) for text in texts])[:-1]), levels
