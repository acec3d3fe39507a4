"""The main job on histories that nobody here made up."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks._came import outcomes
from benchmarks._real_data import mapping_of_the_guide
from crm.clock import parse_as_of
from crm.history import known_by
from crm.sources.files import read_folder
from features.dataset import training_set
from features.histories import Histories
from features.settings import propose
from pipelines.cli import main
from training.models.rates import win_rates
from training.rows import all_rows
from training.scores import auc, log_losses

AS_OF, LATER = "2011-12-18", "2012-01-15"


@pytest.fixture(scope="module")
def loan_offers(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What names the loan offers as of the date, and a home with a champion."""
    home = tmp_path_factory.mktemp("loan_offers") / "home"
    common = ["--data", str(real_data / "loan_offers"), "--as-of", AS_OF, "--home", str(home)]
    assert main(["train", *common]) == 0
    return common


@pytest.fixture(scope="module")
def loan_scores(loan_offers: list[str], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    out = tmp_path_factory.mktemp("scores") / "scores.parquet"
    assert main(["score", *loan_offers, "--out", str(out)]) == 0
    return pd.read_parquet(out)


@pytest.mark.slow
def test_loan_offers_scores_beat_base_rate_and_stage_rates_on_what_came_after(
    loan_scores: pd.DataFrame, real_data: Path
) -> None:
    tables = read_folder(real_data / "loan_offers").tables
    then = parse_as_of(AS_OF)
    histories = Histories(known_by(tables, then))
    training = training_set(histories, propose(histories), then)
    later = Histories(known_by(tables, parse_as_of(LATER)))
    came = outcomes(later, loan_scores["opportunity_id"], then, training.time.stall_days)
    closed = came.outcome >= 0
    assert closed.sum() == 480
    y, p = (came.outcome[closed] == 1).astype(float), loan_scores["win_probability"].to_numpy()[closed]
    rates = win_rates(all_rows(training))
    loss = log_losses(y, p).mean()
    assert loss < log_losses(y, np.full(len(y), rates.overall)).mean() - 0.05
    assert loss < log_losses(y, rates.probability(came.stage[closed])).mean() - 0.01
    assert auc(y, p) > 0.68
    assert auc(came.stalled, loan_scores["stall_risk"].to_numpy()) > 0.68


@pytest.mark.slow
def test_loan_offers_are_the_deals_open_then_with_settings_that_fit_short_cycles(
    loan_scores: pd.DataFrame, real_data: Path
) -> None:
    tables = read_folder(real_data / "loan_offers").tables
    histories = Histories(known_by(tables, parse_as_of(AS_OF)))
    assert set(loan_scores["opportunity_id"]) == set(
        histories.deals.loc[histories.deals["closed_at"].isna(), "opportunity_id"]
    )
    time = propose(histories)
    assert time.grid_days <= 3
    assert 7 <= time.horizon_days <= 28
    assert time.calendar.period in ("week", "month")
    ahead = (pd.to_datetime(loan_scores["expected_close_date"]) - pd.Timestamp(AS_OF)) / pd.Timedelta(days=1)
    assert 3 < ahead.median() < 40


@pytest.mark.slow
@pytest.mark.parametrize("champion", [True, False], ids=["champion", "rates"])
def test_loan_offers_are_forecast_at_every_level(
    loan_offers: list[str], real_data: Path, tmp_path: Path, champion: bool
) -> None:
    out = tmp_path / "forecast.parquet"
    home = [] if champion else ["--home", str(tmp_path / "home")]
    assert main(["forecast", *loan_offers, *home, "--out", str(out)]) == 0
    table = pd.read_parquet(out)
    cents = (table[["already_won", "open_pipeline", "new_business", "mean"]] * 100).round().astype(int)
    assert (cents.iloc[:, :3].sum(axis=1) == cents["mean"]).all()
    sums = cents.groupby([table["period_start"], table["level"]]).sum()
    assert set(table["level"]) == {"company", "owner"}
    for _, levels in sums.groupby("period_start"):
        assert (levels == levels.iloc[0]).all(axis=None)
    tables = known_by(read_folder(real_data / "loan_offers").tables, parse_as_of(AS_OF))
    deals = tables["opportunities"]
    won = deals[deals["is_won"].fillna(False) & (deals["closed_at"] >= "2011-12-01T00:00:00Z")]
    assert table["already_won"].iloc[0] == pytest.approx(won["amount"].sum(), abs=0.01)
    assert str(table["period_end"].iloc[0]) == "2011-12-31"


def test_todays_owner_of_a_closed_loan_offer_is_not_taken_for_the_owner_then(real_data: Path) -> None:
    tables = read_folder(real_data / "loan_offers").tables
    histories = Histories(tables)
    spans = histories.episodes
    closed = histories.closed
    middle = (spans.opened[closed] + spans.closed[closed]) // 2
    then = histories.coded("owner_id")
    before = histories.code_before("owner_id", spans.deal[closed], middle)
    today = histories.deals["owner_id"].to_numpy(object)[spans.deal[closed]]
    differs = then.levels.to_numpy(object)[before] != today
    assert differs[before >= 0].mean() > 0.3


@pytest.mark.slow
def test_maven_has_no_signal_and_nothing_is_promoted(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dealcast.toml").write_text(mapping_of_the_guide(), encoding="utf-8")
    common = ["--data", str(real_data / "maven"), "--home", str(tmp_path)]
    assert main(["check", *common]) == 0
    assert "500" in capsys.readouterr().out
    assert main(["train", *common]) == 4
    said = capsys.readouterr().out
    assert "✗ finds a signal" in said
    assert "was not promoted" in " ".join(said.split())
    assert main(["score", *common, "--out", str(tmp_path / "scores.csv")]) == 0
    scores = pd.read_csv(tmp_path / "scores.csv", dtype={"model_version": "str"})
    assert set(scores["model_version"]) == {"baseline"}
    assert scores["win_probability"].between(0.5, 0.8).all()
