"""`dealcast train`: a champion where the data allow one, and no harm where they do not."""

import json

import pytest

from pipelines.config import Home, load_config
from serving.store import Store
from tests.acceptance.worlds import copied, dealcast, everything_in, simulated, text_table
from training.deal_model import folder_digest, load
from training.registry import CHAMPION, aliases


def champion(home):
    return Store.under(home).champion()


def test_a_model_that_passes_the_gate_is_champion(trained):
    assert trained.told.code == 0, trained.told.err
    assert "Version 1 passed the gate and is champion." in trained.told.out
    row = champion(trained.home)
    assert (row["version"], row["gate_passed"]) == ("1", True)
    home = Home(trained.home)
    assert aliases(load_config(home).tracking(home))[CHAMPION] == "1"


def test_its_files_are_those_whose_hash_is_kept(trained):
    row = champion(trained.home)
    folder = trained.home / "models" / row["folder"]
    assert folder_digest(folder) == row["sha256"]
    assert [path.name for path in folder.parent.iterdir()] == [row["folder"]]


def test_what_the_configuration_says_is_what_was_trained_with(trained):
    row = champion(trained.home)
    model = load(trained.home / "models" / row["folder"], row["sha256"])
    assert model.time.grid_days == 28
    assert model.facts["parameters"]["most_rounds"] == 30
    assert model.boosters.win.rounds <= 30
    assert set(model.vocabulary.segments) == {"type", "lead_source", "product", "region"}
    assert model.facts["data"]["until"][:10] <= "2026-08-07"


def test_it_shows_the_record_beside_what_must_be_beaten_and_every_check(trained):
    for line in ("model", "base rate", "stage win rates", "finds a signal", "calibrated", "enough data", "no leak"):
        assert line in trained.told.out
    assert max(len(line) for line in trained.told.lines) <= 80


@pytest.fixture(scope="module")
def no_signal(trained, tmp_path_factory):
    """A company in which nothing tells won from lost, trained in a home that has a champion."""
    folder = tmp_path_factory.mktemp("no-signal")
    data, home = simulated(folder / "data", deals=700, signal=0.0), copied(trained.home, folder / "home")
    return data, home, dealcast("train", "--data", data, "--home", home, "--json")


def test_where_nothing_tells_won_from_lost_the_gate_is_not_passed(no_signal):
    _, _, told = no_signal
    assert told.code == 4, told.err
    summary = json.loads(told.out, parse_constant=pytest.fail)
    assert summary["promoted"] is False
    failed = [finding["check"] for finding in summary["gate"] if finding["outcome"] == "failed"]
    assert "finds a signal" in failed


def test_then_the_earlier_champion_stays_and_answers(no_signal, trained):
    data, home, _ = no_signal
    assert champion(home) == champion(trained.home)
    assert aliases(load_config(Home(home)).tracking(Home(home)))[CHAMPION] == "1"
    summary = json.loads(dealcast("score", "--data", data, "--home", home, "--json").out, parse_constant=pytest.fail)
    assert summary["model_version"] == "1"
    assert summary["deals"] > 0


def test_too_few_deals_are_refused_and_the_champion_stays(few_deals, trained, tmp_path):
    home = copied(trained.home, tmp_path / "home")
    before = everything_in(home)
    told = dealcast("train", "--data", few_deals, "--home", home)
    assert told.code == 3
    assert "are too few for a model of their own" in told.err
    assert "at least 200 closed deals, 40 of each outcome" in told.err
    assert told.out == ""
    assert everything_in(home) == before


def test_one_outcome_only_is_refused(few_deals, tmp_path):
    data = copied(few_deals, tmp_path / "data")
    deals, changes = text_table(data / "opportunities.csv"), text_table(data / "changes.csv")
    won = set(changes["opportunity_id"][changes["new_value"] == "Closed Won"]) | {
        *deals["opportunity_id"][deals["is_won"] == "true"]
    }
    deals[~deals["opportunity_id"].isin(won)].to_csv(data / "opportunities.csv", index=False)
    told = dealcast("train", "--data", data, "--home", tmp_path / "home")
    assert told.code == 3
    assert "closed deals were lost; a model needs both outcomes" in told.err
    assert not (tmp_path / "home").exists()
