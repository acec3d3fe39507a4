"""`dealcast forecast adjust` and `adjustments`: people's own numbers beside the model's, and who was nearer."""

import json
from pathlib import Path

import pandas as pd
import pytest

from serving.store import Store
from tests.acceptance.worlds import LAST_DAY, copied, dealcast, new_home


def test_without_a_forecast_there_is_nothing_to_stand_beside(tmp_path):
    told = dealcast("forecast", "adjust", "--level", "company", "--key", "company", "--amount", 5, "--home", tmp_path)
    assert told.code == 2
    assert "no forecast has been kept here yet" in told.err
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def past(company, trained, tmp_path_factory) -> tuple[Path, pd.DataFrame]:
    """A home in which a quarter that is over by now was forecast, and the forecast."""
    home = new_home(tmp_path_factory.mktemp("past") / "home")
    told = dealcast("forecast", "--data", company, "--home", home, "--as-of", "2026-05-15")
    assert told.code == 0, told.err
    return home, Store.under(home).latest_forecast()


def test_a_managers_own_number_is_kept_and_judged_once_the_period_is_over(past, company, simulation, tmp_path):
    home, forecast = copied(past[0], tmp_path / "home"), past[1]
    row = forecast[forecast["level"] == "manager"].iloc[0]
    adjust = ("forecast", "adjust", "--home", home, "--level", "manager")
    told = dealcast(*adjust, "--key", row["key"], "--amount", 250000, "--note", "two renewals are agreed")
    assert told.code == 0, told.err
    assert f"Kept for {row['name']}, Q2 2026: 250\xa0k" in told.out
    by_name = dealcast(*adjust, "--key", row["name"].upper(), "--amount", "1e5", "--period", "q3  2026", "--json")
    assert json.loads(by_name.out)["key"] == row["key"]
    assert json.loads(by_name.out)["period_start"] == "2026-07-01"
    assert dealcast(*adjust, "--key", row["key"], "--amount", 3, "--period", "2026-06-30").code == 0
    listed = json.loads(dealcast("forecast", "adjustments", "--home", home, "--json").out)
    assert [one["period"] for one in listed["adjustments"]] == ["Q2 2026", "Q3 2026", "Q2 2026"]
    first = listed["adjustments"][0]
    assert (first["model_mean"], first["model_p10"]) == (row["mean"], row["p10"])
    assert (first["run_id"], first["note"]) == (row["run_id"], "two renewals are agreed")
    assert listed["authors"] is None

    judged = json.loads(
        dealcast("forecast", "adjustments", "--home", home, "--data", company, "--as-of", LAST_DAY, "--json").out
    )
    deals, users = simulation.tables["opportunities"], simulation.tables["users"]
    team = set(users.loc[users["manager_id"] == row["key"], "user_id"])
    closed = deals["closed_at"].between("2026-04-01T00:00:00Z", "2026-06-30T23:59:59.999999Z")
    won = deals[closed & (deals["is_won"] == True) & deals["owner_id"].isin(team)]  # noqa: E712
    actual = judged["adjustments"][0]["actual"]
    assert actual == pytest.approx(won["amount"].sum(), abs=0.01)
    assert judged["adjustments"][1]["actual"] is None, "Q3 is not over"
    assert judged["adjustments"][2]["error"] == pytest.approx(3 - actual)
    (author,) = judged["authors"]
    assert author["numbers"] == 1, "the last number for the period counts"
    assert author["mean_error"] == pytest.approx(abs(3 - actual))
    text = dealcast("forecast", "adjustments", "--home", home, "--data", company, "--as-of", LAST_DAY)
    assert "too few to tell who is nearer" in " ".join(text.out.split())
    assert max(map(len, text.lines)) <= 80


def test_own_numbers_stand_below_the_next_forecast(past, company, tmp_path):
    home = copied(past[0], tmp_path / "home")
    for amount in (1_000_000, 2_000_000):
        dealcast("forecast", "adjust", "--home", home, "--level", "company", "--key", "company", "--amount", amount)
    told = dealcast("forecast", "--data", company, "--home", home, "--as-of", "2026-05-22", "--level", "company")
    said = " ".join(told.out.split())
    assert "company, Q2 2026: 2.0 M by" in said
    assert "1.0 M by" not in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--level", "manager", "--key", "U9999", "--amount", 1), "no manager 'U9999'"),
        (("--level", "owner", "--key", "NEAR", "--amount", 1), "such as"),
        (("--level", "company", "--key", "company", "--amount", 1, "--period", "Q1 2020"), "Q2 2026 or Q3 2026"),
        (("--level", "company", "--key", "company", "--amount", 1, "--period", "2026-10-01"), "no period '2026-10-01'"),
        (("--level", "company", "--key", "company", "--amount", "nan"), "not an amount"),
        (("--level", "company", "--key", "company", "--amount", "lots"), "invalid float"),
        (("--level", "team", "--key", "company", "--amount", 1), "invalid choice"),
    ],
)
def test_what_the_forecast_does_not_have_is_wrong_use_and_nothing_is_kept(past, words, says):
    home, forecast = past
    owner = forecast.loc[forecast["level"] == "owner", "key"].iloc[3]
    told = dealcast("forecast", "adjust", "--home", home, *(f"{owner}x" if word == "NEAR" else word for word in words))
    assert told.code == 2
    assert says in told.err
    if "NEAR" in words:
        assert owner in told.err
    assert Store.under(home).adjustments() == ()


def test_where_nobody_has_kept_a_number_that_is_said(tmp_path):
    told = dealcast("forecast", "adjustments", "--home", tmp_path / "none")
    assert told.code == 0
    assert told.out.startswith("Nobody has kept a number yet")
    assert not (tmp_path / "none").exists()
