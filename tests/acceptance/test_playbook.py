"""`dealcast playbook`: what won deals had done by then, from the champion or from the tables themselves."""

import json

import pandas as pd
import pytest

from benchmarks._injected import DEED, USELESS
from tests.acceptance.worlds import FAST, LAST_DAY, WEEK_BEFORE, dealcast, new_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home in which nothing was trained; a playbook wants deals looked at more often than a quick model."""
    return new_home(tmp_path_factory.mktemp("playbook") / "home", FAST.replace("grid_days = 28", "grid_days = 14"))


@pytest.fixture(scope="module")
def told(instructive, home):
    out = home.parent / "made" / "playbook.csv"
    found = dealcast("playbook", "--data", instructive, "--home", home, "--as-of", LAST_DAY, "--out", out)
    assert found.code == 0, found.err
    return found, pd.read_csv(out)


def test_it_tells_the_deed_that_goes_with_winning_with_counts_within_80_columns(told):
    text, table = told
    assert max(len(line) for line in text.lines if "playbook.csv" not in line) <= 80
    section = text.out.split("\nProposal, by day ")[1].split("\n\n")[0]
    assert f"logged '{DEED}'" in section
    assert f"logged '{USELESS}'" not in text.out
    said = " ".join(text.out.split())
    assert "closed deals (" in said
    assert "Association, not a promise" in said
    row = table[(table["stage"] == "Proposal") & table["had"].str.contains(DEED)].iloc[0]
    assert row["won_had"] / row["won"] > row["lost_had"] / row["lost"] + 0.15
    assert 1 < row["low"] < row["odds"] < row["high"]


def test_how_much_was_done_is_told_as_a_fact_and_never_as_advice(told):
    text = told[0].out.split("Does more of it go with winning?")
    assert "never advice" in text[1]
    for volume in ("E-mails", "Calls", "Tasks", "Activities of any kind"):
        assert volume not in text[0]
    assert "Does not go with winning" in text[1]


def test_one_stage_and_one_kind_of_deals(instructive, home):
    ask = ("playbook", "--data", instructive, "--home", home, "--as-of", LAST_DAY)
    found = dealcast(*ask, "--stage", "proposal", "--segment", "type=renewal")
    assert found.code == 0, found.err
    assert "for deals of the type Renewal" in " ".join(found.out.split())
    assert "Negotiation, by day" not in found.out
    for wrong, near in (("--stage", "Propposal"), ("--segment", "typ=Renewal"), ("--segment", "type=Renewwal")):
        refused = dealcast(*ask, wrong, near)
        assert refused.code == 2
        assert wrong in refused.err
        assert {"Propposal": "Proposal", "typ=Renewal": "type", "type=Renewwal": "Renewal"}[near] in refused.err


def test_for_machines_everything_that_was_found_is_there(instructive, home):
    found = dealcast("playbook", "--data", instructive, "--home", home, "--as-of", LAST_DAY, "--json")
    data = json.loads(found.out, parse_constant=pytest.fail)
    assert data["model_version"] == "baseline"
    page = data["stages"]["Proposal"]
    assert page["tried"] > 20
    assert any(DEED in one["says"] for one in page["told"])
    assert {one["verdict"] for one in page["volume"]} <= {"more", "less", "alike", "not told"}


def test_deals_that_lack_it_are_told_so_without_a_champion(instructive, home):
    out = home.parent / "scores.parquet"
    assert dealcast("score", "--data", instructive, "--home", home, "--as-of", LAST_DAY, "--out", out).code == 0
    steps = [step for text in pd.read_parquet(out)["coaching"] for step in json.loads(text)]
    lacking = [step for step in steps if step["practice"] == f"count:{DEED}:1"]
    assert len(lacking) > 10
    for step in lacking:
        assert step["kind"] == "gap"
        assert step["here"] == 0
        assert step["says"].startswith(f"'{DEED}' was not logged so far. By day ")


def test_the_champions_playbook_is_that_of_its_training(trained):
    found = dealcast("playbook", "--home", trained.home, "--json")
    assert found.code == 0, found.err
    data = json.loads(found.out)
    assert data["model_version"] == "1"
    assert len(data["stages"]) == 5
    text = dealcast("playbook", "--home", trained.home)
    assert "as known on 7 Aug 2026" in " ".join(text.out.split())
    assert WEEK_BEFORE == "2026-08-07"


def test_where_nothing_holds_it_says_so(few_deals, home):
    found = dealcast("playbook", "--data", few_deals, "--home", home, "--as-of", LAST_DAY)
    assert found.code == 0, found.err
    assert "Too few to tell: 20 won and 20 lost deals are needed." in found.out


def test_without_champion_and_tables_it_says_what_to_do(home):
    found = dealcast("playbook", "--home", home)
    assert found.code == 2
    assert "--data DIR" in found.err
