"""Text as numbers: each value's level, and none where it is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.coding import NONE, arrow_text, codes_in, encode

words = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "B", "ä", "Z", "", " a", "nan", "None", "\0"]))
series = st.lists(words, max_size=8).map(lambda values: pd.Series(values, dtype="str"))


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string"])
def test_a_value_is_coded_by_its_place_among_the_levels_whatever_it_is_kept_in(dtype: str) -> None:
    values = pd.Series(["b", None, "a", "c", "", "b"], index=[9, 8, 7, 7, 7, 0], dtype=dtype)
    code = codes_in(values, pd.Index(["b", "a", ""]))
    assert code.tolist() == [0, NONE, 1, NONE, 2, 0]
    assert code.dtype == np.int64


def test_where_there_is_no_level_or_no_value_there_is_no_code() -> None:
    assert codes_in(pd.Series(["a", None], dtype="str"), pd.Index([], dtype="str")).tolist() == [NONE, NONE]
    assert codes_in(pd.Series([], dtype="str"), pd.Index(["a"])).tolist() == []
    assert codes_in(pd.Series([None, None], dtype="str"), pd.Index(["a"])).tolist() == [NONE, NONE]


@given(values=series)
def test_codes_are_those_that_a_look_up_one_by_one_finds(values: pd.Series) -> None:
    levels = pd.Index(["nan", "", "a", "B", "None"])
    expected = [NONE if pd.isna(value) else list(levels).index(value) if value in levels else NONE for value in values]
    assert codes_in(values, levels).tolist() == expected


@given(parts=st.lists(series, min_size=1, max_size=4))
def test_several_series_are_coded_by_their_common_levels_which_are_sorted(parts: list[pd.Series]) -> None:
    codes, levels = encode(parts)
    there = {value for part in parts for value in part if not pd.isna(value)}
    assert list(levels) == sorted(there)
    names = [*levels, None]
    assert len(codes) == len(parts)
    for code, part in zip(codes, parts, strict=True):
        assert code.dtype == np.int64
        assert [names[c] for c in code] == [None if pd.isna(value) else value for value in part]


@pytest.mark.parametrize("values", [[], [None], [None, None, None]])
def test_where_every_value_is_missing_there_are_no_levels(values: list[None]) -> None:
    codes, levels = encode([pd.Series(values, dtype="str")] * 2)
    assert [code.tolist() for code in codes] == [[NONE] * len(values)] * 2
    assert len(levels) == 0
    assert levels.dtype == "str"


def test_part_of_a_series_is_coded_alone() -> None:
    values = pd.Series(["c", "a", "b", None, "a"], dtype="str")
    (code,), levels = encode([values.iloc[1:4]])
    assert (code.tolist(), list(levels)) == ([0, 1, NONE], ["a", "b"])
    assert arrow_text(values[values == "a"]).to_pylist() == ["a", "a"]
