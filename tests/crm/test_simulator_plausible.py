"""The simulated company looks like one."""

import numpy as np
import pandas as pd
import pytest

from crm.simulator import SimulatorSettings, simulate

END = pd.Timestamp("2026-08-15", tz="UTC")


@pytest.fixture(scope="module")
def tables():
    return simulate(SimulatorSettings()).tables


@pytest.fixture(scope="module")
def large():
    return simulate(SimulatorSettings(deals=12_000, seed=2))


@pytest.fixture(scope="module")
def deals(tables):
    return tables["opportunities"]


@pytest.fixture(scope="module")
def closed(deals):
    return deals.dropna(subset="closed_at")


def days(closed):
    return (closed["closed_at"] - closed["created_at"]).dt.total_seconds() / 86_400


def test_a_quarter_to_a_third_is_won(closed):
    assert 0.25 <= closed["is_won"].mean() <= 0.36


def test_a_deal_takes_about_two_months_and_some_take_very_long(closed):
    assert 50 <= days(closed).median() <= 80
    assert days(closed).quantile(0.95) > 4 * days(closed).median()
    by_type = days(closed).groupby(closed["type"]).median()
    assert by_type["New Business"] > 1.4 * by_type["Renewal"]


def test_a_tenth_to_a_fifth_is_open_at_the_end(deals):
    assert 0.10 <= deals["closed_at"].isna().mean() <= 0.20


def test_new_deals_grow_and_follow_the_week(deals):
    years = deals["created_at"].dt.tz_localize(None)
    first, last = (years < "2024-08-15").mean(), (years >= "2025-08-15").mean()
    assert 1.15 < last / first < 1.6
    weekend = deals["created_at"].dt.day_of_week >= 5
    assert 0.003 < weekend.mean() < 0.05


def test_closings_rush_before_a_quarters_end(closed):
    at = closed["closed_at"].dt.tz_localize(None)
    left = (at.dt.to_period("Q").dt.end_time - at).dt.days
    assert (left < 14).mean() > 0.22
    assert (left >= 77).mean() < 0.12
    assert (at.dt.day_of_week < 5).all()


def test_a_few_lost_deals_are_reopened(large):
    changes = large.tables["changes"]
    moves = changes[changes["field"] == "stage"]
    lost = (moves["new_value"] == "Closed Lost").sum()
    assert 0.01 <= (moves["old_value"] == "Closed Lost").sum() / lost <= 0.02


def test_stages_are_skipped_and_left_backwards_at_times(tables):
    order = tables["stages"].set_index("stage")["position"]
    moves = tables["changes"][tables["changes"]["field"] == "stage"]
    old, new = moves["old_value"].map(order), moves["new_value"].map(order)
    among_open = (old <= 5) & (new <= 5)
    step = (new - old)[among_open]
    assert 0.02 < (step > 1).mean() < 0.15
    assert 0.02 < (step < 0).mean() < 0.20


def test_each_deal_has_some_twenty_touches_and_the_buyer_answers(tables, deals):
    log = tables["activities"]
    assert 20 <= len(log) / len(deals) <= 30
    assert 0.2 <= (log["direction"] == "inbound").mean() <= 0.4


def test_what_the_buyer_does_tells_and_how_busy_the_rep_is_does_not(tables, closed):
    log = tables["activities"]
    won = closed["is_won"].astype(float).to_numpy()

    def correlation(rows):
        count = rows.groupby("opportunity_id").size().reindex(closed["opportunity_id"]).fillna(0)
        return np.corrcoef(count.to_numpy() / (days(closed) + 5), won)[0, 1]

    mail = log[log["kind"] == "email"]
    assert correlation(mail[mail["direction"] == "inbound"]) > 0.25
    # Some three dozen reps: how busy and how good they are goes together a little by chance.
    assert abs(correlation(mail[mail["direction"] == "outbound"])) < 0.09
    assert abs(correlation(log[log["kind"] == "task"])) < 0.09


def test_better_deals_have_more_people_on_them(tables, closed):
    count = tables["contact_roles"].groupby("opportunity_id").size().reindex(closed["opportunity_id"])
    by_outcome = count.fillna(0).groupby(closed["is_won"].to_numpy(bool)).mean()
    assert by_outcome[True] > by_outcome[False] + 0.5


def test_close_dates_are_pushed(tables, deals):
    changes = tables["changes"].merge(deals[["opportunity_id", "closed_at"]], on="opportunity_id")
    dates = changes[(changes["field"] == "close_date") & (changes["changed_at"] != changes["closed_at"])]
    pushed = dates["new_value"] > dates["old_value"]
    assert 1.0 <= pushed.sum() / len(deals) <= 3.0
    assert (~pushed).any()
    open_deals = deals[deals["closed_at"].isna()]
    overdue = open_deals["close_date"] < END.tz_localize(None)
    assert 0.03 < overdue.mean() < 0.35


def test_amounts_are_revised_discounted_late_and_missing_for_a_few(tables, deals):
    changes = tables["changes"]
    revised = changes[changes["field"] == "amount"].dropna(subset="old_value")
    ratio = revised["new_value"].astype(float) / revised["old_value"].astype(float)
    assert 0.85 < ratio.median() < 1.0
    assert 0.001 < deals["amount"].isna().mean() < 0.05
    assert (deals["amount"].dropna() >= 500).all()


def test_owners_change_when_people_leave(tables):
    handed_over = tables["changes"][tables["changes"]["field"] == "owner_id"]
    assert 0.01 < len(handed_over) / len(tables["opportunities"]) < 0.15
    assert (handed_over["changed_by"].map(tables["users"].set_index("user_id")["title"]) == "Automatic user").all()


def test_the_odds_drift(large):
    deals = large.tables["opportunities"]
    chance = large.true_win_probability(deals["opportunity_id"], deals["created_at"])
    early = deals["created_at"] < END - pd.Timedelta(days=730)
    late = deals["created_at"] > END - pd.Timedelta(days=365)

    def shift(rows):
        return chance[rows & late].mean() - chance[rows & early].mean()

    fresh = deals["type"] == "New Business"
    rest = shift(fresh & ~deals["product"].eq("Analytics") & ~deals["lead_source"].eq("Advertising"))
    assert rest < 0.0
    assert shift(fresh & deals["product"].eq("Analytics")) > rest + 0.03
    assert shift(fresh & deals["lead_source"].eq("Advertising")) < rest - 0.02
    analytics = deals["product"].eq("Analytics")
    assert analytics[late].mean() > analytics[early].mean() + 0.05


def test_quotas_are_within_reach(tables, closed):
    won = closed[closed["is_won"].astype(bool)]
    booked = won.groupby(won["closed_at"].dt.tz_localize(None).dt.to_period("Q"))["amount"].sum()
    quotas = tables["quotas"]
    asked = quotas.groupby(quotas["period_start"].dt.to_period("Q"))["amount"].sum()
    attained = (booked / asked)["2024Q1":"2026Q2"]
    assert 0.7 < attained.mean() < 1.3
    assert (attained < 1).any()


def test_the_categories_mean_something(deals):
    open_deals = deals[deals["closed_at"].isna()]
    assert set(open_deals["forecast_category"]) == {"Pipeline", "Best Case", "Commit"}
    assert (deals["currency"] == "USD").all()
