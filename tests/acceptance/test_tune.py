"""`dealcast train --tune`: settings that are found, told, logged, and kept by the trainings after it."""

import json
import tomllib
from dataclasses import replace

import pytest

from pipelines import tuning
from serving.store import Store
from tests.acceptance.worlds import FAST, LAST_DAY, WEEK_BEFORE, copied, dealcast, new_home, simulated
from tests.training.examples import TUNED
from training.deal_model import load

TRIALS = 2
SEARCH = f"{FAST}\n[tuning]\ntrials = {TRIALS}\n"


def newest(home):
    return Store.under(home).models()[-1]


def facts_of(home):
    row = newest(home)
    return load(home / "models" / row["folder"], row["sha256"]).facts


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small company without activities, whose features are few, as every trial fits anew."""
    data = simulated(tmp_path_factory.mktemp("small") / "data", deals=700, signal=2.5)
    for table in ("activities", "contact_roles"):
        (data / f"{table}.csv").unlink()
    return data


@pytest.fixture(scope="module")
def searched(data, tmp_path_factory):
    """A home trained with a real search, and what was told."""
    home = new_home(tmp_path_factory.mktemp("tuned") / "home", SEARCH)
    return home, dealcast("train", "--tune", "--data", data, "--home", home, "--as-of", WEEK_BEFORE)


@pytest.mark.slow
def test_the_search_is_told_step_by_step_and_what_it_found(searched):
    home, told = searched
    assert told.code in (0, 4), told.err
    steps = [line for line in told.err.splitlines() if "tuning, trial" in line]
    assert steps == [f"training {3 + number}/{6 + TRIALS}: tuning, trial {number + 1} of {TRIALS}" for number in (0, 1)]
    assert f"training {6 + TRIALS}/{6 + TRIALS}: " in told.err
    words = " ".join(told.out.split())
    tuned = facts_of(home)["tuning"]
    assert (
        f"Tuned on what was known by {tuned['known_until'][:10]}: 2 trials on {tuned['splits']} splits by time" in words
    )
    assert tuned["splits"] > 1
    assert f"num_leaves {tuned['start']['num_leaves']} {tuned['best']['num_leaves']}" in words
    assert max(map(len, told.lines)) <= 80


@pytest.mark.slow
def test_nothing_that_judges_the_model_was_looked_at_and_the_configured_settings_were_left(searched):
    facts = facts_of(searched[0])
    assert facts["tuning"]["known_until"] == facts["evaluation"]["fit_until"]
    assert facts["parameters"]["learning_rate"] == tomllib.loads(FAST)["training"]["learning_rate"]
    assert "learning_rate" not in facts["tuning"]["start"]
    expected = facts["tuning"]["settings"]
    assert {name: facts["parameters"][name] for name in expected} == expected


@pytest.mark.slow
def test_once_more_the_same_comes_out_to_the_byte(searched, data, tmp_path):
    home = new_home(tmp_path / "home", SEARCH)
    told = dealcast("train", "--tune", "--json", "--data", data, "--home", home, "--as-of", WEEK_BEFORE)
    assert newest(home)["sha256"] == newest(searched[0])["sha256"]
    said = json.loads(told.out, parse_constant=pytest.fail)["tuning"]
    assert said == facts_of(searched[0])["tuning"]
    assert [one["number"] for one in said["trials"]] == list(range(TRIALS))


@pytest.mark.slow
def test_later_trainings_keep_what_was_found_until_the_configuration_says_otherwise(trained, tmp_path, monkeypatch):
    home = copied(trained.home, tmp_path / "home")
    configuration = f"{FAST}\n[retrain]\nmax_age_days = 7\n[gate]\nworst_slope = 0.1\n"
    (home / "dealcast.toml").write_text(configuration, encoding="utf-8")
    hasty = replace(TUNED, best=replace(TUNED.best, learning_rate=0.3, most_rounds=30))
    monkeypatch.setattr(tuning, "tune", lambda *given: hasty)
    due = ("train", "--if-due", "--data", trained.data, "--home", home)
    told = dealcast(*due, "--tune", "--as-of", LAST_DAY)
    assert told.lines[0] == "A retraining is due."
    assert "trained with the tuned settings" in " ".join(told.out.split())
    assert facts_of(home)["parameters"]["num_leaves"] == 7
    assert dealcast("promote", newest(home)["version"], "--force", "--reason", "a test", "--home", home).code == 0

    (home / "dealcast.toml").write_text(configuration.replace("[training]", "[training]\nnum_leaves = 9"))
    told = dealcast("train", "--data", trained.data, "--home", home, "--as-of", LAST_DAY)
    words = " ".join(told.out.split())
    kept = facts_of(home)
    assert f"tuned for the champion on what was known by {kept['tuning']['known_until'][:10]}: lambda_l2 31.5." in words
    assert (kept["parameters"]["num_leaves"], kept["parameters"]["lambda_l2"]) == (9, 31.5)


def test_with_nothing_due_nothing_is_tuned(trained, tmp_path, monkeypatch):
    home = copied(trained.home, tmp_path / "home")
    monkeypatch.setattr(tuning, "tune", pytest.fail)
    told = dealcast("train", "--tune", "--if-due", "--data", trained.data, "--home", home, "--as-of", LAST_DAY)
    assert (told.code, told.lines[0]) == (0, "A retraining is not due.")


def test_how_many_trials_is_a_whole_number_from_one(company, tmp_path):
    home = new_home(tmp_path / "home", "[tuning]\ntrials = 0\n")
    told = dealcast("train", "--tune", "--data", company, "--home", home)
    assert told.code == 2
    assert "[tuning] trials: 0 does not fit" in told.err
