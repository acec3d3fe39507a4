"""`dealcast coach`: reps against their team, teams against the company, counts shown, small ones drawn in."""

import json

import pandas as pd
import pytest

from benchmarks._injected import DEED
from tests.acceptance.worlds import LAST_DAY, dealcast, new_home


@pytest.fixture(scope="module")
def ask(instructive, tmp_path_factory):
    home = new_home(tmp_path_factory.mktemp("coach") / "home")
    return ("coach", "--data", instructive, "--home", home, "--as-of", LAST_DAY)


@pytest.fixture(scope="module")
def told(ask, tmp_path_factory):
    out = tmp_path_factory.mktemp("coach-out") / "coach.parquet"
    found = dealcast(*ask, "--out", out)
    assert found.code == 0, found.err
    return found, pd.read_parquet(out)


@pytest.fixture(scope="module")
def users(instructive):
    return pd.read_csv(instructive / "users.csv", dtype=str)


def test_every_team_and_owner_is_told_with_names_in_80_columns(told, users):
    text, table = told
    assert max(len(line) for line in text.lines if "coach.parquet" not in line) <= 80
    names = users.set_index("user_id")["name"]
    said = " ".join(text.out.split())
    for key in table.loc[(table["level"] == "manager") & (table["tries"] > 0), "key"].unique():
        assert f"Team of {names[key]}" in said
    for key in table.loc[(table["level"] == "owner") & (table["tries"] > 0), "key"].unique():
        assert names[key] in said
    assert "no ranking" in said
    assert "beyond chance" in said


def test_shares_lie_between_the_counts_and_the_whole_and_few_are_drawn_far(told):
    table = told[1]
    tried = table[table["tries"] > 0]
    own = tried["hits"] / tried["tries"]
    low, high = (
        pd.concat([own, tried["whole"]], axis=1).min(axis=1),
        pd.concat([own, tried["whole"]], axis=1).max(axis=1),
    )
    assert ((tried["share"] >= low - 1e-9) & (tried["share"] <= high + 1e-9)).all()
    differing = tried[tried["differs"] != ""]
    assert ((differing["low"] > differing["whole"]) | (differing["high"] < differing["whole"])).all()
    assert len(differing) < 0.1 * len(tried)


def test_owners_add_up_to_their_team(told):
    table = told[1]
    owners, teams = table[table["level"] == "owner"], table[table["level"] == "manager"]
    for what in ("hits", "tries", "open_lacking", "open_asked"):
        of_owners = owners.groupby(["team", "kind", "stage", "practice"])[what].sum()
        of_teams = teams.set_index(["team", "kind", "stage", "practice"])[what]
        assert (of_owners.reindex(of_teams.index) == of_teams).all()


def test_the_step_that_open_deals_miss_is_named(told):
    text, table = told
    missing = table[(table["practice"] == f"count:{DEED}:1") & (table["level"] == "manager")]
    assert missing["open_lacking"].sum() > 10
    assert "have not logged" in " ".join(text.out.split())
    assert DEED in text.out


def test_nothing_ranks_people_or_counts_how_much_they_do(told):
    table = told[1]
    assert set(table["kind"]) == {"stall", "step"}
    assert not [column for column in table if "rank" in column]


def test_one_rep_with_all_counts_by_id_or_by_name(ask, users, told):
    owners = told[1][told[1]["level"] == "owner"].groupby("key")["tries"].sum()
    who = owners.idxmax()
    name = users.set_index("user_id")["name"][who]
    by_id, by_name = dealcast(*ask, "--owner", who), dealcast(*ask, "--owner", name.upper())
    assert by_id.code == 0, by_id.err
    assert by_id.out == by_name.out
    assert "no difference beyond chance" in " ".join(by_id.out.split())
    assert max(len(line) for line in by_id.lines) <= 80
    told_of = [
        line.split(":")[0].strip() for line in by_id.lines if line.startswith("  ") and " stays in a stage" in line
    ]
    assert told_of == [name]


def test_one_team_as_json(ask, users, told):
    team = told[1].loc[told[1]["level"] == "manager", "key"].iloc[0]
    found = dealcast(*ask, "--team", team, "--json")
    data = json.loads(found.out, parse_constant=pytest.fail)
    assert data["level"] == "manager"
    assert {row["team"] for row in data["rows"]} == {team}
    assert data["names"][team] == users.set_index("user_id")["name"][team]


def test_whom_the_tables_do_not_know_is_refused_with_near_ones(ask, users):
    refused = dealcast(*ask, "--owner", "Nobody Such")
    assert refused.code == 2
    assert "there is no owner 'Nobody Such'" in refused.err
    near = users["name"].dropna().iloc[5]
    refused = dealcast(*ask, "--owner", near[:-1] + "x")
    assert refused.code == 2
    assert "--owner" in refused.err
