"""`dealcast backtest`: the record of past forecasts, taken up where it was left, taught to the next forecast."""

import json
from pathlib import Path

import pandas as pd
import pytest

from crm.simulator import SimulatorSettings, simulate
from pipelines import backtest as running
from pipelines.config import Home
from tests.acceptance.worlds import dealcast

QUICK = '[data]\nfixed = ["type", "lead_source", "product", "region"]\n\n[gate]\nleast_closed = 100000\n'
"""No company has so many closed deals: rates forecast, and no model has to be fitted."""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    for name, frame in simulate(SimulatorSettings(deals=500, years=1.75, reps=4, seed=5)).tables.frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def home_in(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "dealcast.toml").write_text(QUICK, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory, data) -> Path:
    home = home_in(tmp_path_factory.mktemp("home"))
    told = dealcast("backtest", "--data", data, "--home", home, "--periods", 2, "--out", home / "record.csv")
    assert told.code == 0, told.err
    (home / "told.txt").write_text(told.out, encoding="utf-8")
    return home


def test_the_record_stands_beside_the_baselines(home):
    text = (home / "told.txt").read_text(encoding="utf-8")
    for line in ("Dealcast", "stage-weighted pipeline", "commit category", "run rate", "range held"):
        assert line in text
    assert "Forecasts of the last 2 full periods" in text
    *lines, where = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert where.endswith(f"are in {home / 'record.csv'}.")
    record = pd.read_csv(home / "record.csv")
    assert set(record["level"]) == {"company", "region", "manager", "owner"}
    sums = record[record["method"] == "Dealcast"].groupby(["as_of", "window", "level"])[["forecast", "actual"]].sum()
    for _, rows in sums.groupby(["as_of", "window"]):
        assert (rows.max() - rows.min() < 0.01).all()


def test_the_run_is_logged_with_its_record_and_the_fan(home):
    logged = {path.name for path in (home / "mlartifacts").rglob("*") if path.is_file()}
    assert {"record.parquet", "fan.png", "scores.json"} <= logged


def test_what_has_been_done_is_not_done_again(home, data):
    told = dealcast("backtest", "--data", data, "--home", home, "--periods", 2, "--json")
    found = json.loads(told.out, parse_constant=pytest.fail)
    assert (found["parts"], found["resumed"]) == (2, 2)
    ours = [score for score in found["scores"] if score["method"] == "Dealcast" and score["level"] == "company"]
    assert {score["window"] for score in ours} == {0, 1}
    assert all(score["wape"] >= 0 for score in ours)


def test_an_interrupted_run_is_taken_up(tmp_path, data, home):
    other = home_in(tmp_path / "other")

    def until_the_second_part(what: str, told: list[str] = []) -> None:  # noqa: B006 (what was told)
        told.append(what)
        if sum("forecasting from" in each for each in told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.backtest(data, "now", Home(other), 2, None, until_the_second_part)
    assert not Home(other).record.exists()
    again = running.backtest(data, "now", Home(other), 2, None, lambda what: None)
    assert (again.parts, again.resumed) == (2, 1)
    whole = pd.read_parquet(Home(home).record)
    pd.testing.assert_frame_equal(again.record, whole)


def test_a_forecast_learns_from_the_record(tmp_path, data, home):
    words = ("forecast", "--data", data, "--json")
    taught = json.loads(dealcast(*words, "--home", home).out)
    alone = json.loads(dealcast(*words, "--home", home_in(tmp_path / "alone")).out)
    untried = "have not been held against past periods"
    assert not any(untried in note for note in taught["notes"])
    assert any(untried in note for note in alone["notes"])
    told = " ".join(dealcast(*words[:-1], "--home", home).out.split())
    assert "before the end of the last 2 quarters the range held in" in told
    company = [next(row for row in told["forecast"] if row["level"] == "company") for told in (taught, alone)]
    assert company[0]["p90"] - company[0]["p10"] != pytest.approx(company[1]["p90"] - company[1]["p10"], rel=1e-3)


def test_a_history_of_a_few_weeks_is_refused_with_a_reason(tmp_path, data):
    told = dealcast("backtest", "--data", data, "--home", home_in(tmp_path / "home"), "--as-of", "2024-12-20")
    assert told.code == 3
    assert "too short to try a forecast on the past" in told.err
