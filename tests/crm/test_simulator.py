"""The simulated company's tables keep the contract, and its histories hang together."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm.errors import WrongUse
from crm.simulator import FIXED, SimulatorSettings, simulate
from crm.tables import TABLES

OPEN = ["Prospecting", "Qualification", "Discovery", "Proposal", "Negotiation"]
TRACKED = {"stage", "amount", "close_date", "owner_id", "next_step", "forecast_category"}
END = pd.Timestamp("2026-08-15", tz="UTC")


@pytest.fixture(scope="module")
def simulation():
    return simulate(SimulatorSettings(deals=3000, seed=3))


@pytest.fixture(scope="module")
def tables(simulation):
    return simulation.tables


@pytest.fixture(scope="module")
def changes(tables):
    """Changes with their deal's creation and closing, in the order of the file."""
    deals = tables["opportunities"][["opportunity_id", "created_at", "closed_at"]]
    return tables["changes"].merge(deals, on="opportunity_id", validate="many_to_one")


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_the_columns_and_types_of_the_contract(tables, name):
    frame = tables[name]
    assert len(frame) > 0
    assert list(frame.columns) == [column.name for column in TABLES[name].columns]
    assert frame.dtypes.astype(str).to_dict() == {c.name: c.kind.dtype for c in TABLES[name].columns}
    assert not frame[list(TABLES[name].required)].isna().to_numpy().any()
    if TABLES[name].key:
        assert not frame.duplicated(list(TABLES[name].key)).any()


def test_an_empty_column_is_typed_as_the_contract_has_it():
    tables = simulate(SimulatorSettings(deals=1, reps=1, years=0.25)).tables
    for name, table in TABLES.items():
        assert tables[name].dtypes.equals(table.empty().dtypes), name


@pytest.mark.parametrize(
    ("table", "column", "other"),
    [
        ("opportunities", "account_id", "accounts"),
        ("opportunities", "owner_id", "users"),
        ("changes", "opportunity_id", "opportunities"),
        ("changes", "changed_by", "users"),
        ("activities", "opportunity_id", "opportunities"),
        ("activities", "owner_id", "users"),
        ("contact_roles", "opportunity_id", "opportunities"),
        ("users", "manager_id", "users"),
        ("quotas", "user_id", "users"),
        ("leads", "opportunity_id", "opportunities"),
        ("leads", "owner_id", "users"),
    ],
)
def test_every_reference_leads_somewhere(tables, table, column, other):
    key = TABLES[other].key[0]
    assert tables[table][column].dropna().isin(tables[other][key]).all()


def test_declared_fixed_fields_have_no_history_and_the_others_have_one(tables):
    assert tables.fixed == FIXED == {"type", "lead_source", "product", "region"}
    assert set(tables["changes"]["field"]) == TRACKED


def test_the_same_seed_gives_the_same_tables_and_another_one_does_not(tables):
    again = simulate(SimulatorSettings(deals=3000, seed=3)).tables
    other = simulate(SimulatorSettings(deals=3000, seed=4)).tables
    for name in TABLES:
        pd.testing.assert_frame_equal(tables[name], again[name])
    assert not tables["opportunities"]["created_at"].equals(other["opportunities"]["created_at"])
    assert not tables["changes"].equals(other["changes"])


@pytest.mark.parametrize("field", sorted(TRACKED))
def test_changes_of_a_field_are_a_chain_that_ends_with_todays_value(tables, changes, field):
    rows = changes[changes["field"] == field]
    old, new = rows["old_value"].fillna(""), rows["new_value"].fillna("")
    assert (old != new).all()
    before = new.groupby(rows["opportunity_id"]).shift()
    assert (old[before.notna()] == before.dropna()).all()
    assert not rows.duplicated(["opportunity_id", "changed_at"]).any()

    last = rows.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["new_value"]
    deals = tables["opportunities"].set_index("opportunity_id")[field]
    today = deals.reindex(last.index)
    if field == "close_date":
        today = today.dt.strftime("%Y-%m-%d")
    elif field == "amount":
        today = today.map(lambda amount: None if pd.isna(amount) else f"{amount:.0f}")
    assert (last.fillna("") == today.fillna("").astype(str)).all()
    assert len(last) > 50


def test_nothing_changes_before_creation_after_closing_or_after_the_end(changes):
    assert (changes["changed_at"] >= changes["created_at"]).all()
    assert (changes["changed_at"] <= changes["closed_at"].fillna(END)).all()
    assert changes["changed_at"].is_monotonic_increasing


def test_stages_move_only_while_the_deal_is_open(tables, changes):
    moves = changes[changes["field"] == "stage"]
    closing, reopening = ~moves["new_value"].isin(OPEN), ~moves["old_value"].isin(OPEN)
    assert (moves.loc[reopening, "old_value"] == "Closed Lost").all()
    assert not (closing & reopening).any()
    assert 5 <= reopening.sum() <= 100

    deals = tables["opportunities"].set_index("opportunity_id")
    final = moves[closing].drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    closed = deals.dropna(subset="closed_at")
    assert (closed["closed_at"] == final["changed_at"].reindex(closed.index)).all()
    assert (closed["is_won"] == (closed["stage"] == "Closed Won")).all()
    still_open = deals[deals["closed_at"].isna()]
    assert still_open["stage"].isin(OPEN).all()
    assert still_open["is_won"].isna().all()


def test_while_a_lost_deal_rests_before_it_is_reopened_nothing_happens(changes):
    moves = changes[changes["field"] == "stage"]
    reopened = moves[~moves["old_value"].isin(OPEN)].set_index("opportunity_id")["changed_at"]
    lost = moves[moves["new_value"] == "Closed Lost"].drop_duplicates("opportunity_id")
    lost = lost.set_index("opportunity_id")["changed_at"].reindex(reopened.index)
    assert (reopened - lost).min() > pd.Timedelta(days=10)
    mine = changes[changes["opportunity_id"].isin(reopened.index)]
    at, key = mine["changed_at"], mine["opportunity_id"]
    assert not ((at > key.map(lost)) & (at < key.map(reopened))).any()


def test_closing_sets_the_close_date_and_category_and_clears_the_next_step(tables):
    closed = tables["opportunities"].dropna(subset="closed_at")
    assert (closed["close_date"] == closed["closed_at"].dt.tz_localize(None).dt.normalize()).all()
    assert (closed["forecast_category"] == np.where(closed["is_won"], "Closed", "Omitted")).all()
    assert closed["next_step"].isna().all()


def test_open_deals_belong_to_people_who_are_there(tables):
    users = tables["users"].set_index("user_id")
    deals = tables["opportunities"]
    open_deals = deals[deals["closed_at"].isna()]
    assert open_deals["owner_id"].map(users["active"]).all()
    assert not deals["owner_id"].map(users["active"]).all(), "some closed deals stay with those who left"
    assert (users["title"] == "Account Executive").sum() > 30
    leads_nobody = ~users.index.isin(users["manager_id"])
    assert deals["owner_id"].isin(users.index[leads_nobody]).all()
    heads = users[users["manager_id"].isna()]
    assert len(heads) == 1


def test_nobody_keeps_an_open_deal_after_leaving(simulation, tables):
    deals, people = tables["opportunities"], simulation.company.people
    user = pd.Index(tables["users"]["user_id"]).get_indexer(deals["owner_id"])
    gone = people.left[user] < simulation.settings.horizon
    start = pd.Timestamp(simulation.settings.start, tz="UTC")
    left = start + pd.to_timedelta(people.left[user][gone], unit="s")
    assert gone.sum() > 50
    assert (deals["closed_at"][gone] < left + pd.Timedelta(days=2)).all()


def test_the_history_goes_on_to_its_last_day(tables):
    last_days = END - pd.Timedelta(days=4)
    for table, column in (
        ("changes", "changed_at"),
        ("activities", "recorded_at"),
        ("opportunities", "created_at"),
        ("opportunities", "closed_at"),
        ("contact_roles", "added_at"),
    ):
        assert last_days < tables[table][column].max() < END, (table, column)


def test_activities_take_place_while_the_deal_is_open_and_meetings_may_lie_ahead(tables):
    deals = tables["opportunities"].set_index("opportunity_id")
    log = tables["activities"]
    created, closed = (log["opportunity_id"].map(deals[c]) for c in ("created_at", "closed_at"))
    assert (log["occurred_at"] >= created).all()
    assert (log["recorded_at"] < END).all()
    booked = log["recorded_at"] < log["occurred_at"]
    assert (log["occurred_at"] <= closed.fillna(END))[~booked].all()
    assert set(log.loc[booked, "kind"]) == {"meeting", "demo"}
    assert (log["occurred_at"] >= END).sum() > 10
    late = log["recorded_at"] - log["occurred_at"] > pd.Timedelta(hours=12)
    assert 0.02 < late.mean() < 0.15
    assert (log["duration_minutes"].notna() == log["kind"].isin(["call", "meeting", "demo"])).all()


def test_contacts_are_the_accounts_own_and_known_before_they_are_met(tables):
    roles = tables["contact_roles"]
    assert not roles.duplicated(["opportunity_id", "contact_id"]).any()
    account = roles["opportunity_id"].map(tables["opportunities"].set_index("opportunity_id")["account_id"])
    assert account.groupby(roles["contact_id"]).nunique().max() == 1
    met = tables["activities"].dropna(subset="contact_id").merge(roles, on=["opportunity_id", "contact_id"])
    assert len(met) == tables["activities"]["contact_id"].notna().sum()
    assert (met["added_at"] <= met[["occurred_at", "recorded_at"]].min(axis=1)).all()


def test_leads_become_the_deals_they_name(tables):
    leads = tables["leads"].dropna(subset="opportunity_id")
    deals = tables["opportunities"].set_index("opportunity_id").loc[leads["opportunity_id"]]
    assert (leads["converted_at"].to_numpy() == deals["created_at"].to_numpy()).all()
    assert (leads["created_at"] <= leads["converted_at"]).all()
    assert (leads["source"].to_numpy() == deals["lead_source"].to_numpy()).all()
    assert tables["leads"]["converted_at"].isna().equals(tables["leads"]["opportunity_id"].isna())


def test_accounts_are_entered_before_their_deals(tables):
    entered = tables["accounts"].set_index("account_id")["created_at"]
    deals = tables["opportunities"]
    assert (deals["account_id"].map(entered) < deals["created_at"]).all()


def test_quotas_cover_the_quarter_of_the_end_and_the_next(tables):
    periods = pd.DatetimeIndex(tables["quotas"]["period_start"].unique())
    assert {pd.Timestamp("2026-07-01"), pd.Timestamp("2026-10-01")} <= set(periods)
    assert set(periods.month) == {1, 4, 7, 10}


@pytest.mark.parametrize(
    "settings",
    [
        SimulatorSettings(deals=1, reps=1, years=0.25),
        SimulatorSettings(deals=7, reps=2, end=date(2024, 2, 29), years=1.5),
        SimulatorSettings(deals=400, reps=60, years=0.5, growth=-0.5),
        SimulatorSettings(deals=200, signal=3.0, years=8),
    ],
)
def test_companies_of_any_size_can_be_simulated(settings, tmp_path):
    simulation = simulate(settings)
    deals = simulation.tables["opportunities"]
    assert len(deals) == settings.deals
    created = deals["created_at"]
    assert created.min() >= pd.Timestamp(settings.start, tz="UTC")
    assert created.max() < pd.Timestamp(settings.end, tz="UTC") + pd.Timedelta(days=1)
    simulation.write(tmp_path)
    assert (tmp_path / "opportunities.csv").exists()


@pytest.mark.parametrize("wrong", [{"deals": 0}, {"dirt": 0.5}, {"signal": -1}, {"reps": 0}, {"years": 0}])
def test_settings_that_make_no_company_are_refused(wrong):
    with pytest.raises(WrongUse, match=next(iter(wrong))):
        SimulatorSettings(**wrong)
