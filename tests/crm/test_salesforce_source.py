"""Salesforce as a source, over the real client library, against the loopback server."""

import multiprocessing
import random
import signal
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crm.errors import DataRefused, DealcastError, WrongUse
from crm.patience import Patience
from crm.salesforce.source import SalesforceSource
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.sources.mirror.sync import current, sync
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.company import Field
from tests.vendors.salesforce.faults import Fault
from tests.vendors.salesforce.filling import HISTORY, empty_company, fill, salesforce_id
from tests.vendors.salesforce.opened import org, source, sync_and_be_killed
from tests.vendors.salesforce.server import Server, running

AT = int(datetime.now(UTC).timestamp() * 1000)


@pytest.fixture(scope="module")
def tables():
    return simulate(SimulatorSettings(deals=30, seed=5)).tables


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def whole(tables, certificate):
    """A Salesforce with every object."""
    company = empty_company()
    fill(company, tables)
    with running(Server(company), certificate) as server:
        yield server


@pytest.fixture
def salesforce(whole):
    """One whose user may see the deals, their history and tasks alone."""
    for name, table in whole.company.tables.items():
        table.hidden = name not in ("Opportunity", "OpportunityFieldHistory", "Task")
    return whole


def held(folder, table="Opportunity"):
    return pq.read_table(current(folder) / f"{table}.parquet").to_pandas().set_index("Id")


def ids(prefix, column):
    return column.map(lambda one: salesforce_id(prefix, one)).astype("str")


def same(found, expected):
    """The same rows, whatever their order."""
    columns = list(expected.columns)
    found, expected = (
        frame[columns]
        .astype(object)
        .where(frame[columns].notna(), None)
        .map(str)
        .sort_values(columns, ignore_index=True)
        for frame in (found, expected)
    )
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("bulk_from", [1, 10**9], ids=["Bulk API 2.0", "REST"])
def test_the_mirror_is_read_as_the_company_that_salesforce_holds(tmp_path, whole, tables, bulk_from):
    whole.rest.page = 150
    sync(source(whole, bulk_from), tmp_path, AT)
    reading = read_folder(current(tmp_path))
    assert reading.shape == "salesforce"
    read, taken = reading.tables, ["name", "stage", "amount", "close_date", "type", "lead_source", "next_step"]
    deals = tables["opportunities"]
    known = deals[[*taken, "created_at", "is_won", "forecast_category", "probability"]]
    named = {column: ids(prefix, deals[column]) for column, prefix in DEAL_IDS.items()}
    same(read["opportunities"], known.assign(**named))
    users = tables["users"]
    reps = {"user_id": ids("005", users["user_id"]), "manager_id": ids("005", users["manager_id"])}
    same(read["users"], users[["name", "email", "team", "title", "active", "started_at"]].assign(**reps))
    accounts = tables["accounts"]
    of_accounts = accounts[["name", "industry", "employees", "annual_revenue", "country", "created_at"]]
    same(read["accounts"], of_accounts.assign(account_id=ids("001", accounts["account_id"])))
    roles = tables["contact_roles"]
    of_roles = {"opportunity_id": ids("006", roles["opportunity_id"]), "contact_id": ids("003", roles["contact_id"])}
    same(read["contact_roles"], roles[["role", "added_at"]].assign(**of_roles))
    quotas = tables["quotas"]
    same(read["quotas"], quotas[["period_start", "amount"]].assign(user_id=ids("005", quotas["user_id"])))
    same(read["stages"], tables["stages"][["stage", "position", "is_closed", "is_won"]])
    changes = tables["changes"][tables["changes"]["field"].isin(HISTORY)]
    told = changes[["changed_at", "field"]].assign(opportunity_id=ids("006", changes["opportunity_id"]))
    for side in ("old_value", "new_value"):
        lookup = changes["field"] == "owner_id"
        told[side] = changes[side].where(~lookup, ids("005", changes[side]))
    same(read["changes"], told)
    emails = tables["activities"][tables["activities"]["kind"] == "email"]
    of_emails = emails[["occurred_at", "kind", "direction"]]
    same(read["activities"], of_emails.assign(opportunity_id=ids("006", emails["opportunity_id"])))


DEAL_IDS = {"opportunity_id": "006", "account_id": "001", "owner_id": "005"}


def test_texts_come_byte_for_byte_and_our_own_fields_do_not_come(tmp_path, salesforce):
    some = next(iter(salesforce.company.tables["Opportunity"].rows.values()))
    strange = 'two lines,\r\n"quoted"\t; =cmd 🚀 \u202e, NA'
    some |= {"Notes__c": strange, "Name": "NA", "NextStep": "None", "Dealcast_Score__c": 7}
    sync(source(salesforce), tmp_path, AT)
    row = held(tmp_path).loc[some["Id"]]
    assert (row["Notes__c"], row["Name"], row["NextStep"]) == (strange, "NA", "None")
    columns = set(held(tmp_path).columns)
    assert {"Region__c", "Product__c"} <= columns
    away = {"LastModifiedDate", "SystemModstamp", "LastViewedDate", "IsDeleted", "Site__c"}
    assert not [one for one in columns if one in away or one.startswith("Dealcast_")]


@pytest.mark.parametrize("bulk_from", [1, 10**9], ids=["Bulk API 2.0", "REST"])
def test_only_what_is_new_is_fetched(tmp_path, salesforce, bulk_from):
    company = salesforce.company
    sync(source(salesforce, bulk_from), tmp_path, AT)
    some = list(company.tables["Opportunity"].rows)
    company.update("Opportunity", some[0], {"StageName": "Proposal", "Amount": 4321.0}, "005x")
    like = {**company.tables["Opportunity"].rows[some[1]], "Id": company.new_id("Opportunity")}
    company.put("Opportunity", [{name: value for name, value in like.items() if name != "SystemModstamp"}])
    salesforce.requests.clear()
    done = sync(source(salesforce, bulk_from), tmp_path, AT)
    came = done.came["Opportunity"]
    assert (came.new, came.changed, came.gone) == (1, 1, 0)
    assert done.came["OpportunityFieldHistory"].new == 2
    assert held(tmp_path).loc[some[0], "StageName"] == "Proposal"
    if bulk_from > 1:
        asked = [target for _, target in salesforce.requests if "FROM+Opportunity+" in target]
        assert asked
        assert all("SystemModstamp+%3E%3D" in target for target in asked)


def test_our_own_writes_do_not_come_back(tmp_path, salesforce):
    company = salesforce.company
    company.tracked |= {"Dealcast_Score__c"}
    sync(source(salesforce), tmp_path, AT)
    before = {path.name: path.read_bytes() for path in current(tmp_path).glob("*.parquet")}
    for deal in list(company.tables["Opportunity"].rows):
        company.update("Opportunity", deal, {"Dealcast_Score__c": 50.0}, "integration")
    done = sync(source(salesforce), tmp_path, AT)
    assert all((came.new, came.changed, came.gone) == (0, 0, 0) for came in done.came.values())
    assert {path.name: path.read_bytes() for path in done.folder.glob("*.parquet")} == before


def test_what_is_deleted_goes_with_its_histories_and_what_is_emptied_out_of_the_bin_too(tmp_path, salesforce):
    company = salesforce.company
    sync(source(salesforce), tmp_path, AT)
    histories = held(tmp_path, "OpportunityFieldHistory")["OpportunityId"]
    binned, purged = histories.unique()[:2]
    company.delete("Opportunity", binned)
    company.delete("Opportunity", purged)
    company.purge("Opportunity", purged)
    company.clock = lambda: datetime.now(UTC) + timedelta(minutes=2)  # its list goes by whole minutes
    done = sync(source(salesforce), tmp_path, AT + 1000)
    assert done.came["Opportunity"].gone == 2
    assert not {binned, purged} & set(held(tmp_path).index)
    assert binned not in set(held(tmp_path, "OpportunityFieldHistory")["OpportunityId"])
    assert binned not in set(held(tmp_path, "Task")["WhatId"])
    gone = pq.read_table(done.folder / "deleted" / "Opportunity.parquet")["key"].to_pylist()
    assert gone == sorted((binned, purged))


def test_an_activity_that_is_no_longer_about_a_deal_goes(tmp_path, salesforce):
    sync(source(salesforce), tmp_path, AT)
    task = held(tmp_path, "Task").index[0]
    salesforce.company.update("Task", task, {"WhatId": salesforce_id("001", "acme")})
    sync(source(salesforce), tmp_path, AT)
    assert task not in held(tmp_path, "Task").index


def test_a_new_field_and_a_long_pause_have_everything_fetched_anew(tmp_path, salesforce):
    company = salesforce.company
    sync(source(salesforce), tmp_path, AT)
    table = company.tables["Opportunity"]
    table.fields["Size__c"] = Field("Size__c")
    for row in table.rows.values():
        row["Size__c"] = "big"  # filled in by a formula: no stamp tells of it
    sync(source(salesforce), tmp_path, AT)
    assert set(held(tmp_path)["Size__c"]) == {"big"}
    first = next(iter(table.rows))
    del table.rows[first]  # purged, and forgotten since
    company.clock = lambda: datetime.now(UTC) + timedelta(days=20)
    sync(source(salesforce), tmp_path, AT)
    assert first not in held(tmp_path).index


def test_more_fields_than_an_address_can_hold_come_by_a_job(tmp_path, salesforce):
    table = salesforce.company.tables["Opportunity"]
    many = [f"A_field_with_a_rather_long_name_{number}__c" for number in range(500)]
    table.fields |= {name: Field(name) for name in many}
    for row in table.rows.values():
        row.update(dict.fromkeys(many))
    sync(source(salesforce, bulk_from=10**9), tmp_path, AT)
    assert set(many) <= set(held(tmp_path).columns)


def test_what_salesforce_trims_off_a_history_is_kept(tmp_path, salesforce):
    sync(source(salesforce), tmp_path, AT)
    before = held(tmp_path, "OpportunityFieldHistory")
    rows = salesforce.company.tables["OpportunityFieldHistory"].rows
    for key in list(rows)[: len(rows) // 2]:
        del rows[key]
    salesforce.company.clock = lambda: datetime.now(UTC) + timedelta(days=20)  # everything is fetched anew
    sync(source(salesforce), tmp_path, AT)
    pd.testing.assert_frame_equal(held(tmp_path, "OpportunityFieldHistory"), before)


def test_fields_and_objects_that_the_user_may_not_see_are_left_out(tmp_path, salesforce):
    fields = salesforce.company.tables["Opportunity"].fields
    fields["NextStep"] = Field("NextStep", hidden=True)
    salesforce.company.tables["Task"].hidden = True
    done = sync(source(salesforce), tmp_path, AT)
    assert "NextStep" not in held(tmp_path).columns
    assert "Task" not in done.came
    salesforce.company.tables["Opportunity"].hidden = True
    with pytest.raises(DataRefused, match="may not read opportunities"):
        sync(source(salesforce), tmp_path / "other", AT)


def test_a_version_that_salesforce_does_not_have_is_told_from_a_missing_permission(salesforce):
    assert SalesforceSource(org(salesforce, asked="?version=58.0")).tables()
    with pytest.raises(WrongUse, match=r"no version 12\.0") as refused:
        SalesforceSource(org(salesforce, asked="?version=12.0")).tables()
    assert "?version=62.0" in refused.value.remedy


def test_a_job_that_was_stopped_amid_its_results_goes_on_from_there(tmp_path, salesforce):
    salesforce.faults.planned = [Fault(500, "/results", "GET", times=100, after=2)]
    with pytest.raises(DealcastError, match="busy"):
        sync(source(salesforce, page=7, patience=Patience(budget=0.2, first=0.05)), tmp_path, AT)
    salesforce.faults.planned = []
    jobs = set(salesforce.bulk.jobs)
    salesforce.requests.clear()
    sync(source(salesforce, page=7), tmp_path, AT)
    first = next(target for _, target in salesforce.requests if "/results" in target)
    assert "locator=MTAw14" in first
    assert any(job in first for job in jobs)
    assert set(held(tmp_path).index) == set(salesforce.company.tables["Opportunity"].rows)


def test_a_job_that_is_gone_is_asked_for_anew(tmp_path, salesforce):
    salesforce.faults.planned = [Fault(500, "/results", "GET", times=100, after=2)]
    with pytest.raises(DealcastError, match="busy"):
        sync(source(salesforce, page=7, patience=Patience(budget=0.2, first=0.05)), tmp_path, AT)
    salesforce.faults.planned = []
    salesforce.bulk.jobs.clear()
    sync(source(salesforce, page=7), tmp_path, AT)
    assert set(held(tmp_path).index) == set(salesforce.company.tables["Opportunity"].rows)


def test_a_stormy_line_loses_nothing_and_doubles_nothing(tmp_path, salesforce):
    calm = sync(source(salesforce), tmp_path / "calm", AT)
    salesforce.faults.rate = 15
    stormy = sync(source(salesforce, page=25), tmp_path / "stormy", AT)
    for table in calm.came:
        ours, theirs = (pq.read_table(one.folder / f"{table}.parquet") for one in (calm, stormy))
        assert ours.equals(theirs)


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path, salesforce, certificate):
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.crm.mirrored", "tests.vendors.salesforce.opened"])
    chance, kills = random.Random(2), 0
    while kills < 12:
        seconds = chance.uniform(0.1, 1.2)
        words = (tmp_path / "killed", salesforce.host, str(certificate[0]), seconds)
        child = forks.Process(target=sync_and_be_killed, args=words)
        child.start()
        child.join()
        if child.exitcode == 0:  # in time: something new to come for
            deal = chance.choice(list(salesforce.company.tables["Opportunity"].rows))
            salesforce.company.update("Opportunity", deal, {"NextStep": f"step {kills} {seconds}"}, "005x")
        else:
            assert child.exitcode == -signal.SIGALRM
            kills += 1
    killed = sync(source(salesforce), tmp_path / "killed", AT)
    never = sync(source(salesforce), tmp_path / "never", AT)
    for table in never.came:
        ours, theirs = (pq.read_table(one.folder / f"{table}.parquet") for one in (killed, never))
        assert ours.equals(theirs)
