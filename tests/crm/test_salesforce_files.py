"""Salesforce's export, built from its API column names, is read without configuration."""

import csv

import pandas as pd
import pytest

from crm.errors import DataRefused
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping

COLUMNS = {
    "Opportunity": "Id IsDeleted AccountId Name StageName Amount Probability CloseDate Type NextStep LeadSource "
    "IsClosed IsWon ForecastCategory ForecastCategoryName CurrencyIsoCode OwnerId CreatedDate "
    "LastStageChangeDate Score__c",
    "OpportunityHistory": "Id OpportunityId CreatedById CreatedDate StageName Amount CloseDate Probability "
    "ForecastCategory IsDeleted",
    "OpportunityFieldHistory": "Id OpportunityId Field OldValue NewValue CreatedDate CreatedById DataType",
    "Task": "Id WhoId WhatId Subject ActivityDate Status OwnerId Type TaskSubtype IsDeleted IsClosed CreatedDate "
    "CallDurationInSeconds CallType IsRecurrence CompletedDateTime Mood__c",
    "Event": "Id WhoId WhatId Subject IsAllDayEvent ActivityDateTime ActivityDate DurationInMinutes OwnerId IsDeleted "
    "IsChild CreatedDate IsRecurrence",
    "OpportunityContactRole": "Id OpportunityId ContactId Role IsPrimary CreatedDate IsDeleted",
    "Account": "Id IsDeleted Name Industry AnnualRevenue NumberOfEmployees BillingCountry CreatedDate Tier__c Phone",
    "User": "Id Username FirstName LastName Department Title IsActive ManagerId CreatedDate",
    "OpportunityStage": "Id MasterLabel ApiName SortOrder IsClosed IsWon DefaultProbability ForecastCategoryName",
    "Quota": "Id QuotaOwnerId StartDate QuotaAmount",
    "Lead": "Id CreatedDate ConvertedDate ConvertedOpportunityId LeadSource OwnerId",
}
# 15 characters and the 18 that Salesforce makes of them.
WON, WON18 = "0061G00000Ja7B6", "0061G00000Ja7B6QAJ"
OPEN, OPEN18 = "006q000000Hddoh", "006q000000HddohAAB"
GONE = "006q000000HdPzp"
ANN, ANN18 = "0051G000005Mump", "0051G000005MumpQAC"
BOB18 = "0051G000005MumuQAC"
ACCOUNT, ACCOUNT18 = "0015500000Xyy06", "0015500000Xyy06AAB"
CONTACT18 = "0031G00001Pji7ZQAR"


def at(day, hour=9):
    return f"2024-{day}T{hour:02}:00:00.000+0000"


def snapshot(key, day, stage, amount, close, probability, category, deal=WON):
    return {
        "Id": key,
        "OpportunityId": deal,
        "CreatedById": ANN,
        "CreatedDate": at(day),
        "StageName": stage,
        "Amount": amount,
        "CloseDate": close,
        "Probability": probability,
        "ForecastCategory": category,
        "IsDeleted": "false",
    }


def change(key, field, old, new, deal=WON, day="01-20"):
    return {
        "Id": key,
        "OpportunityId": deal,
        "Field": field,
        "OldValue": old,
        "NewValue": new,
        "CreatedDate": at(day),
        "CreatedById": ANN18,
    }


def task(key, what=WON, created="01-10", closed="true", **more):
    return {
        "Id": key,
        "WhatId": what,
        "WhoId": CONTACT18,
        "OwnerId": ANN,
        "CreatedDate": at(created),
        "IsClosed": closed,
        **more,
    }


def event(key, what=WON, **more):
    defaults = {"ActivityDateTime": at("02-05", 15), "ActivityDate": "2024-02-05", "CreatedDate": at("02-01")}
    return {"Id": key, "WhatId": what, "DurationInMinutes": "30", **defaults, **more}


def deal(key, stage, **more):
    return {"Id": key, "StageName": stage, "CreatedDate": at("01-01"), "IsDeleted": "false", **more}


EXPORT = {
    "Opportunity": [
        deal(
            WON,
            "Closed Won",
            Amount="1200.0",
            CloseDate="2024-03-01",
            IsClosed="true",
            IsWon="true",
            AccountId=ACCOUNT,
            OwnerId=ANN,
            ForecastCategory="Closed",
            Probability="100",
            Score__c="7",
        ),
        deal(OPEN18, "Proposal", IsClosed="false", IsWon="false", ForecastCategory="BestCase", NextStep="call  "),
        deal(GONE, "Proposal", IsDeleted="true", Amount="no number"),
    ],
    "OpportunityHistory": [
        snapshot("008a", "01-01", "Proposal", "1000", "2024-02-01", "50", "Pipeline"),
        snapshot("008b", "01-15", "Proposal", "1000.0", "2024-02-20", "50", "BestCase"),
        snapshot("008c", "01-16", "Proposal", "1000", "2024-02-20", "50", "BestCase"),
        snapshot("008d", "03-01", "Closed Won", "1200", "2024-03-01", "100", "Closed"),
        snapshot("008d", "03-01", "Closed Won", "1200", "2024-03-01", "100", "Closed"),
        snapshot("008e", "01-02", "Proposal", "5", "2024-02-01", "50", "Pipeline", deal=OPEN18) | {"IsDeleted": "true"},
    ],
    "OpportunityFieldHistory": [
        change("017a", "created", "", ""),
        change("017b", "Amount", "1000", "1200"),
        change("017c", "Owner", "Bob Bee", "Ann Ace"),
        change("017d", "Owner", BOB18, ANN),
        change("017e", "NextStep", "write", "call"),
        change("017f", "StageName", "Prospecting", "Proposal", deal=OPEN),
        change("017g", "Amount", "10", "a lot", deal=OPEN),
        change("017h", "Score__c", "1", "7"),
        change("017i", "CloseDate", "2024-04-01", "2024-05-01T00:00:00Z", deal=OPEN),
    ],
    "Task": [
        task("00T1", Subject="[Outreach] [Email] [In] Re: hi", ActivityDate="2024-01-10"),
        task(
            "00T2",
            TaskSubtype="Call",
            CallType="Outbound",
            CallDurationInSeconds="90",
            CompletedDateTime=at("01-12", 12),
        ),
        task("00T3", closed="false", ActivityDate="2024-01-12"),
        task("00T4", what=ACCOUNT),
        task("00T5", what=""),
        task("00T6", Type="Demo", ActivityDate="2024-01-14", Mood__c="good"),
        task("00T7", Subject="← Email: hello", WhoId="00Q000000000000AAA", ActivityDate="2024-01-08"),
        task("00T8", IsRecurrence="true"),
        task("00T9", IsDeleted="true"),
        task("00Ta", what="006000000000000AAA"),
        task("00Tb", what=GONE),
        task("00Tc", Subject="Email: our offer >>", Type="Other"),
        task("00Td", ActivityDate="soon"),
    ],
    "Event": [
        event("00U1", Subject="Kick-off"),
        event("00U2", IsChild="true"),
        event("00U3", IsAllDayEvent="true", ActivityDateTime=at("02-06", 0), ActivityDate="2024-02-06"),
        event("00U4", what="a0X000000000000AAA"),
    ],
    "OpportunityContactRole": [
        {"OpportunityId": WON, "ContactId": CONTACT18[:15], "Role": "Decision Maker", "CreatedDate": at("01-03")},
        {"OpportunityId": WON, "ContactId": "", "Role": "Champion", "CreatedDate": at("01-03")},
    ],
    "Account": [
        {"Id": ACCOUNT, "Name": "NA", "NumberOfEmployees": "12", "BillingCountry": "DE", "Tier__c": "A", "Phone": "1"}
    ],
    "User": [
        {"Id": ANN, "FirstName": "Ann", "LastName": "Ace", "IsActive": "true", "ManagerId": BOB18, "Department": "East"}
    ],
    "OpportunityStage": [
        {"ApiName": s, "MasterLabel": s, "SortOrder": str(i), "IsClosed": c, "IsWon": w, "DefaultProbability": p}
        for i, (s, c, w, p) in enumerate(
            [
                ("Prospecting", "false", "false", "10"),
                ("Proposal", "false", "false", "50"),
                ("Closed Won", "true", "true", "100"),
            ]
        )
    ],
    "Quota": [{"QuotaOwnerId": ANN, "StartDate": "2024-01-01", "QuotaAmount": "5000"}],
    "Lead": [
        {
            "Id": "00Q000000000001AAA",
            "CreatedDate": at("01-01"),
            "ConvertedDate": "2024-01-02",
            "ConvertedOpportunityId": WON,
        }
    ],
}


def write(folder, export):
    for name, rows in export.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS[name].split())
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    return read_folder(write(tmp_path_factory.mktemp("salesforce"), EXPORT))


def report(reading, file):
    return next(f for f in reading.report.files if f.file == f"{file}.csv")


def test_the_shape_is_told_and_every_file_balances(reading):
    assert reading.shape == "salesforce"
    assert {f.file.removesuffix(".csv") for f in reading.report.files} == set(EXPORT)
    for name, rows in EXPORT.items():
        assert report(reading, name).rows_in == len(rows), name
    assert reading.report.balance[0] == sum(map(len, EXPORT.values()))


def test_04_ids_of_15_characters_become_18(reading):
    deals = reading.tables["opportunities"]
    assert deals["opportunity_id"].tolist() == [WON18, OPEN18]
    assert deals.loc[0, ["account_id", "owner_id"]].tolist() == [ACCOUNT18, ANN18]
    assert reading.tables["quotas"]["user_id"].tolist() == [ANN18]
    assert set(reading.tables["changes"]["changed_by"]) == {ANN18}
    assert report(reading, "Opportunity").normalised["15-character ids extended to 18"] == 2


def test_deals_are_closed_by_their_history_and_open_ones_are_not_lost(reading):
    deals = reading.tables["opportunities"].set_index("opportunity_id")
    assert deals.loc[WON18, "closed_at"] == pd.Timestamp(at("03-01"))
    assert deals["is_won"].tolist() == [True, pd.NA]
    assert pd.isna(deals.loc[OPEN18, "closed_at"])
    assert deals.loc[OPEN18, ["forecast_category", "next_step"]].tolist() == ["Best Case", "call  "]
    assert deals.loc[WON18, "Score__c"] == "7"


def test_29_what_was_deleted_in_the_crm_is_set_aside_with_all_that_hangs_on_it(reading):
    assert report(reading, "Opportunity").set_aside == {"deleted in the CRM": 1}
    assert report(reading, "OpportunityHistory").set_aside == {"deleted in the CRM": 1, "exact duplicate": 1}


def test_changes_are_where_snapshots_differ(reading):
    changes = reading.tables["changes"]
    won = changes[(changes["opportunity_id"] == WON18) & (changes["changed_at"] != pd.Timestamp(at("01-20")))]
    assert won[["changed_at", "field", "old_value", "new_value"]].astype({"changed_at": "str"}).values.tolist() == [
        [str(pd.Timestamp(at("01-15"))), "close_date", "2024-02-01", "2024-02-20"],
        [str(pd.Timestamp(at("01-15"))), "forecast_category", "Pipeline", "Best Case"],
        [str(pd.Timestamp(at("03-01"))), "stage", "Proposal", "Closed Won"],
        [str(pd.Timestamp(at("03-01"))), "amount", "1000", "1200"],
        [str(pd.Timestamp(at("03-01"))), "close_date", "2024-02-20", "2024-03-01"],
        [str(pd.Timestamp(at("03-01"))), "probability", "50", "100"],
        [str(pd.Timestamp(at("03-01"))), "forecast_category", "Best Case", "Closed"],
    ]


def test_field_history_fills_in_what_snapshots_do_not_tell(reading):
    changes = reading.tables["changes"]
    told = changes[changes["changed_at"] == pd.Timestamp(at("01-20"))]
    assert told[["opportunity_id", "field", "old_value", "new_value"]].values.tolist() == [
        [WON18, "owner_id", BOB18, ANN18],
        [WON18, "next_step", "write", "call"],
        [OPEN18, "stage", "Prospecting", "Proposal"],
        [WON18, "Score__c", "1", "7"],
        [OPEN18, "close_date", "2024-04-01", "2024-05-01"],
    ]
    found = report(reading, "OpportunityFieldHistory")
    assert found.set_aside == {"not a number": 1}
    assert found.normalised == {
        "marks that are no change": 1,
        "changes told by name, and by id in a row of their own": 1,
        "changes told by OpportunityHistory": 1,
        "times cut to their day": 1,
    }


def test_tasks_are_touches_with_kind_and_direction(reading):
    touches = reading.tables["activities"].set_index("activity_id")
    assert touches.loc[["00T1", "00T2", "00T6", "00T7", "00Tc"], ["kind", "direction"]].fillna("").values.tolist() == [
        ["email", "inbound"],
        ["call", "outbound"],
        ["demo", ""],
        ["email", "inbound"],
        ["email", "outbound"],
    ]
    assert touches.loc["00T2", "duration_minutes"] == 1.5
    assert touches["contact_id"].isna().sum() == 3, "a lead is no contact, and these events have nobody"
    assert touches.loc["00T6", "Mood__c"] == "good"


def test_tasks_took_place_when_done_and_are_known_no_sooner(reading):
    touches = reading.tables["activities"].set_index("activity_id")
    times = {k: tuple(touches.loc[k, ["occurred_at", "recorded_at"]]) for k in ("00T1", "00T2", "00T6", "00T7", "00Tc")}
    entered = pd.Timestamp(at("01-10"))
    end = pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    day = {d: pd.Timestamp(f"2024-01-{d}", tz="UTC") + end for d in ("08", "14")}
    done = pd.Timestamp(at("01-12", 12))
    assert times == {
        "00T1": (entered, entered),  # entered on the day itself
        "00T2": (done, done),  # entered as a plan, done two days later
        "00T6": (day["14"], day["14"]),  # due later, no time of completion
        "00T7": (day["08"], entered),  # logged two days after
        "00Tc": (entered, entered),  # nothing but the entry
    }


def test_what_is_no_touch_of_a_deal_is_set_aside_with_its_reason(reading):
    assert report(reading, "Task").set_aside == {
        "deleted in the CRM": 1,
        "not about a deal": 2,
        "planned, not done": 1,
        "a series' pattern": 1,
        "event of an unknown deal": 1,
        "event of a deal that was set aside": 1,
        "not a time": 1,
    }
    assert report(reading, "Event").set_aside == {"an invitee's copy of a meeting": 1, "not about a deal": 1}


def test_events_are_meetings_known_ahead(reading):
    meetings = reading.tables["activities"].set_index("activity_id").loc[["00U1", "00U3"]]
    assert meetings["kind"].tolist() == ["meeting", "meeting"]
    assert meetings["occurred_at"].tolist() == [
        pd.Timestamp(at("02-05", 15)),
        pd.Timestamp("2024-02-06T23:59:59.999999Z"),
    ]
    assert meetings["recorded_at"].tolist() == [pd.Timestamp(at("02-01"))] * 2
    assert meetings["duration_minutes"].tolist() == [30, 30]


def test_people_accounts_stages_quotas_and_leads(reading):
    tables = reading.tables
    roles = tables["contact_roles"]
    assert roles[["contact_id", "role"]].values.tolist() == [[CONTACT18, "Decision Maker"]]
    assert report(reading, "OpportunityContactRole").set_aside == {"blank id": 1}
    account = tables["accounts"].iloc[0]
    assert account[["account_id", "name", "employees", "country", "Tier__c"]].tolist() == [
        ACCOUNT18,
        "NA",
        12,
        "DE",
        "A",
    ]
    assert "Phone" not in tables["accounts"], "of other objects only the company's own further columns are kept"
    user = tables["users"].iloc[0]
    assert user[["user_id", "name", "manager_id", "team", "active"]].tolist() == [ANN18, "Ann Ace", BOB18, "East", True]
    assert tables["stages"]["stage"].tolist() == ["Prospecting", "Proposal", "Closed Won"]
    assert tables["quotas"].loc[0, ["period_start", "amount"]].tolist() == [pd.Timestamp("2024-01-01"), 5000]
    assert tables["leads"].loc[0, ["opportunity_id", "converted_at"]].tolist() == [
        WON18,
        pd.Timestamp("2024-01-02T23:59:59.999999Z"),
    ]


def test_without_any_history_the_deals_own_row_tells_when_it_closed(tmp_path):
    closed = {"IsClosed": "true", "IsWon": "true", "CloseDate": "2024-03-01"}
    deals = [deal(WON, "Closed Won", LastStageChangeDate=at("02-28"), **closed), deal(OPEN, "Closed Won", **closed)]
    reading = read_folder(write(tmp_path, {"Opportunity": [*deals, deal(GONE, "Proposal", IsClosed="false")]}))
    assert reading.tables["opportunities"]["closed_at"].tolist() == [
        pd.Timestamp(at("02-28")),
        pd.Timestamp("2024-03-01T23:59:59.999999Z"),
        pd.NaT,
    ]
    assert report(reading, "Opportunity").normalised["closing times from the last stage change or the close date"] == 2
    assert "inferred" in reading.report.notes[0]


def test_times_without_a_zone_are_utc_unless_another_is_declared(tmp_path):
    folder = write(tmp_path, {"Opportunity": [deal(WON, "Proposal") | {"CreatedDate": "2024-07-01 09:00:00"}]})
    assert read_folder(folder).tables["opportunities"]["created_at"].tolist() == [pd.Timestamp("2024-07-01T09:00Z")]
    berlin = read_folder(folder, SourceMapping(time_zone="Europe/Berlin"))
    assert berlin.tables["opportunities"]["created_at"].tolist() == [pd.Timestamp("2024-07-01T07:00Z")]


def test_an_object_without_a_field_it_cannot_do_without_is_named(tmp_path):
    (tmp_path / "Opportunity.csv").write_text("Id,StageName\n006,New\n", encoding="utf-8")
    with pytest.raises(DataRefused, match="'CreatedDate'") as refused:
        read_folder(tmp_path)
    assert refused.value.where == "Opportunity.csv"


def test_a_column_of_ones_own_that_is_called_as_one_of_the_contract_stands_beside_it(tmp_path):
    folder = write(tmp_path, {"Opportunity": EXPORT["Opportunity"], "OpportunityStage": EXPORT["OpportunityStage"]})
    deals = pd.read_csv(folder / "Opportunity.csv", dtype=str, keep_default_na=False)
    deals.assign(amount="about so much", AMOUNT="1").to_csv(folder / "Opportunity.csv", index=False)
    found = read_folder(folder).tables["opportunities"]
    assert float(deals.loc[deals["Id"] == WON, "Amount"].iloc[0]) in found["amount"].tolist()
    assert set(found["amount (source)"]) == {"about so much"}
    assert set(found["AMOUNT"]) == {"1"}


def test_our_own_write_back_stands_in_the_history_and_is_no_event(tmp_path):
    ours = [
        change("own1", "Dealcast_Score__c", "61", "64"),
        change("own2", "Dealcast_Reasons__c", "", "For: a meeting is booked."),
        {**change("own3", "Win_Chance__c", "0.2", "0.3"), "CreatedById": BOB18},
        {**change("own4", "NextStep", "call", "write"), "CreatedById": BOB18},
    ]
    more = {**EXPORT, "OpportunityFieldHistory": [*EXPORT["OpportunityFieldHistory"], *ours]}
    before = read_folder(write(tmp_path, EXPORT)).tables["changes"]
    after = read_folder(write(tmp_path, more), SourceMapping(written_by=BOB18))
    assert len(after.tables["changes"]) == len(before) + 1
    assert report(after, "OpportunityFieldHistory").normalised["changes by our own write-back, no events"] == 3
    assert "write" in set(after.tables["changes"]["new_value"]), "what we never write is an event, whoever changed it"
