"""Views as files: typed, whole, of one moment, the same each time."""

from __future__ import annotations

import json
from datetime import UTC, date
from hashlib import sha256

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from crm.errors import WrongUse
from pipelines.config import Home
from pipelines.export import MANIFEST, export
from serving.store_tables import RUNS, metadata
from serving.views import reading
from serving.views.catalogue import views
from tests.acceptance.worlds import everything_in
from tests.serving.views.filled import MONDAY, NASTY, fill

NAMES = [view.name for view in views()]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    fill(f"sqlite:///{tmp_path / 'home' / 'dealcast.db'}")
    return Home(tmp_path / "home")


def exported(home: Home, folder, *names: str, since: str | None = None, ending: str = "parquet", step=lambda _: None):
    return export(home, folder, names, since, ending, step)


def said(folder) -> dict:
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["views"]


def test_every_view_is_a_file_and_the_manifest_tells_of_it(home, tmp_path):
    result = exported(home, tmp_path / "made" / "out")
    folder = result.folder
    assert sorted(path.name for path in folder.iterdir()) == sorted([*(f"{name}.parquet" for name in NAMES), MANIFEST])
    for view in views():
        of_view, read = said(folder)[view.name], pq.read_table(folder / f"{view.name}.parquet")
        assert read.schema.equals(view.schema), view.name
        assert of_view["rows"] == len(read) > 0
        assert list(of_view["columns"]) == read.column_names
        assert of_view["sha256"] == sha256((folder / of_view["file"]).read_bytes()).hexdigest()
        assert of_view["bytes"] == (folder / of_view["file"]).stat().st_size
        assert pq.read_metadata(folder / of_view["file"]).metadata[b"dealcast.meaning"].decode() == view.meaning
    assert said(folder)["bi_score_history"]["runs"] == ["score-a", "score-c", "score-b", "score-z"]
    assert said(folder)["bi_open_deals"]["runs"] == ["score-z"]
    assert said(folder)["bi_model_versions"]["runs"] == []
    assert said(folder)["bi_adjustments"]["runs"] == ["forecast-a"], "beside no forecast is beside none"


def test_days_are_dates_instants_are_utc_ids_are_text(home, tmp_path):
    exported(home, tmp_path)
    row = next(
        row
        for row in pq.read_table(tmp_path / "bi_score_history.parquet").to_pylist()
        if (row["run_id"], row["opportunity_id"]) == ("score-a", "0012")
    )
    assert row["as_of"] == MONDAY.replace(tzinfo=UTC)
    assert row["close_date"] == date(2026, 8, 31)
    assert (row["score"], row["name"]) == (52, NASTY)
    assert (row["stall_risk"], row["expected_close_date"]) == (None, None)


def test_the_same_store_gives_the_same_bytes(home, tmp_path):
    for ending in ("parquet", "csv"):
        first, second = (exported(home, tmp_path / f"{ending}{n}", ending=ending).folder for n in (1, 2))
        assert everything_in(first) == everything_in(second)
        assert len(everything_in(first)) == len(NAMES) + 1
        exported(home, second, ending=ending)
        assert everything_in(first) == everything_in(second), "nor does it matter what was there"


def test_csv_holds_what_parquet_holds_and_no_formula(home, tmp_path):
    exported(home, tmp_path / "csv", ending="csv")
    exported(home, tmp_path / "parquet")
    raw = (tmp_path / "csv" / "bi_score_history.csv").read_text(encoding="utf-8")
    assert ",'=D3," in raw
    assert ",'@Acme," in raw
    text = pd.read_csv(tmp_path / "csv" / "bi_coaching.csv", dtype=str, keep_default_na=False)
    typed = pq.read_table(tmp_path / "parquet" / "bi_coaching.parquet").to_pylist()
    assert len(text) == len(typed)
    assert text["won_deals"].tolist() == ["" if row["won_deals"] is None else str(row["won_deals"]) for row in typed]
    assert text["says"].tolist() == [row["says"] for row in typed]
    assert text["as_of"].iloc[0] == "2026-08-10T23:59:59Z"
    verdicts = pd.read_csv(tmp_path / "csv" / "bi_verdicts.csv", dtype=str, keep_default_na=False)
    assert verdicts["until"].tolist() == ["", "", "", "2026-09-09"]
    assert verdicts["is_newest"].tolist() == ["False", "True", "True", "True"]


def test_since_leaves_out_what_is_older_than_the_day_in_the_companys_zone(home, tmp_path):
    exported(home, tmp_path, since="2026-08-11")
    told = said(tmp_path)
    assert told["bi_score_history"]["runs"] == ["score-b", "score-z"]
    assert told["bi_score_history"]["since"] == "2026-08-11T00:00:00Z"
    assert told["bi_reasons"]["runs"] == ["score-b", "score-z"]
    assert (told["bi_open_deals"]["rows"], told["bi_open_deals"]["since"]) == (3, None), "what is newest is whole"
    assert told["bi_verdicts"]["rows"] == 4
    (home.path / "dealcast.toml").write_text('[data]\ntime_zone = "America/New_York"\n', encoding="utf-8")
    exported(home, tmp_path, since="2026-08-10")
    assert said(tmp_path)["bi_runs"]["since"] == "2026-08-10T04:00:00Z"
    assert said(tmp_path)["bi_score_history"]["runs"] == ["score-a", "score-c", "score-b", "score-z"]


def test_views_can_be_written_alone_and_what_is_there_is_kept(home, tmp_path):
    exported(home, tmp_path)
    before = everything_in(tmp_path)
    result = exported(home, tmp_path, "bi_coaching", "bi_runs", ending="csv")
    assert list(result.views) == ["bi_coaching", "bi_runs"]
    after = everything_in(tmp_path)
    assert set(before) - set(after) == {"bi_coaching.parquet", "bi_runs.parquet"}, "there is one file a view"
    assert set(after) - set(before) == {"bi_coaching.csv", "bi_runs.csv"}
    assert set(said(tmp_path)) == set(NAMES)
    assert all((tmp_path / one["file"]).is_file() for one in said(tmp_path).values())


def test_all_files_are_of_one_moment(home, tmp_path):
    engine = sa.create_engine(f"sqlite:///{home.path / 'dealcast.db'}")
    later = {"kind": "score", "as_of": MONDAY.replace(year=2027), "started_at": MONDAY}

    def somebody_scores(name: str) -> None:
        if name != NAMES[0]:  # that one has to be read for the moment to be settled
            with engine.begin() as connection:
                connection.execute(sa.insert(RUNS), {"run_id": f"score-beside-{name}", **later})

    result = exported(home, tmp_path, step=somebody_scores)
    engine.dispose()
    assert result.views["bi_open_deals"].runs == ("score-z",)
    assert result.views["bi_runs"].rows == 7
    assert exported(home, tmp_path / "again").views["bi_runs"].rows == 7 + len(NAMES) - 1


def test_a_file_is_replaced_whole_or_not_at_all(home, tmp_path, monkeypatch):
    exported(home, tmp_path)
    before = everything_in(tmp_path)
    whole = reading._fetched

    def breaks(connection, query, schema):
        yield from whole(connection, query, schema)
        if "side" in schema.names:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(reading, "_fetched", breaks)
    with pytest.raises(OSError, match="No space left"):
        exported(home, tmp_path)
    assert everything_in(tmp_path) == before


def test_many_rows_come_in_blocks(home, tmp_path, monkeypatch):
    whole = exported(home, tmp_path / "whole").views
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    monkeypatch.setattr(reading, "A_BLOCK", 5)
    assert {name: one.rows for name, one in exported(home, tmp_path / "blocks").views.items()} == {
        name: one.rows for name, one in whole.items()
    }
    for name in NAMES:
        one, other = (pq.read_table(tmp_path / folder / f"{name}.parquet") for folder in ("whole", "blocks"))
        assert one.equals(other)
    assert pq.read_metadata(tmp_path / "blocks" / "bi_reasons.parquet").num_row_groups > 3


def test_a_store_in_postgresql_gives_the_same_files(home, tmp_path, postgres_url):
    fill(postgres_url)
    other = Home(tmp_path / "other")
    other.path.mkdir()
    (other.path / "dealcast.toml").write_text(f'[store]\nurl = "{postgres_url}"\n', encoding="utf-8")
    exported(home, tmp_path / "sqlite")
    exported(other, tmp_path / "postgresql")
    for view in views():
        one, two = (
            pq.read_table(tmp_path / folder / f"{view.name}.parquet").sort_by(
                [(name, "ascending") for name in view.key]
            )
            for folder in ("sqlite", "postgresql")
        )
        assert one.equals(two), view.name


def test_a_view_that_is_not_there_is_said_before_anything_is_done(home, tmp_path):
    with pytest.raises(WrongUse, match="there is no view 'open_deals'"):
        exported(home, tmp_path / "out", "open_deals")
    with pytest.raises(WrongUse, match="'yesterday' is not a date"):
        exported(home, tmp_path / "out", since="yesterday")
    assert not (tmp_path / "out").exists()


def test_without_a_store_nothing_is_made(tmp_path):
    with pytest.raises(WrongUse, match="nothing has been scored here yet"):
        exported(Home(tmp_path / "home"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"format": 2, "views": {}}', '{"format": 1, "views": {"a": 1}}',
                                  '{"format": 1, "views": {"bi_runs": {"file": "../../runs.csv"}}}'])  # fmt: skip
def test_a_folder_that_is_somebody_elses_is_left_alone(home, tmp_path, text):
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    before = everything_in(tmp_path)
    with pytest.raises(WrongUse, match="not readable as what an export has written"):
        exported(home, tmp_path)
    assert {name for name in everything_in(tmp_path) if not name.startswith("home")} == {MANIFEST}
    assert before[MANIFEST] == (tmp_path / MANIFEST).read_bytes()


def test_views_show_every_table_that_is_for_others(home):
    """What is shown of none of them, and why: a trial's arms, internal books and accounts are nobody's report."""
    shown = {
        table.name for view in views() for table in sa.sql.visitors.iterate(view.query) if isinstance(table, sa.Table)
    }
    books = {"like_deals", "timelines", "win_curves", "trial", "writebacks", "written_records", "messages"}
    accounts = {"users", "sessions", "api_tokens", "audit"}
    assert set(metadata.tables) - shown == books | accounts
