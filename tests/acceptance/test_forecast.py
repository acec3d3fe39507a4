"""`dealcast forecast`: this period and the next at every level, with ranges, quotas, and people's own numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.store import Store
from tests.acceptance.worlds import (
    FAST,
    LAST_DAY,
    WEEK_BEFORE,
    Told,
    copied,
    dealcast,
    new_home,
    text_table,
)

CONTRACT = [
    *("run_id", "as_of", "period_start", "period_end", "level", "key", "already_won", "open_pipeline", "new_business"),
    *("mean", "p10", "p50", "p90", "quota", "quota_probability"),
]
PARTS = ["already_won", "open_pipeline", "new_business"]


def told_json(*arguments: object) -> dict:
    told = dealcast("forecast", *arguments, "--json")
    assert told.code == 0, told.err
    return json.loads(told.out, parse_constant=pytest.fail)


def adds_up(rows: pd.DataFrame) -> None:
    """Parts to the mean in each row, levels to the company, ranges in order."""
    cents = (rows[[*PARTS, "mean"]] * 100).round().astype(int)
    assert (cents[PARTS].sum(axis=1) == cents["mean"]).all()
    for _, sums in cents.groupby([rows["period_start"], rows["level"]]).sum().groupby("period_start"):
        assert (sums == sums.iloc[0]).all(axis=None)
    assert (rows["p10"] <= rows["p50"]).all()
    assert (rows["p50"] <= rows["p90"]).all()
    assert rows["mean"].sum() > 0


@pytest.fixture(scope="module")
def home(trained, tmp_path_factory) -> Path:
    """A home with a champion of a week ago."""
    return copied(trained.home, tmp_path_factory.mktemp("forecast") / "home")


@pytest.fixture(scope="module")
def forecast(home, company) -> tuple[Told, pd.DataFrame]:
    """What the command told, and its file."""
    out = home.parent / "made" / "forecast.parquet"
    told = dealcast(
        "forecast", "--data", company, "--home", home, "--as-of", LAST_DAY, "--out", out, "--since", WEEK_BEFORE
    )
    assert told.code == 0, told.err
    return told, pd.read_parquet(out)


def test_the_file_has_the_columns_of_the_contract_and_adds_up_at_every_level(forecast):
    table = forecast[1]
    assert list(table.columns) == CONTRACT
    assert set(table["level"]) == {"company", "region", "manager", "owner"}
    assert sorted({str(day) for day in table["period_start"]}) == ["2026-07-01", "2026-10-01"]
    assert sorted({str(day) for day in table["period_end"]}) == ["2026-09-30", "2026-12-31"]
    adds_up(table)


def test_what_is_won_already_is_what_the_crm_says(forecast, simulation):
    deals = simulation.tables["opportunities"]
    won = deals[(deals["is_won"] == True) & (deals["closed_at"] >= "2026-07-01T00:00:00Z")]  # noqa: E712
    table = forecast[1]
    already = table[(table["level"] == "company") & (table["already_won"] > 0)]["already_won"]
    assert already.tolist() == pytest.approx([won["amount"].sum()], abs=0.01)


def test_quotas_are_the_sum_of_those_of_owners(forecast, simulation):
    quotas = simulation.tables["quotas"]
    this = quotas[quotas["period_start"] == "2026-07-01"]
    table = forecast[1]
    company = table[table["level"] == "company"].iloc[0]
    assert company["quota"] == pytest.approx(this["amount"].sum())
    assert 0 <= company["quota_probability"] <= 1
    assert table["quota_probability"].between(0, 1)[table["quota"].notna()].all()


def test_it_is_told_within_80_columns_with_names_not_ids(forecast, simulation):
    told = forecast[0]
    assert max(len(line) for line in told.lines if "forecast.parquet" not in line) <= 80
    users = simulation.tables["users"].set_index("user_id")["name"]
    table = forecast[1]
    for key in table.loc[table["level"] == "manager", "key"].unique():
        assert any(line.startswith(users[key][:17]) for line in told.lines)
        assert key not in told.out
    said = " ".join(told.out.split())
    for words in (
        "Q3 2026, 47 days left: between",
        "already won",
        "deals to come",
        "chance to reach it",
        "Q4 2026, 1 Oct",
    ):
        assert words in said
    assert "By owner" not in told.out


def test_it_says_that_no_record_stands_behind_its_ranges_yet(forecast):
    assert "`dealcast backtest` does so" in " ".join(forecast[0].out.split())


def test_the_store_keeps_it_with_the_names(forecast, home, simulation):
    kept, table = Store.under(home).latest_forecast(), forecast[1]
    assert len(kept) == len(table)
    assert set(kept["run_id"]) == set(table["run_id"])
    np.testing.assert_allclose(sorted(kept["mean"]), sorted(table["mean"]))
    names = simulation.tables["users"].set_index("user_id")["name"]
    owners = kept[kept["level"] == "owner"]
    assert (owners["name"] == owners["key"].map(names).fillna(owners["key"])).all()


def test_the_same_data_give_the_same_forecast(forecast, home, company):
    again = told_json("--data", company, "--home", home, "--as-of", LAST_DAY)
    means = [row["mean"] for row in again["forecast"]]
    np.testing.assert_array_equal(means, forecast[1]["mean"])
    np.testing.assert_array_equal([row["p10"] for row in again["forecast"]], forecast[1]["p10"])


@pytest.mark.parametrize("level", ["company", "region", "manager", "owner"])
def test_level_says_how_far_down_it_is_told(home, company, level):
    levels = ["company", "region", "manager", "owner"]
    told = told_json("--data", company, "--home", home, "--as-of", LAST_DAY, "--level", level)
    rows = pd.DataFrame(told["forecast"])
    assert list(dict.fromkeys(rows["level"])) == levels[: levels.index(level) + 1]
    adds_up(rows)
    assert set(rows["name"]) != {""}


def test_the_flow_since_a_date_reconciles_at_every_level(home, company):
    told = told_json("--data", company, "--home", home, "--as-of", LAST_DAY, "--since", "2026-06-15")
    flow = told["flow"]
    assert (flow["period"], flow["since"], flow["until"]) == (
        "Q3 2026", "2026-06-15T23:59:59Z", "2026-08-14T23:59:59Z"
    )  # fmt: skip
    rows = pd.DataFrame(flow["rows"])
    assert set(rows["level"]) == {"company", "region", "manager", "owner"}
    cents = (rows.drop(columns=["level", "key"]) * 100).round().astype(int)
    ways_in = cents[["opening", "new", "reopened", "pulled_in", "handed_in", "grown"]].sum(axis=1)
    ways_out = cents[["shrunk", "won", "lost", "pushed_out", "handed_out"]].sum(axis=1)
    assert (ways_in - ways_out == cents["closing"]).all()
    assert cents["won"].sum() > 0
    covered = rows.loc[rows["level"] == "company", "closing"].iloc[0]
    assert covered == told["coverage"]["pipeline"]


def test_the_flow_is_told_in_words_too(forecast):
    said = forecast[0].out
    assert "What became of the pipeline of Q3 2026 from 7 Aug 2026 to 14 Aug 2026" in said
    assert "= open in the end" in said
    assert "By manager      at first came in" in said


@pytest.mark.parametrize("since", ["2026-08-15", "last week"])
def test_a_since_that_cannot_be_is_wrong_use(home, company, since):
    told = dealcast("forecast", "--data", company, "--home", home, "--as-of", LAST_DAY, "--since", since)
    assert told.code == 2
    assert "--since" in told.err


def test_tables_that_are_not_named_are_wrong_use(tmp_path):
    told = dealcast("forecast", "--home", tmp_path / "home")
    assert told.code == 2
    assert "--data" in told.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("ending", [".xlsx", ""])
def test_a_wrong_ending_is_refused_before_any_work(tmp_path, ending):
    told = dealcast(
        "forecast", "--data", tmp_path / "no", "--home", tmp_path / "home", "--out", tmp_path / f"f{ending}"
    )
    assert told.code == 2
    assert "reading" not in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_csv_file_says_the_same(few_deals, tmp_path):
    out, home = tmp_path / "forecast.csv", new_home(tmp_path / "home")
    told = dealcast("forecast", "--data", few_deals, "--home", home, "--as-of", LAST_DAY, "--out", out)
    assert told.code == 0, told.err
    written = text_table(out)
    assert list(written.columns) == CONTRACT
    assert set(written["period_start"]) == {"2026-07-01", "2026-10-01"}
    assert set(written["as_of"]) == {"2026-08-14T23:59:59Z"}
    kept = Store.under(home).latest_forecast()
    assert sorted(written["mean"].astype(float)) == pytest.approx(sorted(kept["mean"]))


def test_few_deals_are_forecast_by_rates_and_that_is_said(few_deals, tmp_path):
    told = dealcast("forecast", "--data", few_deals, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert told.code == 0, told.err
    assert "No champion yet" in told.out
    again = told_json("--data", few_deals, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert again["model_version"] == "baseline"
    adds_up(pd.DataFrame(again["forecast"]))


def without(data: Path, to: Path, table: str, *columns: str) -> Path:
    """The company's tables without a table, or without some of its columns."""
    folder = copied(data, to)
    path = folder / f"{table}.csv"
    if columns:
        text_table(path).drop(columns=list(columns)).to_csv(path, index=False)
    else:
        path.unlink()
    return folder


def of_field(data: Path, *fields: str) -> None:
    """Forget the changes of fields."""
    changes = text_table(data / "changes.csv")
    changes[~changes["field"].isin(fields)].to_csv(data / "changes.csv", index=False)


def test_a_company_without_amounts_has_its_deals_counted(few_deals, tmp_path):
    data = without(few_deals, tmp_path / "data", "opportunities", "amount")
    of_field(data, "amount")
    common = ("--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY, "--since", WEEK_BEFORE)
    told = told_json(*common)
    rows = pd.DataFrame(told["forecast"])
    adds_up(rows)
    deals = text_table(data / "opportunities.csv")
    won = (deals["is_won"] == "true") & (deals["closed_at"] >= "2026-07-01")
    assert rows["already_won"].iloc[0] == won.sum()
    assert (told["unit"], told["coverage"]) == ("deals", None)
    assert rows["quota"].isna().all()
    said = dealcast("forecast", *common)
    assert "the forecast counts deals" in " ".join(said.out.split())
    assert "Deals won, as of 14 Aug 2026" in said.out
    assert max(map(len, said.lines)) <= 80


def test_without_close_dates_the_whole_pipeline_counts(few_deals, tmp_path):
    data = without(few_deals, tmp_path / "data", "opportunities", "close_date")
    of_field(data, "close_date")
    told = dealcast(
        "forecast", "--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY, "--since", WEEK_BEFORE
    )
    assert told.code == 0, told.err
    assert "when it is to close is not known" in " ".join(told.out.split())
    assert "What became of the open pipeline" in told.out
    adds_up(pd.DataFrame(told_json("--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)["forecast"]))


def test_without_quotas_none_is_given(few_deals, tmp_path):
    data = without(few_deals, tmp_path / "data", "quotas")
    told = dealcast("forecast", "--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert told.code == 0, told.err
    assert "quota           none is given" in told.out
    assert "times what is left" not in told.out


def test_without_owners_the_company_alone_is_forecast(few_deals, tmp_path):
    data = without(few_deals, tmp_path / "data", "opportunities", "owner_id", "region")
    of_field(data, "owner_id", "region")
    common = ("--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    told = told_json(*common)
    assert {row["level"] for row in told["forecast"]} == {"company"}
    adds_up(pd.DataFrame(told["forecast"]))
    assert dealcast("forecast", *common).code == 0
    wrong = dealcast("forecast", *common, "--level", "manager")
    assert wrong.code == 2
    assert "to which manager a deal belongs" in wrong.err


def test_periods_are_those_of_the_configured_calendar_whatever_the_champions(home, company, tmp_path):
    retail = copied(home, tmp_path / "home")
    calendar = 'weeks = "4-4-5"\nyear_starts_in = 2\nperiod = "month"\n'
    (retail / "dealcast.toml").write_text(FAST.replace("[time]\n", f"[time]\n{calendar}"), encoding="utf-8")
    told = told_json("--data", company, "--home", retail, "--as-of", LAST_DAY)
    assert told["periods"] == [
        {"name": "FY2027 month 7", "start": "2026-08-03", "end": "2026-08-30"},
        {"name": "FY2027 month 8", "start": "2026-08-31", "end": "2026-09-27"},
    ]
    adds_up(pd.DataFrame(told["forecast"]))
    assert told["model_version"] == "1"


def test_where_no_deal_has_closed_it_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = "\n".join(f"D{number},2026-08-0{number}T08:00:00Z,Prospecting,{number}000" for number in range(1, 6))
    (data / "opportunities.csv").write_text(f"opportunity_id,created_at,stage,amount\n{rows}\n")
    told = dealcast("forecast", "--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert told.code == 3
    assert "no deal has closed yet" in told.err


def test_deals_in_another_currency_are_said(few_deals, tmp_path):
    data = copied(few_deals, tmp_path / "data")
    deals = text_table(data / "opportunities.csv")
    is_open = deals["closed_at"] == ""
    deals.loc[is_open[is_open].index[:3], "currency"] = "JPY"
    deals.to_csv(data / "opportunities.csv", index=False)
    said = told_json("--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)["notes"]
    assert any(note.startswith(f"3 of {is_open.sum()} open deals were entered in JPY") for note in said)


def test_of_a_young_company_it_is_said_that_deals_to_come_are_not_counted(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    deals = [f"D{number},2026-08-{number:02}T08:00:00Z,Proposal,{number}000,," for number in range(1, 9)]
    deals += ["W,2026-08-01T09:00:00Z,Closed Won,500,2026-08-11T12:00:00Z,true"]
    deals += ["L,2026-08-01T09:00:00Z,Closed Lost,700,2026-08-12T12:00:00Z,false"]
    (data / "opportunities.csv").write_text(
        "\n".join(["opportunity_id,created_at,stage,amount,closed_at,is_won", *deals])
    )
    told = told_json("--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert [row["new_business"] for row in told["forecast"]] == [0, 0]
    assert told["forecast"][0]["mean"] > 0
    assert any(note.startswith("No deals to come are counted for") for note in told["notes"])
    assert told["slippage"] == []
    said = dealcast("forecast", "--data", data, "--home", tmp_path / "home", "--as-of", LAST_DAY)
    assert "without deals to come between" in " ".join(said.out.split())
