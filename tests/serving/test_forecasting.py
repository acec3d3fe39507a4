"""The table of the forecast: parts that add up to the cent, ranges and quotas at every level."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm.periods import FiscalCalendar
from features.histories import Histories
from serving.forecasting import forecast_table, names_of, periods_of
from serving.store_tables import FORECAST_COLUMNS
from tests.histories import crm, deal, millis
from training.forecast.corrections import Factors
from training.forecast.forecaster import Forecast
from training.forecast.moments import in_periods
from training.forecast.ranges import Ranges

CONTRACT = [
    *("run_id", "as_of", "period_start", "period_end", "level", "key", "already_won", "open_pipeline", "new_business"),
    *("mean", "p10", "p50", "p90", "quota", "quota_probability"),
]
CALENDAR = FiscalCalendar()
MOMENT = in_periods(CALENDAR, millis("2026-08-14T23:59:59.999"))
AS_EXPECTED = Factors(np.ones(2), np.ones(2))
OWNERS = ("ann", "bob", "cat", "dan")
USERS = [
    {"user_id": "ann", "name": "Ann Bo", "manager_id": "max", "region": "North"},
    {"user_id": "bob", "manager_id": "max", "region": "South"},
    {"user_id": "cat", "manager_id": "moe", "region": "South"},
    {"user_id": "dan", "manager_id": "moe", "region": "South"},
    {"user_id": "max", "name": "Max Mo"},
]
QUOTAS = [
    {"user_id": "ann", "period_start": "2026-07-01", "amount": 100.0},
    {"user_id": "bob", "period_start": "2026-07-01", "amount": 300.0},
    {"user_id": "ann", "period_start": "2026-10-01", "amount": 50.0},
]


def company(amount: float | None = 1.0, users: list = USERS, quotas: list = QUOTAS) -> Histories:
    """A deal of each owner."""
    deals = [deal(f"d-{name}", "2026-06-01", owner_id=name, amount=amount) for name in OWNERS]
    return Histories(crm(deals, users=users, quotas=quotas))


def a_forecast(seed: int = 1, owners: int = len(OWNERS) + 1, draws: int = 400) -> Forecast:
    """Of awkward fractions of cents; the last but one owner, and nobody, have nothing."""
    random = np.random.default_rng(seed)
    has = np.ones(owners)
    has[-2:] = 0
    already, both = random.uniform(0, 100, owners) * has, random.uniform(0, 100, (2, owners, 2)) * has[:, None]
    drawn = random.gamma(2, 40, (owners, 2, draws)) * has[:, None, None]
    return Forecast(MOMENT, already, both[0], both[1], drawn, AS_EXPECTED)


def a_table(histories: Histories | None = None, ranges: Ranges | None = None, **settings) -> pd.DataFrame:
    return forecast_table("run", a_forecast(**settings), histories or company(), CALENDAR, ranges or Ranges())


def one(table: pd.DataFrame, level: str = "company", key: str = "company", period: int = 0) -> pd.Series:
    start = (date(2026, 7, 1), date(2026, 10, 1))[period]
    return table[(table["period_start"] == start) & (table["level"] == level) & (table["key"] == key)].iloc[0]


def test_the_columns_are_those_of_the_contract_in_order():
    table = a_table()
    assert list(table.columns) == CONTRACT == list(FORECAST_COLUMNS)
    assert set(table["run_id"]) == {"run"}
    assert set(table["as_of"]) == {pd.Timestamp("2026-08-14T23:59:59.999Z")}


def test_there_are_this_period_and_the_next_to_their_last_days():
    spans = list(dict.fromkeys(zip(a_table()["period_start"], a_table()["period_end"], strict=True)))
    assert spans == [(date(2026, 7, 1), date(2026, 9, 30)), (date(2026, 10, 1), date(2026, 12, 31))]
    assert [period.name for period in periods_of(CALENDAR, MOMENT)] == ["Q3 2026", "Q4 2026"]


@pytest.mark.parametrize("seed", range(20))
def test_parts_add_up_to_the_mean_in_every_row_and_levels_to_the_company_to_the_cent(seed):
    table = a_table(seed=seed)
    cents = (table[["already_won", "open_pipeline", "new_business", "mean"]] * 100).round(6)
    assert (cents == cents.round()).all(axis=None)
    whole = cents.round().astype(int)
    parts = whole["already_won"] + whole["open_pipeline"] + whole["new_business"]
    assert (parts == whole["mean"]).all()
    sums = whole.groupby([table["period_start"], table["level"]]).sum()
    for _, levels in sums.groupby("period_start"):
        assert len(levels) == 4
        assert (levels == levels.iloc[0]).all(axis=None)
    assert whole["mean"].max() > 0


def test_what_was_won_counts_for_this_period_alone():
    table = a_table()
    assert one(table)["already_won"] == pytest.approx(a_forecast().already.sum(), abs=0.03)
    assert one(table, period=1)["already_won"] == 0


def test_ranges_are_quantiles_of_the_sums_drawn_with_what_was_won():
    table, made = a_table(), a_forecast()
    whole = made.already.sum() + made.drawn[:, 0].sum(axis=0)
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert one(table)[name] == pytest.approx(np.quantile(whole, share), abs=0.03)
    south = made.drawn[1, 1] + made.drawn[2, 1]
    assert one(table, "region", "South", 1)["p90"] == pytest.approx(np.quantile(south, 0.9), abs=0.03)
    assert (table["p10"] <= table["p50"]).all()
    assert (table["p50"] <= table["p90"]).all()
    sums = table.groupby(["period_start", "level"])["p10"].sum()
    assert sums.max() - sums.min() > 1, "low ends do not add up"


def test_ranges_that_did_not_hold_are_widened_at_their_level_alone():
    plain, wide = a_table(), a_table(ranges=Ranges({"manager": 0.4}))
    spread = (wide["p90"] - wide["p10"]) - (plain["p90"] - plain["p10"])
    assert (spread[plain["level"] == "manager"] > 0).all()
    assert (spread[plain["level"] != "manager"] == 0).all()
    np.testing.assert_allclose(wide["p50"], plain["p50"])


def test_quotas_stand_beside_with_the_chance_to_reach_them():
    table, made = a_table(), a_forecast()
    whole = made.already.sum() + made.drawn[:, 0].sum(axis=0)
    assert one(table)["quota"] == 400
    assert one(table)["quota_probability"] == pytest.approx((whole >= 400).mean(), abs=1e-9)
    assert one(table, "manager", "max")["quota"] == 400
    assert np.isnan(one(table, "manager", "moe")[["quota", "quota_probability"]].astype(float)).all()
    assert one(table, "owner", "bob")["quota"] == 300
    assert one(table, period=1)["quota"] == 50
    assert table["quota"].isna().equals(table["quota_probability"].isna())


def test_without_quotas_there_is_no_chance_of_reaching_them():
    table = a_table(company(quotas=[]))
    assert table[["quota", "quota_probability"]].isna().all(axis=None)


def test_where_deals_are_counted_quotas_of_money_say_nothing():
    table = a_table(company(amount=None))
    assert table["quota"].isna().all()


def test_a_key_that_has_nothing_is_left_out_below_the_company():
    table = a_table()
    assert set(table.loc[table["level"] == "owner", "key"]) == {"ann", "bob", "cat"}
    nothing = Forecast(MOMENT, np.zeros(5), np.zeros((5, 2)), np.zeros((5, 2)), np.zeros((5, 2, 10)), AS_EXPECTED)
    empty = forecast_table("run", nothing, company(quotas=[]), CALENDAR, Ranges())
    assert list(empty["level"]) == ["company", "company"]
    assert (empty[["mean", "p10", "p90"]] == 0).all(axis=None)


def test_a_key_that_has_something_in_one_period_is_in_both():
    table = a_table(company(quotas=[{"user_id": "dan", "period_start": "2026-10-01", "amount": 7.0}]))
    rows = table[(table["level"] == "owner") & (table["key"] == "dan")]
    assert rows["quota"].isna().tolist() == [True, False]


def test_credits_that_cancel_out_are_something():
    cancel = Forecast(
        MOMENT,
        np.array([-5.0, 0, 0, 0, 0]),
        np.array([[5.0, 0]] + [[0, 0]] * 4),
        np.zeros((5, 2)),
        np.zeros((5, 2, 4)),
        AS_EXPECTED,
    )
    table = forecast_table("run", cancel, company(quotas=[]), CALENDAR, Ranges())
    assert set(table.loc[table["level"] == "owner", "key"]) == {"ann"}


def test_a_level_that_tells_nothing_is_not_there():
    alone = Histories(crm([deal("d", "2026-06-01", amount=1.0)]))
    drawn = np.ones((1, 2, 10))
    made = Forecast(MOMENT, np.ones(1), np.ones((1, 2)), np.ones((1, 2)), drawn, AS_EXPECTED)
    table = forecast_table("run", made, alone, CALENDAR, Ranges())
    assert list(table["level"]) == ["company", "company"]
    assert list(table["mean"]) == [3, 2]


def test_keys_are_called_by_the_names_of_users():
    table, histories = a_table(), company()
    called = dict(zip(table["key"], names_of(table, histories.hierarchy), strict=True))
    assert (called["ann"], called["max"], called["bob"], called["North"]) == ("Ann Bo", "Max Mo", "bob", "North")
