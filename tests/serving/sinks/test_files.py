"""CSV and Parquet files: whole or not at all, and safe to open in a spreadsheet."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm.errors import WrongUse
from serving.sinks import files
from serving.sinks.files import check_target, guarded, write_table

FRAME = pd.DataFrame(
    {
        "name": ["plain", "=cmd|' /C calc'!A0", "+49", "-5", "@sum", "\tx", "\rx", "\x01x", " =ok", "", None],
        "change": [0.1, -0.25, np.nan, -5.0, 1e-7, 0, 1, 2, 3, 4, 5],
        "rank": range(-5, 6),
        "day": [date(2026, 8, 14), None, *[date(2026, 1, 1)] * 9],
        "at": pd.Series(pd.to_datetime(["2026-08-14T23:59:59.999Z"] * 11)),
    }
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_written_and_folders_made_on_the_way(tmp_path, ending):
    path = tmp_path / "a" / "b" / f"scores.{ending}"
    write_table(FRAME, path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    read = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert list(read.columns) == list(FRAME.columns)
    assert len(read) == len(FRAME)


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe():
    names = list(guarded(FRAME)["name"])
    assert names[:9] == ["plain", "'=cmd|' /C calc'!A0", "'+49", "'-5", "'@sum", "'\tx", "'\rx", "'\x01x", " =ok"]
    assert names[9] == ""
    assert pd.isna(names[10])


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string"])
def test_whatever_the_text_is_kept_in(dtype):
    frame = pd.DataFrame({"name": pd.Series(["=1", "x", None], dtype=dtype)})
    assert list(guarded(frame)["name"])[:2] == ["'=1", "x"]


def test_numbers_and_days_are_never_touched():
    out = guarded(FRAME)
    for name in ("change", "rank", "day", "at"):
        pd.testing.assert_series_equal(out[name], FRAME[name])
    mixed = pd.DataFrame({"mixed": pd.Series([-5, -2.5, "-5"], dtype=object)})
    assert list(guarded(mixed)["mixed"]) == [-5, -2.5, "'-5"]


def test_the_given_table_stays_as_it_was():
    before = FRAME.copy(deep=True)
    guarded(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


def test_in_a_csv_file_numbers_stay_numbers(tmp_path):
    path = tmp_path / "scores.csv"
    write_table(FRAME, path)
    text = path.read_text(encoding="utf-8")
    assert ",-0.25,-4," in text
    assert "'-0.25" not in text
    assert "2026-08-14T23:59:59Z" in text
    np.testing.assert_allclose(pd.read_csv(path)["change"], FRAME["change"])


def test_a_parquet_file_holds_the_text_byte_for_byte(tmp_path):
    path = tmp_path / "scores.parquet"
    write_table(FRAME, path)
    read = pd.read_parquet(path)
    assert list(read["name"][:10]) == list(FRAME["name"][:10])
    assert read["at"].equals(FRAME["at"].astype(read["at"].dtype))


class Crash(Exception):
    pass


def crash(*args, **kwargs):
    raise Crash


@pytest.mark.parametrize(
    ("ending", "where"),
    [
        ("csv", (pd.DataFrame, "to_csv")),
        ("parquet", (pd.DataFrame, "to_parquet")),
        ("csv", (files.os, "replace")),
        ("parquet", (files.os, "replace")),
    ],
)
def test_a_crash_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, ending, where):
    path = tmp_path / f"scores.{ending}"
    path.write_bytes(b"old")
    monkeypatch.setattr(*where, crash)
    with pytest.raises(Crash):
        write_table(FRAME, path)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_crash_halfway_through_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "scores.csv"
    path.write_bytes(b"old")

    def half(frame, target, **kwargs):
        target.write_bytes(b"na")
        raise Crash

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(Crash):
        write_table(FRAME, path)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    write_table(FRAME.head(1), path)
    assert len(pd.read_csv(path)) == 1


@pytest.mark.parametrize("name", ["scores.xlsx", "scores", "scores.csv.gz", "scores.CSV", ".csv"])
def test_an_ending_that_cannot_be_written_is_wrong_use(tmp_path, name):
    with pytest.raises(WrongUse, match=r"a \.csv or \.parquet file"):
        check_target(tmp_path / name)
    with pytest.raises(WrongUse):
        write_table(FRAME, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_table_has_its_columns(tmp_path):
    for ending in ("csv", "parquet"):
        write_table(FRAME.head(0), tmp_path / f"scores.{ending}")
    assert list(pd.read_csv(tmp_path / "scores.csv").columns) == list(FRAME.columns)
    assert list(pd.read_parquet(tmp_path / "scores.parquet").columns) == list(FRAME.columns)
