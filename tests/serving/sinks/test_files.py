"""CSV and Parquet files: whole or not at all, and safe to open in a spreadsheet."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm.errors import WrongUse
from serving.sinks import files
from serving.sinks.files import check_target, guarded, table_writer, write_table

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


# Block by block -------------------------------------------------------------------------------------------------

SCHEMA = pa.schema(
    [("name", pa.large_string()), ("at", pa.timestamp("us", tz="UTC")), ("won", pa.int8()), ("share", pa.float32())]
)
ENDINGS = ("csv", "parquet")


def block(*names: str | None, share: float = -0.25) -> pa.Table:
    """Some rows; texts as given, the rest alike in all of them."""
    told = {
        "name": list(names),
        "at": [pd.Timestamp("2026-08-14T23:59:59.999Z")] * len(names),
        "won": [-1] * len(names),
        "share": [share] * len(names),
    }
    return pa.table(told, schema=SCHEMA)


BLOCKS = (block("a", "=1+1"), block(), block(None, "c,d", share=np.nan))


@pytest.mark.parametrize("ending", ENDINGS)
def test_blocks_stand_one_after_the_other_and_folders_are_made_on_the_way(tmp_path, ending):
    path = tmp_path / "a" / "b" / f"set.{ending}"
    with table_writer(path, SCHEMA) as writer:
        for one in BLOCKS:
            writer.write(one)
        assert not path.exists(), "whole or not at all"
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    read = pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path)
    assert list(read.columns) == SCHEMA.names
    assert read["share"].tolist()[:2] == [-0.25, -0.25]
    assert read["share"].isna().tolist() == [False, False, True, True]
    assert read["name"].isna().tolist() == [False, False, True, False]


def test_a_parquet_file_of_blocks_is_of_the_schema_and_holds_every_value_as_it_was(tmp_path):
    path = tmp_path / "set.parquet"
    with table_writer(path, SCHEMA) as writer:
        for one in BLOCKS:
            writer.write(one)
    read = pq.read_table(path)
    assert read.schema.remove_metadata().equals(SCHEMA)
    whole = pa.concat_tables(BLOCKS)
    assert read.to_pandas().equals(whole.to_pandas())


def test_a_csv_file_of_blocks_is_the_one_that_writing_them_at_once_makes(tmp_path):
    with table_writer(tmp_path / "blocks.csv", SCHEMA) as writer:
        for one in BLOCKS:
            writer.write(one)
    write_table(pa.concat_tables(BLOCKS).to_pandas(), tmp_path / "whole.csv")
    text = (tmp_path / "blocks.csv").read_bytes()
    assert text == (tmp_path / "whole.csv").read_bytes()
    assert b"\r\n'=1+1,2026-08-14T23:59:59Z,-1,-0.25\r\n" in text


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_a_block_there_are_the_columns(tmp_path, ending):
    path = tmp_path / f"set.{ending}"
    with table_writer(path, SCHEMA):
        pass
    read = pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path)
    assert (list(read.columns), len(read)) == (SCHEMA.names, 0)


def test_what_a_reader_should_know_stands_in_a_parquet_file_and_a_csv_file_has_no_place_for_it(tmp_path):
    for ending in ENDINGS:
        with table_writer(tmp_path / f"set.{ending}", SCHEMA) as writer:
            writer.write(BLOCKS[0])
            writer.describe({"set": "training", "rows": "2"})
    metadata = pq.read_metadata(tmp_path / "set.parquet").metadata
    assert {k: v for k, v in metadata.items() if k.startswith(b"dealcast.")} == {
        b"dealcast.set": b"training",
        b"dealcast.rows": b"2",
    }
    assert "training" not in (tmp_path / "set.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("blocks", [0, 2])
def test_a_crash_between_blocks_leaves_the_old_file_and_nothing_beside_it(tmp_path, ending, blocks):
    path = tmp_path / f"set.{ending}"
    path.write_bytes(b"old")

    def writing():
        with table_writer(path, SCHEMA) as writer:
            for one in BLOCKS[:blocks]:
                writer.write(one)
            raise Crash

    with pytest.raises(Crash):
        writing()
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_rows_of_other_columns_are_no_part_of_the_file(tmp_path):
    path = tmp_path / "set.parquet"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="schema"), table_writer(path, SCHEMA) as writer:
        writer.write(block("a").drop_columns(["won"]))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_new_file_of_blocks_takes_the_place_of_the_old_one(tmp_path, ending):
    path = tmp_path / f"set.{ending}"
    path.write_bytes(b"old")
    with table_writer(path, SCHEMA) as writer:
        writer.write(block("new"))
    read = pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path)
    assert read["name"].tolist() == ["new"]


def test_blocks_for_an_ending_that_cannot_be_written_are_wrong_use(tmp_path):
    with pytest.raises(WrongUse, match=r"a \.csv or \.parquet file"), table_writer(tmp_path / "set.xlsx", SCHEMA):
        pass
    assert list(tmp_path.iterdir()) == []
