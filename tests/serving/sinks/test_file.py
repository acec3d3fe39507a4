"""A file as a sink: all of it or nothing, and only what is ours."""

import pandas as pd
import pytest

from crm.errors import DealcastError, WrongUse
from serving.sinks.file import FileSettings, FileSink
from serving.writeback.fields import BY_NAME, NOTHING, settled_all
from serving.writeback.plan import read_all
from tests.serving.writeback.memory import answers

IDS = ["D1", "0012", "-3", "=4"]


@pytest.fixture(params=[".csv", ".parquet"])
def sink(request, tmp_path):
    return FileSink("sheet", tmp_path / "out" / f"scores{request.param}")


def test_what_was_written_is_read_back_equal(sink):
    wanted = answers(2, IDS)
    wanted["D1"] = settled_all({**wanted["D1"], "reasons": '"quoted", 1;2\nsecond line ☕', "grade": "=A1+1"})
    assert sink.read(IDS) == dict.fromkeys(IDS, NOTHING)
    assert len(sink.write(wanted)) == 4
    assert read_all(sink, IDS) == wanted


def test_other_rows_and_fields_stay_and_a_row_that_says_nothing_goes(sink):
    wanted = answers(2, IDS)
    sink.write(wanted)
    sink.write({"D1": {"grade": "Z"}, "-3": dict.fromkeys(BY_NAME)})
    assert read_all(sink, IDS) == {**wanted, "D1": {**wanted["D1"], "grade": "Z"}, "-3": NOTHING}
    table = pd.read_csv(sink.path, dtype=str) if sink.path.suffix == ".csv" else pd.read_parquet(sink.path)
    assert len(table) == 3
    assert list(table.columns) == ["opportunity_id", *BY_NAME]


def test_a_crash_leaves_the_old_file(sink, monkeypatch):
    wanted = answers(2, IDS)
    sink.write(wanted)
    before = sink.path.read_bytes()
    monkeypatch.setattr("serving.sinks.files.os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sink.write(answers(3, IDS))
    assert sink.path.read_bytes() == before
    assert [path.name for path in sink.path.parent.iterdir()] == [sink.path.name]


@pytest.mark.parametrize(
    "text", ["opportunity_id,grade,theirs\nD1,A,x\n", "id,grade\nD1,A\n", "opportunity_id\nD1\nD1\n"]
)
def test_a_file_of_somebody_else_is_left_alone(tmp_path, text):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    for work in (lambda sink: sink.read(["D1"]), lambda sink: sink.write({"D1": {"grade": "B"}})):
        with pytest.raises(DealcastError, match="holds something else"):
            work(FileSink("sheet", path))
    assert path.read_text() == text


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DealcastError, match="cannot be read"):
        FileSink("sheet", path).read(["D1"])


def test_the_ending_says_the_format():
    with pytest.raises(WrongUse, match=r"path: cannot tell the format from 'scores\.xlsx'"):
        FileSettings("scores.xlsx")
