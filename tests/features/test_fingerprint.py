"""A fingerprint tells contents apart and nothing else: neither order nor blocks nor how nothing is written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from features.fingerprint import Fingerprint, fingerprint

FLOATS = ("float32", "float64")


def some_rows(count: int = 50) -> pd.DataFrame:
    values = np.random.default_rng(3).normal(size=(count, 2)).astype(np.float32)
    frame = pd.DataFrame(values, columns=["a", "b"]).assign(
        name=pd.Series([f"d{i}" for i in range(count)], dtype="str"),
        days=np.arange(count) / 7,
        outcome=np.arange(count, dtype=np.int8) % 3 - 1,
        at=pd.date_range("2026-01-01", periods=count, unit="us", tz="UTC"),
    )
    frame.loc[7, ["a", "days"]] = np.nan
    frame.loc[8, "name"] = None
    return frame


def test_a_fingerprint_tells_contents_apart_and_nothing_else() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": ["x", None, "z"]})
    same = pd.concat([frame.iloc[2:], frame.iloc[:2]]).set_axis([7, 8, 9])
    others = [
        frame.assign(a=frame["a"].to_numpy()[::-1]),  # values that changed rows
        frame[["b", "a"]],
        frame.rename(columns={"a": "c"}),
        frame.assign(a=[1.0, 2.0, 3.0]),
        frame.iloc[:2],
        pd.concat([frame, frame.iloc[:1]]),
    ]
    assert fingerprint(frame) == fingerprint(same)
    assert len({fingerprint(frame), *(fingerprint(other) for other in others)}) == 7


def test_a_fingerprint_can_be_taken_block_by_block() -> None:
    frame = some_rows()
    blocks = Fingerprint()
    for block in (frame.iloc[20:], frame.iloc[:0], frame.iloc[:5], frame.iloc[5:20]):
        blocks.add(block)
    assert blocks.hexdigest() == fingerprint(frame)
    with pytest.raises(ValueError, match="same columns"):
        blocks.add(frame[["a"]])


def test_it_is_64_hexadecimal_digits_also_of_nothing() -> None:
    empty = some_rows().iloc[:0]
    found = [Fingerprint().hexdigest(), fingerprint(empty), fingerprint(empty[["a"]]), fingerprint(some_rows())]
    assert all(len(one) == 64 and int(one, 16) >= 0 for one in found)
    assert len(set(found)) == 4


@given(order=st.permutations(range(20)), cuts=st.lists(st.integers(0, 20), max_size=4).map(sorted))
def test_neither_the_order_of_rows_nor_the_blocks_that_they_come_in_tell_anything(
    order: list[int], cuts: list[int]
) -> None:
    frame = some_rows(20)
    blocks = Fingerprint()
    for start, end in zip([0, *cuts], [*cuts, 20], strict=True):
        blocks.add(frame.iloc[order[start:end]])
    assert blocks.hexdigest() == fingerprint(frame)


@pytest.mark.parametrize("name", list(some_rows()))
def test_one_other_value_in_any_column_is_another_fingerprint(name: str) -> None:
    frame = some_rows()
    other = frame.copy()
    other.loc[3, name] = frame.loc[4, name]
    assert fingerprint(other) != fingerprint(frame)


@pytest.mark.parametrize("dtype", FLOATS)
def test_two_columns_that_change_places_have_another_fingerprint(dtype: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, dtype=dtype)
    swapped = frame.rename(columns={"a": "b", "b": "a"})[["a", "b"]]
    assert fingerprint(frame) != fingerprint(swapped)


@pytest.mark.parametrize("dtype", FLOATS)
def test_values_that_change_rows_have_another_fingerprint_though_each_column_holds_the_same(dtype: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, dtype=dtype)
    assert fingerprint(frame.assign(b=frame["b"].to_numpy()[::-1])) != fingerprint(frame)


def test_a_row_twice_is_not_no_row_nor_another_row_twice() -> None:
    frame = pd.DataFrame({"a": [1.0, 1.0, 2.0]}, dtype=np.float32)
    others = [frame.iloc[[0, 2, 2]], frame.iloc[[2]], frame.iloc[[0, 2]]]
    assert len({fingerprint(one) for one in (frame, *others)}) == 4


@pytest.mark.parametrize("dtype", FLOATS)
def test_zero_is_zero_whatever_its_sign_and_not_known_is_not_known_whatever_its_bits(dtype: str) -> None:
    plain = pd.DataFrame({"a": np.array([0.0, np.nan, 1.0], dtype=dtype)})
    nan = np.array([np.nan], dtype=dtype)
    bits = nan.view("uint32" if dtype == "float32" else "uint64")
    bits |= 1  # a NaN of other bits
    bits |= bits.dtype.type(1) << bits.dtype.type(bits.itemsize * 8 - 1)
    assert np.isnan(nan[0])
    odd = pd.DataFrame({"a": np.concatenate([np.array([-0.0], dtype=dtype), nan, np.array([1.0], dtype=dtype)])})
    assert odd["a"].to_numpy()[:2].tobytes() != plain["a"].to_numpy()[:2].tobytes()
    assert fingerprint(odd) == fingerprint(plain)
    assert fingerprint(pd.DataFrame({"a": np.array([0.0, 0.0, 1.0], dtype=dtype)})) != fingerprint(plain)


def test_missing_text_is_no_empty_text_nor_a_word() -> None:
    texts = [None, "", "nan", "None", "<NA>"]
    found = {fingerprint(pd.DataFrame({"a": pd.Series([text, "x"], dtype="str")})) for text in texts}
    assert len(found) == len(texts)


@given(values=arrays.arrays(np.float32, 6, elements=st.floats(width=32)))
def test_numbers_that_differ_have_fingerprints_that_differ(values: np.ndarray) -> None:
    def sign_of_zero_aside(one: np.ndarray) -> list[str]:
        return sorted(map(repr, (one + np.float32(0)).tolist()))

    other = np.nextafter(values, np.float32(1))
    frames = [pd.DataFrame({"a": one}) for one in (values, other)]
    same = sign_of_zero_aside(values) == sign_of_zero_aside(other)
    assert (fingerprint(frames[0]) == fingerprint(frames[1])) == same
