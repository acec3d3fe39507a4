"""`dealcast score`: every open deal, in order of urgency, with reasons that add up."""

import json

import numpy as np
import pandas as pd
import pytest

from serving.store import Store
from tests.acceptance.worlds import (
    FAST,
    LAST_DAY,
    WEEK_BEFORE,
    copied,
    dealcast,
    new_home,
    text_table,
)

CONTRACT = [
    *("run_id", "as_of", "opportunity_id", "win_probability", "win_probability_change", "score", "grade"),
    *("win_probability_this_period", "expected_close_date", "stall_risk", "expected_amount"),
    *("expected_revenue_this_period", "revenue_at_stake", "priority", "data_confidence", "reasons", "stall_reasons"),
    *("coaching", "model_version", "scored_at"),
]


@pytest.fixture(params=["scored", "by_rates"])
def answered(request):
    """Scores by the champion, and by rates where there is none."""
    return request.getfixturevalue(request.param)


def test_it_is_done(answered):
    assert answered.told.code == 0, answered.told.err
    assert max(len(line) for line in answered.told.lines if str(answered.out.parent) not in line) <= 80


def test_the_file_has_the_columns_of_the_contract_in_order(answered):
    assert list(answered.scores.columns) == CONTRACT


def test_there_is_one_row_for_each_open_deal(answered, simulation):
    deals = simulation.tables["opportunities"]
    still_open = deals["opportunity_id"][deals["closed_at"].isna()]
    assert sorted(answered.scores["opportunity_id"]) == sorted(still_open)


def test_priority_counts_from_one_by_what_is_at_stake(answered):
    scores = answered.scores
    assert list(scores["priority"]) == list(range(1, len(scores) + 1))
    stake = scores["revenue_at_stake"].fillna(-1.0)
    assert stake.is_monotonic_decreasing
    assert stake.iloc[0] > stake.iloc[-1]


def test_probabilities_scores_and_grades_are_what_they_say(answered):
    scores = answered.scores
    for name in ("win_probability", "win_probability_this_period", "stall_risk", "data_confidence"):
        assert scores[name].between(0, 1).all(), name
    assert (scores["win_probability_this_period"] <= scores["win_probability"] + 1e-9).all()
    np.testing.assert_array_equal(scores["score"], np.clip((scores["win_probability"] * 100).round(), 1, 99))
    cut = pd.cut(scores["score"], [0, 14, 34, 59, 99], labels=["D", "C", "B", "A"]).astype(str)
    assert list(scores["grade"]) == list(cut)
    assert (pd.to_datetime(scores["expected_close_date"]) >= LAST_DAY).all()
    expected = scores["expected_amount"] * scores["win_probability_this_period"]
    np.testing.assert_allclose(scores["expected_revenue_this_period"], expected)


def test_reasons_add_up_to_the_probability(answered):
    for row in answered.scores.itertuples():
        why = json.loads(row.reasons)
        points = [reason["points"] for side in ("for", "against") for reason in why[side]]
        assert abs(why["base"] + sum(points) + why["rest"] - row.win_probability) < 0.002
        assert all(reason["points"] > 0 for reason in why["for"])
        assert all(reason["points"] < 0 for reason in why["against"])
        assert max(len(why["for"]), len(why["against"])) <= 5


def test_stall_reasons_add_up_to_the_stall_risk(scored):
    for row in scored.scores.itertuples():
        why = json.loads(row.stall_reasons)
        points = [reason["points"] for side in ("for", "against") for reason in why[side]]
        assert abs(why["base"] + sum(points) + why["rest"] - row.stall_risk) < 0.002


def test_each_reason_is_a_sentence_with_its_evidence(scored):
    reasons = [r for text in scored.scores["reasons"] for s in ("for", "against") for r in json.loads(text)[s]]
    assert len(reasons) > len(scored.scores)
    assert all(reason["says"].endswith(".") and not reason["says"][0].islower() for reason in reasons)
    shown = [reason for reason in reasons if reason["evidence"]]
    assert len(shown) > len(reasons) / 2
    assert all("won" in reason["evidence"] and "against" in reason["evidence"] for reason in shown)
    assert all(reason["deals"] >= 10 for reason in shown)


def test_the_champion_answers_for_every_deal(scored):
    assert set(scored.scores["model_version"]) == {"1"}
    assert scored.scores["win_probability"].nunique() > 50
    assert "No champion yet" not in scored.told.out


def test_without_a_champion_rates_answer_and_every_row_says_so(by_rates):
    scores = by_rates.scores
    assert set(scores["model_version"]) == {"baseline"}
    assert "No champion yet" in by_rates.told.out
    assert 2 <= scores["win_probability"].nunique() <= 5
    assert set(scores["stall_reasons"]) == {"{}"}


def test_the_change_is_against_the_run_before(scored):
    before = pd.read_parquet(scored.home.parent / "before.parquet").set_index("opportunity_id")["win_probability"]
    now = scored.scores.set_index("opportunity_id")
    np.testing.assert_allclose(
        now["win_probability_change"], (now["win_probability"] - before.reindex(now.index)).to_numpy(), atol=1e-12
    )
    assert 0 < now["win_probability_change"].notna().sum() < len(now)


def test_what_is_stored_is_what_was_written(scored):
    row = scored.scores.iloc[0]
    kept = Store.under(scored.home).latest_score(row["opportunity_id"])
    assert kept["run_id"] == row["run_id"]
    assert kept["win_probability"] == row["win_probability"]
    assert kept["reasons"] == row["reasons"]


def test_a_csv_file_says_the_same(few_deals, tmp_path):
    home, out = new_home(tmp_path / "home"), tmp_path / "scores.csv"
    told = dealcast("score", "--data", few_deals, "--home", home, "--out", out, "--as-of", LAST_DAY)
    assert told.code == 0, told.err
    written, table = text_table(out), tmp_path / "scores.parquet"
    dealcast("score", "--data", few_deals, "--home", home, "--out", table, "--as-of", LAST_DAY)
    expected = pd.read_parquet(table)
    assert list(written.columns) == CONTRACT
    assert list(written["opportunity_id"]) == list(expected["opportunity_id"])
    np.testing.assert_array_equal(written["win_probability"].astype(float), expected["win_probability"])
    assert list(written["reasons"]) == list(expected["reasons"])
    assert set(written["as_of"]) == {"2026-08-14T23:59:59Z"}
    assert list(written["expected_close_date"]) == [f"{day:%Y-%m-%d}" for day in expected["expected_close_date"]]


@pytest.mark.parametrize("ending", [".xlsx", ".CSV.zip", ""])
def test_a_wrong_ending_is_refused_before_any_work(tmp_path, ending):
    home = tmp_path / "home"
    told = dealcast("score", "--data", tmp_path / "nowhere", "--home", home, "--out", tmp_path / f"scores{ending}")
    assert told.code == 2
    assert "a .csv or .parquet file" in told.err
    assert "reading" not in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("top", ["0", "-3", "2.5", "all"])
def test_a_list_of_no_length_is_wrong_use(few_deals, tmp_path, top):
    told = dealcast("score", "--data", few_deals, "--home", tmp_path / "home", f"--top={top}")
    assert told.code == 2
    assert not (tmp_path / "home").exists()


def test_json_is_a_summary_for_machines(few_deals, tmp_path):
    told = dealcast("score", "--data", few_deals, "--home", tmp_path / "home", "--json")
    assert told.code == 0, told.err
    summary = json.loads(told.out, parse_constant=pytest.fail)
    assert summary["model_version"] == "baseline"
    assert summary["deals"] > 0
    assert summary["run_id"].startswith("score-")
    assert any("No champion yet" in note for note in summary["notes"])


@pytest.mark.parametrize("home_of", ["trained", "nobody"])
def test_where_no_deal_is_open_the_answer_is_empty_and_all_is_well(request, few_deals, tmp_path, home_of):
    data = copied(few_deals, tmp_path / "data")
    deals = text_table(data / "opportunities.csv")
    deals[deals["closed_at"] != ""].to_csv(data / "opportunities.csv", index=False)
    home = tmp_path / "home"
    if home_of == "trained":
        copied(request.getfixturevalue("trained").home, home)
    for ending in ("csv", "parquet"):
        out = tmp_path / f"scores.{ending}"
        told = dealcast("score", "--data", data, "--home", home, "--out", out)
        assert told.code == 0, told.err
        written = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
        assert (list(written.columns), len(written)) == (CONTRACT, 0)
    assert json.loads(dealcast("score", "--data", data, "--home", home, "--json").out)["deals"] == 0


def test_a_table_that_is_missing_is_said_and_is_no_fact_about_a_deal(trained, tmp_path):
    """The champion knows replies and roles; where nobody exported them, no deal may be blamed for having none."""
    data, home = copied(trained.data, tmp_path / "data"), copied(trained.home, tmp_path / "home")
    for name in ("activities", "contact_roles"):
        (data / f"{name}.csv").unlink()
    out = tmp_path / "scores.parquet"
    told = dealcast("score", "--data", data, "--home", home, "--as-of", LAST_DAY, "--out", out)
    assert told.code == 0, told.err
    notes = " ".join(told.out.split())
    assert "features cannot be had from these tables" in notes
    assert "there are no activities" in notes
    text = "".join(pd.read_parquet(out)["reasons"])
    for blame in ("Nobody at the buyer", "has not been heard from", "No activity", "No meeting"):
        assert blame not in text
    assert "Not known, because there are no activities." in text


def test_scores_of_dates_that_the_champion_has_learned_from_are_said_to_flatter(trained, tmp_path):
    home = copied(trained.home, tmp_path / "home")
    told = dealcast("score", "--data", trained.data, "--home", home, "--as-of", "2026-05-01")
    assert "these answers flatter" in " ".join(told.out.split())
    assert "these answers flatter" not in " ".join(dealcast("explain", "x", "--home", home).out.split())


def test_grades_are_the_companys_to_choose(few_deals, tmp_path):
    home, out = new_home(tmp_path / "home", FAST + "\n[grades]\na = 3\nb = 2\nc = 1\n"), tmp_path / "scores.csv"
    assert dealcast("score", "--data", few_deals, "--home", home, "--out", out, "--as-of", WEEK_BEFORE).code == 0
    assert set(text_table(out)["grade"]) == {"A"}
