"""Real data: a pipeline with history in the contract's own names, and one that needs a mapping."""

import time
import tomllib

import pandas as pd
import pytest

from crm.quality import readiness
from crm.sources.files import read_folder
from crm.sources.mapping import mapping_from_toml
from crm.stages import infer_stages
from crm.tables import CrmTables

MAVEN = """
[data]
time_zone = "UTC"
fixed = ["product", "owner_id", "account_id"]
[tables.opportunities]
file = "sales_pipeline.csv"
[tables.opportunities.columns]
owner_id = "sales_agent"
created_at = "engage_date"
closed_at = "close_date"
stage = "deal_stage"
amount = "close_value"
account_id = "account"
[tables.opportunities.values.product]
"GTXPro" = "GTX Pro"
[tables.accounts]
file = "accounts.csv"
[tables.accounts.columns]
account_id = "account"
industry = "sector"
annual_revenue = "revenue"
country = "office_location"
[tables.users]
file = "sales_teams.csv"
[tables.users.columns]
user_id = "sales_agent"
manager_id = "manager"
region = "regional_office"
"""


@pytest.fixture(scope="module")
def loan_offers(real_data):
    started = time.perf_counter()
    reading = read_folder(real_data / "loan_offers")
    return reading, time.perf_counter() - started


@pytest.fixture(scope="module")
def maven(real_data):
    return read_folder(real_data / "maven", mapping_from_toml(tomllib.loads(MAVEN)))


def test_loan_offers_are_read_whole(loan_offers):
    reading, seconds = loan_offers
    ready = readiness(reading.tables)
    assert (reading.shape, ready.deals, ready.won, ready.lost, ready.open) == ("native", 3283, 1277, 1360, 646)
    assert reading.report.balance == (130933, 130933, 0), "an owner that goes to and fro is no duplicate"
    assert len(reading.tables["activities"]) == 97494
    assert len(reading.tables["changes"]) == 30086
    assert ready.enough
    assert seconds < 10  # about one; ten on a machine that does other things too


def test_loan_offers_stages_are_inferred_much_as_the_bank_names_them(loan_offers):
    tables = loan_offers[0].tables
    given = tables["stages"]
    found = infer_stages(CrmTables({n: f for n, f in tables.frames.items() if n != "stages"}))
    changes = tables["changes"]
    moves = changes.loc[changes["field"] == "stage", ["old_value", "new_value"]]
    used = pd.concat([tables["opportunities"]["stage"], moves["old_value"], moves["new_value"]]).dropna()
    assert set(found["stage"]) == set(used)
    flags = found.merge(given, on="stage", suffixes=("", "_given"))
    assert (flags["is_closed"] == flags["is_closed_given"]).all()
    assert (flags["is_won"] == flags["is_won_given"]).all()


def test_maven_is_read_through_its_mapping(maven):
    deals = maven.tables["opportunities"]
    report = maven.report.files[0]
    assert maven.shape == "mapped"
    assert (report.rows_in, report.accepted, dict(report.set_aside)) == (8800, 8300, {"blank required value": 500})
    assert (maven.report.set_aside["column"] == "engage_date").all()
    ready = readiness(maven.tables)
    assert (ready.won, ready.lost, ready.open) == (4238, 2473, 1589)
    assert "GTXPro" not in set(deals["product"])
    assert (deals["product"] == "GTX Pro").sum() > 1000
    assert maven.tables.fixed == {"product", "owner_id", "account_id"}
    assert deals["amount"].isna().sum() == ready.open, "an open deal's amount is missing, not zero"


def test_maven_stages_are_inferred_and_shown_for_confirmation(maven):
    stages = maven.tables["stages"]
    assert stages[["stage", "is_closed", "is_won"]].values.tolist() == [
        ["Engaging", False, False],
        ["Won", True, True],
        ["Lost", True, False],
    ]
    assert "Engaging" in maven.report.notes[0]
    assert "confirm" in maven.report.notes[0]


def test_maven_tables_have_their_own_columns_too(maven):
    assert sorted(maven.tables.frames) == ["accounts", "opportunities", "stages", "users"]
    assert maven.tables["accounts"]["year_established"].iloc[0] == "1996"
    assert maven.tables["users"].loc[0, ["user_id", "region"]].tolist() == ["Anna Snelling", "Central"]
    assert maven.tables["opportunities"]["created_at"].iloc[0] == pd.Timestamp("2016-10-20", tz="UTC")
