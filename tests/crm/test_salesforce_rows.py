"""Events, leads and stage histories through Salesforce's API: what arrives in the tables, value by value."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from crm.sources.files import read_folder
from crm.sources.mirror.sync import current, sync
from pipelines.init import draft
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.company import long_id
from tests.vendors.salesforce.filling import empty_company
from tests.vendors.salesforce.opened import source
from tests.vendors.salesforce.server import Server, running

AT = int(datetime.now(UTC).timestamp() * 1000)
DEAL, OTHER = (long_id(f"0065g00000{n:05d}") for n in (1, 2))
REP, CONTACT, ACCOUNT = long_id("0055g0000000001"), long_id("0035g0000000001"), long_id("0015g0000000001")


def event(number: int, **more: object) -> dict[str, object]:
    plain = {
        "Id": long_id(f"00U5g00000{number:05d}"),
        "WhatId": DEAL,
        "WhoId": CONTACT,
        "OwnerId": REP,
        "Subject": "=Kick-off, Größe ☕",
        "ActivityDate": "2026-03-04",
        "ActivityDateTime": "2026-03-04T09:30:00.000Z",
        "StartDateTime": "2026-03-04T09:30:00.000Z",
        "CreatedDate": "2026-03-01T08:00:00.000Z",
        "SystemModstamp": "2026-03-01T08:00:00.000Z",
        "DurationInMinutes": 45,
        "IsAllDayEvent": False,
        "IsChild": False,
        "IsRecurrence": False,
    }
    return {**plain, **more}


def snapshot(number: int, at: str, stage: str, amount: float | None, **more: object) -> dict[str, object]:
    return {
        "Id": long_id(f"0085g00000{number:05d}"),
        "OpportunityId": DEAL,
        "CreatedDate": at,
        "SystemModstamp": at,
        "CreatedById": REP,
        "StageName": stage,
        "Amount": amount,
        "CloseDate": "2026-06-30",
        "Probability": 10.0,
        "ForecastCategory": "Pipeline",
        **more,
    }


def lead(number: int, **more: object) -> dict[str, object]:
    created = "2026-01-10T07:00:00.000Z"
    plain = {"Id": long_id(f"00Q5g00000{number:05d}"), "CreatedDate": created, "SystemModstamp": created}
    return {**plain, "LastName": "Somebody", "Company": "Acme", "LeadSource": "Web", "OwnerId": REP, **more}


def deal(key: str) -> dict[str, object]:
    created = "2026-02-01T10:00:00.000Z"
    told = {"Id": key, "Name": "A deal", "StageName": "Proposal", "Amount": 2500.5, "CloseDate": "2026-07-31"}
    told |= {"OwnerId": REP, "Probability": 50.0, "ForecastCategoryName": "Best Case", "IsClosed": False}
    return {**told, "IsWon": False, "CreatedDate": created, "SystemModstamp": created}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def salesforce(certificate):
    company = empty_company()
    company.put("Opportunity", [deal(DEAL), deal(OTHER)])
    stages = {"Qualify": 1, "Proposal": 2, "Closed Won": 3, "Closed Lost": 4}
    company.put(
        "OpportunityStage",
        (
            {"ApiName": name, "MasterLabel": name, "SortOrder": place, "IsClosed": place > 2, "IsWon": place == 3}
            for name, place in stages.items()
        ),
    )
    with running(Server(company), certificate) as server:
        yield server


def read(server: Server, folder, bulk_from: int):
    sync(source(server, bulk_from), folder, AT)
    return read_folder(current(folder))


def rows_of(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    plain = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None)
    return sorted(map(tuple, plain.to_numpy()), key=str)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


BOTH = pytest.mark.parametrize("bulk_from", [1, 10**9], ids=["Bulk API 2.0", "REST"])


@BOTH
def test_events_are_meetings(tmp_path, salesforce, bulk_from):
    all_day = {"IsAllDayEvent": True, "ActivityDateTime": None, "StartDateTime": "2026-03-05T00:00:00.000Z"}
    salesforce.company.put(
        "Event",
        [
            event(1),
            event(2, **all_day, ActivityDate="2026-03-05", WhoId=long_id("00Q5g0000000001"), Subject=None),
            event(3, IsChild=True),
            event(4, IsRecurrence=True),
            event(5, WhatId=ACCOUNT),
            event(6, IsDeleted=True),
            event(7, DurationInMinutes=None, OwnerId=None, WhoId=None, WhatId=OTHER),
        ],
    )
    reading = read(salesforce, tmp_path, bulk_from)
    kept = reading.tables["activities"]
    columns = ("activity_id", "opportunity_id", "kind", "occurred_at", "recorded_at", "duration_minutes")
    made, began = utc("2026-03-01T08:00"), utc("2026-03-04T09:30")
    assert rows_of(kept, *columns) == [
        (long_id("00U5g0000000001"), DEAL, "meeting", began, made, 45.0),
        (long_id("00U5g0000000002"), DEAL, "meeting", utc("2026-03-05T23:59:59.999999"), made, 45.0),
        (long_id("00U5g0000000007"), OTHER, "meeting", began, made, None),
    ]
    assert rows_of(kept, "activity_id", "contact_id", "owner_id", "subject") == [
        (long_id("00U5g0000000001"), CONTACT, REP, "=Kick-off, Größe ☕"),
        (long_id("00U5g0000000002"), None, REP, None),
        (long_id("00U5g0000000007"), None, None, "=Kick-off, Größe ☕"),
    ]
    (file,) = (one for one in reading.report.files if one.file.startswith("Event"))
    assert (file.rows_in, file.accepted, sum(file.set_aside.values())) == (5, 3, 2), "a copy and a series"


@BOTH
def test_leads_say_where_from_and_what_became_of_them(tmp_path, salesforce, bulk_from):
    salesforce.company.put(
        "Lead",
        [
            lead(1, ConvertedDate="2026-01-31", ConvertedOpportunityId=DEAL, IsConverted=True),
            lead(2, LeadSource=None, OwnerId=None),
            lead(3, IsDeleted=True),
        ],
    )
    leads = read(salesforce, tmp_path, bulk_from).tables["leads"]
    created = utc("2026-01-10T07:00")
    columns = ("lead_id", "created_at", "converted_at", "opportunity_id", "source", "owner_id")
    assert rows_of(leads, *columns) == [
        (long_id("00Q5g0000000001"), created, utc("2026-01-31T23:59:59.999999"), DEAL, "Web", REP),
        (long_id("00Q5g0000000002"), created, None, None, None, None),
    ]


@BOTH
def test_stage_histories_are_changes_with_before_and_after(tmp_path, salesforce, bulk_from):
    salesforce.company.put(
        "OpportunityHistory",
        [
            snapshot(1, "2026-02-01T10:00:00.000Z", "Qualify", None),
            snapshot(2, "2026-02-20T12:00:00.000Z", "Qualify", 2000.0),
            snapshot(3, "2026-03-01T12:00:00.250Z", "Proposal", 2500.5, Probability=50.0, ForecastCategory="BestCase"),
            snapshot(4, "2026-03-02T12:00:00.000Z", "Proposal", 2500.5, CloseDate="2026-07-31", Probability=50.0,
                     ForecastCategory="BestCase"),
            snapshot(5, "2026-03-03T12:00:00.000Z", "Qualify", 1.0, IsDeleted=True),
        ],
    )  # fmt: skip
    # Of what snapshots tell, they are the witness; of anything else the field history is.
    told = {"OpportunityId": DEAL, "CreatedById": REP, "DataType": "Text", "CreatedDate": "2026-03-01T12:00:00.000Z"}
    salesforce.company.put(
        "OpportunityFieldHistory",
        [
            {**told, "Field": "StageName", "OldValue": "Qualify", "NewValue": "Proposal"},
            {**told, "Field": "NextStep", "OldValue": None, "NewValue": "Call"},
        ],
    )
    changes = read(salesforce, tmp_path, bulk_from).tables["changes"]
    assert set(changes["opportunity_id"]) == {DEAL}
    third, fourth = utc("2026-03-01T12:00:00.250"), utc("2026-03-02T12:00")
    assert rows_of(changes, "changed_at", "field", "old_value", "new_value", "changed_by") == sorted(
        [
            (utc("2026-02-20T12:00"), "amount", None, "2000", REP),
            (third, "stage", "Qualify", "Proposal", REP),
            (third, "amount", "2000", "2500.5", REP),
            (third, "probability", "10", "50", REP),
            (third, "forecast_category", "Pipeline", "Best Case", REP),
            (fourth, "close_date", "2026-06-30", "2026-07-31", REP),
            (utc("2026-03-01T12:00"), "next_step", None, "Call", REP),
        ],
        key=str,
    )


def test_objects_without_rows_are_read_and_drafted_from(tmp_path, salesforce):
    """A company that sets no quotas and has no leads: each object is there, and empty."""
    reading = read(salesforce, tmp_path, 1)
    assert {"Quota.parquet", "Account.parquet", "Lead.parquet"} <= {one.file for one in reading.report.files}
    assert (len(reading.tables["opportunities"]), len(reading.tables["leads"])) == (2, 0)
    assert draft(current(tmp_path), "salesforce", lambda _: None).told is not None


def test_what_changes_later_comes_with_the_next_sync(tmp_path, salesforce):
    company = salesforce.company
    company.put("Event", [event(number) for number in range(1, 5)])
    company.put("Lead", [lead(1)])
    company.put("OpportunityHistory", [snapshot(1, "2026-02-01T10:00:00.000Z", "Qualify", 10.0)])
    read(salesforce, tmp_path, 1)
    company.put("Event", [event(1, DurationInMinutes=90, SystemModstamp=company.now)])
    company.put("Lead", [lead(1, ConvertedDate="2026-01-31", ConvertedOpportunityId=OTHER, SystemModstamp=company.now)])
    company.put("OpportunityHistory", [snapshot(2, company.now, "Proposal", 10.0)])
    later = read(salesforce, tmp_path, 1).tables
    assert sorted(later["activities"]["duration_minutes"]) == [45.0, 45.0, 45.0, 90.0]
    assert later["leads"]["opportunity_id"].tolist() == [OTHER]
    assert rows_of(later["changes"], "field", "old_value", "new_value") == [("stage", "Qualify", "Proposal")]
    company.delete("Event", event(1)["Id"])
    assert read(salesforce, tmp_path, 1).tables["activities"]["duration_minutes"].tolist() == [45.0] * 3
