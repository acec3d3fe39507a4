"""`dealcast export`: a scored home as files that other tools read, and views beside."""

import json
import sqlite3

import pandas as pd
import pytest

from tests.acceptance.worlds import LAST_DAY, copied, dealcast, everything_in, program


@pytest.fixture
def home(scored, tmp_path):
    return copied(scored.home, tmp_path / "home")


def test_what_was_scored_is_there_for_other_tools(scored, home, tmp_path):
    assert dealcast("forecast", "--data", scored.data, "--home", home, "--as-of", LAST_DAY).code == 0
    told = dealcast("export", "--out", tmp_path / "bi", "--home", home)
    assert told.code == 0, told.err
    assert "14 views" in told.out
    deals = pd.read_parquet(tmp_path / "bi" / "bi_open_deals.parquet").set_index("opportunity_id")
    scores = scored.scores.set_index("opportunity_id")
    assert sorted(deals.index) == sorted(scores.index)
    for column in ("win_probability", "stall_risk", "score", "grade", "priority", "revenue_at_stake"):
        assert deals[column].equals(scores[column].reindex(deals.index).astype(deals[column].dtype)), column
    reasons = pd.read_parquet(tmp_path / "bi" / "bi_reasons.parquet")
    first = scores.index[0]
    told_of = json.loads(scores.loc[first, "reasons"])
    shown = reasons[(reasons["run_id"] == deals["run_id"].iloc[0]) & (reasons["opportunity_id"] == first)]
    for side in ("for", "against"):
        of_side = shown[shown["side"] == side].sort_values("rank")
        assert of_side["says"].tolist() == [reason["says"] for reason in told_of[side]]
        assert of_side["points"].tolist() == [reason["points"] for reason in told_of[side]]
    moves = pd.read_parquet(tmp_path / "bi" / "bi_score_moves.parquet")
    assert set(moves["since"]) == {"2026-08-07"}
    now = pd.read_parquet(tmp_path / "bi" / "bi_forecast_now.parquet")
    company = now[now["level"] == "company"].iloc[0]
    assert company["mean"] == pytest.approx(company[["already_won", "open_pipeline", "new_business"]].sum())
    manifest = json.loads((tmp_path / "bi" / "export.json").read_text())["views"]
    assert len(manifest["bi_score_history"]["runs"]) == 2
    with sqlite3.connect(home / "dealcast.db") as store:
        assert store.execute("SELECT count(*) FROM bi_open_deals").fetchone() == (len(deals),)


def test_the_installed_program_says_what_it_wrote_to_people_and_to_machines(home, tmp_path):
    first = program("export", "--out", tmp_path / "one", "--home", home, "--json")
    assert first.code == 0, first.err
    assert "exporting 1/14" in first.err
    said = json.loads(first.out)
    assert said["folder"] == str(tmp_path / "one")
    assert said["views"]["bi_runs"]["rows"] == 2
    second = dealcast("export", "--out", tmp_path / "two", "--home", home)
    assert "bi_runs.parquet" in second.out
    assert everything_in(tmp_path / "one") == everything_in(tmp_path / "two")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--view", "open_deals"), "there is no view 'open_deals'"),
        (("--since", "soon"), "'soon' is not a date"),
        (("--format", "xlsx"), "invalid choice: 'xlsx'"),
    ],
)
def test_what_cannot_be_is_wrong_use(home, tmp_path, options, said):
    told = dealcast("export", "--out", tmp_path / "bi", "--home", home, *options)
    assert told.code == 2
    assert said in told.err
    assert not (tmp_path / "bi").exists()
