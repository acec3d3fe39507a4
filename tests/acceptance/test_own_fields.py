"""Fields of a company's own: `dealcast.toml` alone gives them features, in the words of the guide."""

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from tests.acceptance.worlds import FAST, copied, dealcast, new_home, text_table

GUIDE = Path(__file__).parents[2] / "docs" / "your-data.md"
LEVELS = ("Acme", "Globex", "Initech")
VALUES = {
    "Tender__c": ("true", "false"),
    "Seats__c": ("10", "1200", ""),
    "Discount__c": ("0", "1500.50"),
    "Plan__c": ("", "call them, then send the offer"),
    "Competitor__c": (*LEVELS, ""),
    "Pilot_Start__c": ("2026-03-31", "2026-06-01T10:00:00Z", "soon"),
}
FEATURES = {
    "Tender__c": 2,
    "Seats__c": 4,
    "Discount__c": 4,
    "Plan__c": 4,
    "Competitor__c": 5 + len(LEVELS) + 1,
    "Pilot_Start__c": 3,
}


def of_the_guide() -> str:
    """The configuration under "Fields of your own"."""
    section = GUIDE.read_text(encoding="utf-8").split("## Fields of your own")[1]
    return section.split("```toml\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def data(few_deals, tmp_path_factory):
    """A company whose deals have the guide's columns; all but the tender and the discount are tracked."""
    folder = copied(few_deals, tmp_path_factory.mktemp("own") / "data")
    deals = text_table(folder / "opportunities.csv")
    for column, values in VALUES.items():
        deals[column] = [values[row % len(values)] for row in range(len(deals))]
    deals.to_csv(folder / "opportunities.csv", index=False)
    changes = text_table(folder / "changes.csv")
    moves = [
        {**row, "field": column, "old_value": values[0], "new_value": values[place % len(values)]}
        for column, values in VALUES.items()
        if column not in ("Tender__c", "Discount__c")
        for place, row in enumerate(changes.iloc[:90].to_dict("records"))
    ]
    pd.concat([changes, pd.DataFrame(moves)]).to_csv(folder / "changes.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return new_home(tmp_path_factory.mktemp("home") / "home", of_the_guide())


@pytest.fixture(scope="module")
def told(data, home):
    return dealcast("check", "--data", data, "--home", home, "--json")


def test_the_guide_shows_every_kind_and_these_columns():
    shown = tomllib.loads(of_the_guide())
    kinds = {entry if isinstance(entry, str) else entry["kind"] for entry in shown["fields"].values()}
    assert kinds == {"category", "number", "money", "date", "flag", "text"}
    assert set(shown["fields"]) == set(VALUES)


def test_a_configuration_alone_gives_the_new_features(told, data, tmp_path):
    assert told.code == 0, told.err
    plain = json.loads(dealcast("check", "--data", data, "--home", tmp_path / "none", "--json").out)
    found = json.loads(told.out)
    of_kind = 2  # offer:sent is counted, and the days since
    assert found["features"] == plain["features"] + of_kind + sum(FEATURES.values()) - FEATURES["Discount__c"]


def test_a_field_that_is_neither_tracked_nor_fixed_is_left_out_and_it_says_so(told):
    absent = json.loads(told.out)["absent_features"]
    assert absent["Discount__c has no recorded history and is not declared fixed"] == [
        f"field:Discount__c:{what}" for what in ("value", "change", "changes", "days_since_change")
    ]
    assert not any(
        name.startswith("field:") for why, names in absent.items() if "Discount" not in why for name in names
    )


def test_no_row_is_lost_and_what_cannot_be_read_is_counted(told, data, home, tmp_path):
    plain = json.loads(dealcast("check", "--data", data, "--home", tmp_path / "none", "--json").out)
    assert json.loads(told.out)["set_aside"] == plain["set_aside"]
    text = " ".join(dealcast("check", "--data", data, "--home", home).out.split())
    assert "taken with a note: Pilot_Start__c: not a day, read as missing" in text


def test_a_kind_that_does_not_occur_is_noted(told):
    assert any("'offer:sent' does not occur" in note for note in json.loads(told.out)["notes"])


def test_a_column_that_is_not_there_is_refused(data, tmp_path):
    home = new_home(tmp_path / "home", '[fields]\nCompetitor = "category"\n')
    refused = dealcast("check", "--data", data, "--home", home)
    assert refused.code == 3
    assert "no column 'Competitor'" in refused.err
    assert "write 'Competitor__c'" in refused.err


def test_a_column_that_has_features_already_is_refused(data, tmp_path):
    home = new_home(tmp_path / "home", '[fields]\namount = "money"\n')
    refused = dealcast("check", "--data", data, "--home", home)
    assert refused.code == 2
    assert "'amount' is a column that Dealcast knows" in refused.err


def test_deals_are_scored_with_them(data, tmp_path):
    without_data = of_the_guide().split("\n\n", 1)[1]  # FAST has its own
    home = new_home(tmp_path / "home", FAST + without_data)
    out = tmp_path / "scores.parquet"
    told = dealcast("score", "--data", data, "--home", home, "--out", out)
    assert told.code == 0, told.err
    assert len(pd.read_parquet(out))
