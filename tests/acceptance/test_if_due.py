"""`dealcast train --if-due`: nothing is done until there is a reason, and the reason is said."""

import json

import pandas as pd
import pytest

from serving.store import Store
from tests.acceptance.worlds import FAST, LAST_DAY, WEEK_BEFORE, copied, dealcast, everything_in, text_table


@pytest.fixture
def home(trained, tmp_path):
    """The home of a champion trained a week before the last day."""
    return copied(trained.home, tmp_path / "home")


def if_due(home, data, *more):
    return dealcast("train", "--if-due", "--data", data, "--home", home, *more)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_week_later_it_is_not_due_and_nothing_is_written(home, trained):
    before = everything_in(home)
    told = if_due(home, trained.data, "--as-of", LAST_DAY)
    assert told.code == 0, told.err
    assert told.lines[0] == "A retraining is not due."
    text = words(told.out)
    assert "✓ age: The champion's data end on 2026-08-07, 7 days before today's; 30 may pass." in text
    assert "– promise: Fewer than 50 deals" in text
    assert "✓ drift: Stability index of the scores 0." in text
    assert max(map(len, told.lines)) <= 80
    changed = {name for name, content in everything_in(home).items() if before.get(name) != content}
    assert {name for name in changed if "-wal" not in name and "-shm" not in name} == set()


def test_for_machines(home, trained):
    said = json.loads(if_due(home, trained.data, "--json").out, parse_constant=pytest.fail)
    assert (said["due"], said["trained"], said["wait"]) == (False, None, "")
    assert {name: one["says"] for name, one in said["reasons"].items()} == {
        "age": "not due",
        "promise": "not known yet",
        "drift": "not due",
    }


@pytest.mark.slow
def test_an_old_champion_is_trained_again_and_then_it_is_not_due(home, trained):
    (home / "dealcast.toml").write_text(f"{FAST}\n[retrain]\nmax_age_days = 7\n", encoding="utf-8")
    told = if_due(home, trained.data, "--as-of", LAST_DAY)
    assert told.code in (0, 4), told.err
    assert told.lines[0] == "A retraining is due."
    assert "! age: " in told.out
    assert "Version 2 " in told.out
    assert len(Store.under(home).models()) == 2
    again = if_due(home, trained.data, "--as-of", LAST_DAY)
    assert (again.code, again.lines[0]) == (0, "A retraining is not due.")
    assert len(Store.under(home).models()) == 2


@pytest.mark.slow
def test_activities_that_no_longer_come_are_drift(home, trained, tmp_path):
    """The link to the mail system broke four weeks ago: what is quiet now was not quiet in training."""
    data = copied(trained.data, tmp_path / "data")
    activities = text_table(data / "activities.csv")
    at = pd.to_datetime(activities["occurred_at"], utc=True, format="ISO8601", errors="coerce")
    activities[~(at > pd.Timestamp("2026-07-10", tz="UTC"))].to_csv(data / "activities.csv", index=False)
    (home / "dealcast.toml").write_text(f"{FAST}\n[gate]\nsuspicious_auc = 0.5\n", encoding="utf-8")
    told = if_due(home, data, "--as-of", LAST_DAY)
    assert told.lines[0] == "A retraining is due."
    assert "! drift: " in told.out
    assert "days_since_touch" in words(told.out).split("Version 2")[0]
    # It did not pass the gate; it is not tried every night.
    assert told.code == 4
    again = if_due(home, data, "--as-of", LAST_DAY)
    assert (again.code, again.lines[0]) == (0, "A retraining is not due.")
    assert "Version 2, trained on data until 2026-08-14, is not champion." in words(again.out)
    assert "from 2026-08-21." in words(again.out)


def test_without_a_champion_one_is_trained_and_too_few_deals_are_refused(few_deals, tmp_path):
    told = if_due(tmp_path / "home", few_deals, "--as-of", WEEK_BEFORE)
    assert told.code == 3
    assert "are too few for a model of their own" in told.err
    assert not (tmp_path / "home").exists()


def test_a_damaged_champion_is_said_before_anything_is_trained(home, trained):
    (folder,) = (home / "models").iterdir()
    (folder / "win.txt").write_text("x")
    told = if_due(home, trained.data)
    assert told.code == 1
    assert "are not those that were trained" in told.err
