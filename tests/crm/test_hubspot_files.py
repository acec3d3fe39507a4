"""HubSpot's tables, as Fivetran or dlt leave them, are read without configuration."""

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest

from crm.errors import DataRefused
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import Reading, read_folder
from crm.sources.mapping import SourceMapping
from crm.sources.own_writes import TOLD
from crm.tables import CrmTables
from tests.vendors.hubspot import fivetran
from tests.vendors.hubspot.company import numbered, the_account_of

KEPT = 20


@pytest.fixture(scope="module")
def company() -> CrmTables:
    return simulate(SimulatorSettings(deals=150, seed=3)).tables


@pytest.fixture(scope="module")
def exported(company: CrmTables, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("fivetran")
    fivetran.write(the_account_of(company), folder)
    return read_folder(folder)


def test_every_row_of_every_file_is_accounted_for(exported: Reading) -> None:
    assert exported.shape == "hubspot"
    for file in exported.report.files:
        assert file.rows_in == file.accepted + sum(file.set_aside.values())
        assert not file.set_aside
    assert {file.table for file in exported.report.files} == {
        *("opportunities", "changes", "activities", "contact_roles", "accounts", "users", "stages")
    }


def test_the_deals_are_the_companys(company: CrmTables, exported: Reading) -> None:
    ours, theirs = company["opportunities"], exported.tables["opportunities"]
    for column in ("opportunity_id", "account_id", "owner_id"):
        ours = ours.assign(**{column: numbered(ours[column])})
    pd.testing.assert_frame_equal(theirs[ours.columns], ours)
    assert set(theirs["pipeline"]) == {"Sales Pipeline"}


def test_the_changes_are_the_companys(company: CrmTables, exported: Reading) -> None:
    """All of them but those that HubSpot no longer keeps: it holds twenty versions of a property."""
    ours, theirs = company["changes"], exported.tables["changes"]
    ours = ours.assign(opportunity_id=numbered(ours["opportunity_id"]), changed_by=numbered(ours["changed_by"]))
    owner = ours["field"] == "owner_id"
    for value in ("old_value", "new_value"):
        ours.loc[owner, value] = numbered(ours.loc[owner, value])
    versions = ours.groupby(["opportunity_id", "field"])["field"].transform("size") + 1
    later = ours.groupby(["opportunity_id", "field"]).cumcount(ascending=False)
    kept = ours[(versions <= KEPT) | (later < KEPT - 1)]
    assert len(kept) > 1500
    # HubSpot computes a chance from the stage and tells its history; the company has it from the stage alone.
    chances = theirs["field"] == "probability"
    assert chances.sum() == (theirs["field"] == "stage").sum() > 300
    theirs = theirs[~chances]
    order = ["opportunity_id", "field", "changed_at"]
    kept, theirs = (frame.sort_values(order, ignore_index=True) for frame in (kept, theirs))
    pd.testing.assert_frame_equal(theirs, kept)


def test_what_never_changed_is_known_by_its_history(exported: Reading, odd: Reading) -> None:
    """HubSpot keeps every property's history, so that one without a change is known to have had none."""
    assert exported.tables.fixed == {"currency", "lead_source", "pipeline", "product", "region", "type"}
    assert any("never changed" in note and "product" in note for note in exported.report.notes)
    assert odd.tables.fixed == frozenset()  # budget has changed; of type and the like no version is told


def test_the_activities_are_the_companys(company: CrmTables, exported: Reading) -> None:
    ours, theirs = company["activities"], exported.tables["activities"]
    for column in ("opportunity_id", "activity_id", "owner_id", "contact_id"):
        ours = ours.assign(**{column: numbered(ours[column])})
    # HubSpot's meetings and tasks have no direction, e-mails and tasks no duration.
    ours.loc[~ours["kind"].isin(["email", "call"]), "direction"] = None
    ours.loc[ours["kind"].isin(["email", "task"]), "duration_minutes"] = None
    ours, theirs = (frame.sort_values("activity_id", ignore_index=True) for frame in (ours, theirs))
    pd.testing.assert_frame_equal(theirs, ours)


def test_people_accounts_and_stages_are_the_companys(company: CrmTables, exported: Reading) -> None:
    tables = exported.tables
    for table, columns in {
        "users": ["user_id", "name", "team", "active", "started_at"],
        "accounts": list(company["accounts"].columns),
        "stages": ["stage", "position", "is_closed", "is_won", "probability"],
        "contact_roles": ["opportunity_id", "contact_id", "role"],
    }.items():
        ours = company[table][columns]
        for column in [c for c in columns if c.endswith("_id")]:
            ours = ours.assign(**{column: numbered(ours[column])})
        theirs = tables[table][columns]
        if table == "contact_roles":
            ours, theirs = (frame.sort_values(columns, ignore_index=True) for frame in (ours, theirs))
        pd.testing.assert_frame_equal(theirs, ours)


# --- what a simulated company does not have --------------------------------------------------------

STAGE_ROWS = [
    "_fivetran_deleted,closed_won,is_closed,display_order,probability,stage_id,label,pipeline_id",
    "FALSE,FALSE,FALSE,0,0.2,new,Proposal,default",
    "FALSE,TRUE,TRUE,1,1.0,won,Closed won,default",
    "FALSE,FALSE,FALSE,2,0.0,lost,Closed lost,default",  # Fivetran: not closed, though HubSpot says so
    "FALSE,FALSE,FALSE,0,0.0,r_new,Proposal,renewals",
    "TRUE,FALSE,FALSE,1,0.5,r_old,Talks,renewals",
    "FALSE,TRUE,TRUE,2,1.0,r_won,Renewed,renewals",
]
PIPELINE_ROWS = ["pipeline_id,label,display_order", "renewals,Renewals,1", "default,Sales,0"]
DEAL_HEADER = (
    "deal_id,is_deleted,deal_pipeline_id,deal_pipeline_stage_id,owner_id,property_dealname,property_amount,"
    "property_amount_in_home_currency,property_deal_currency_code,property_closedate,property_createdate,"
    "property_hs_v2_date_entered_current_stage,property_dealcast_score,property_budget"
)
DEAL_ROWS = [
    DEAL_HEADER,
    "1,false,default,new,77,First,1000,,EUR,2024-04-01 03:30:00,2024-01-01 10:00:00,,88,big",
    "2,false,default,won,77,Second,500,450.5,USD,1710000000000,1704103200000,2024-03-09 16:00:00,,",
    "3,false,renewals,r_new,,Third,,,EUR,,2024-01-01 10:00:00.000,,,",
    "4,true,default,new,,Gone,,,EUR,,2024-01-01 10:00:00,,,",
    "5,false,default,new,,Merged away,,,EUR,,2024-01-01 10:00:00,,,",
    "6,false,default,nobody_knows,,Odd,,,EUR,,2024-01-01 10:00:00,,,",
    *(f"{key},false,default,new,77,More,1,,EUR,,2024-01-01 10:00:00,,," for key in range(100, 130)),
]


def version(deal: int, prop: str, value: str, at: str, source_id: str = "userId:9") -> str:
    return f"{deal},{at},CRM_UI,{prop},{source_id},{value}"


HISTORY_ROWS = [
    "deal_id,timestamp,source,name,source_id,value",
    # newest first, as HubSpot hands them out
    version(1, "dealstage", "won", "2024-02-03 10:00:00"),
    version(1, "dealstage", "new", "2024-02-04 10:00:00"),
    version(1, "dealstage", "new", "2024-01-01 10:00:00"),
    version(1, "amount", "1000", "1706782200000"),  # milliseconds; entered a month after the deal
    version(1, "closedate", "1711942200000", "2024-01-05 00:00:00"),  # 2024-04-01T03:30Z
    version(1, "closedate", "1711938600000", "2024-01-06 00:00:00"),  # 2024-04-01T02:30Z: the same day
    version(1, "dealcast_score", "88", "2024-02-05 03:00:00", "21471712"),
    version(1, "hs_lastmodifieddate", "1707102000000", "2024-02-05 03:00:00", "21471712"),
    version(1, "notes_last_updated", "1707102000000", "2024-02-05 03:00:00"),
    version(1, "budget", "small", "2024-01-01 10:00:00.400"),
    version(1, "budget", "big", "2024-01-20 10:00:00", "API"),
    version(1, "budget", "big", "2024-01-20 10:00:00", "API"),
    version(2, "dealstage", "new", "2024-01-01 10:00:00"),
    version(2, "dealstage", "won", "2024-03-09 16:00:00"),
    version(2, "amount", "600", "2024-01-01 10:00:00"),
    version(2, "amount", "500", "2024-01-09 10:00:00"),
    version(2, "amount_in_home_currency", "540.6", "2024-01-01 10:00:00"),
    version(2, "amount_in_home_currency", "450.5", "2024-01-09 10:00:00"),
    version(3, "dealstage", "r_old", "2024-01-01 10:00:00"),
    version(3, "dealstage", "r_new", "2024-01-02 10:00:00"),
    version(3, "pipeline", "default", "2024-01-01 10:00:00"),
    version(3, "pipeline", "renewals", "2024-01-02 10:00:00"),
    *(version(3, "hs_next_step", f"step {n}", f"2024-02-{n:02} 10:00:00") for n in range(1, 21)),
]
OWNER_ROWS = [
    "owner_id,email,first_name,last_name,active_user_id,created_at",
    "77,ann@x.com,Ann,Lee,9,2020-01-01 00:00:00",
]


def write(folder: Path, **files: list[str]) -> Path:
    standard = {
        "deal_data": DEAL_ROWS,
        "deal_property_history_data": HISTORY_ROWS,
        "deal_pipeline_stage_data": STAGE_ROWS,
        "deal_pipeline_data": PIPELINE_ROWS,
        "owner_data": OWNER_ROWS,
        "merged_deal_data": ["deal_id,merged_deal_id", "1,5"],
    }
    for name, rows in {**standard, **files}.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder


def by_deal(reading: Reading, table: str, key: str) -> pd.DataFrame:
    frame = reading.tables[table]
    return frame[frame["opportunity_id"] == key].reset_index(drop=True)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return read_folder(write(tmp_path_factory.mktemp("odd")), SourceMapping(time_zone="America/New_York"))


def test_stages_of_several_pipelines_keep_apart(odd: Reading) -> None:
    stages = odd.tables["stages"].set_index("stage")
    assert list(stages.sort_values("position").index) == [
        *("Proposal (Sales)", "Closed won", "Closed lost", "Proposal (Renewals)", "Talks", "Renewed")
    ]
    assert list(stages[stages["is_closed"]].index) == ["Closed won", "Closed lost", "Renewed"]
    assert list(stages[stages["is_won"]].index) == ["Closed won", "Renewed"]


def test_deals_that_are_none_are_set_aside(odd: Reading) -> None:
    file = next(file for file in odd.report.files if file.file == "deal_data.csv")
    assert file.set_aside == {"deleted in the CRM": 1, "merged into another deal": 1, "unknown stage": 1}
    assert file.rows_in == file.accepted + 3


def test_times_are_utc_and_close_dates_the_companys_days(odd: Reading) -> None:
    deals = odd.tables["opportunities"].set_index("opportunity_id")
    assert deals.loc["1", "created_at"] == pd.Timestamp("2024-01-01T10:00Z")
    assert deals.loc["1", "close_date"] == pd.Timestamp("2024-03-31")  # 03:30 UTC is the evening before
    assert deals.loc["2", "created_at"] == pd.Timestamp("2024-01-01T10:00Z")
    assert deals.loc["2", "closed_at"] == pd.Timestamp("2024-03-09T16:00Z")
    assert deals.loc["2", "is_won"]


def test_amounts_are_in_the_companys_currency(odd: Reading) -> None:
    deals = odd.tables["opportunities"].set_index("opportunity_id")
    assert deals.loc["2", ["amount", "currency"]].tolist() == [450.5, "USD"]
    changes = by_deal(odd, "changes", "2")
    amount = changes[changes["field"] == "amount"]
    assert amount[["old_value", "new_value"]].to_numpy().tolist() == [["540.6", "450.5"]]


def test_versions_become_changes(odd: Reading) -> None:
    changes = by_deal(odd, "changes", "1").sort_values(["field", "changed_at"])
    told = changes[["field", "old_value", "new_value", "changed_by"]].astype(object).where(changes.notna(), None)
    assert told.to_numpy().tolist() == [
        ["amount", None, "1000", "77"],
        ["budget", "small", "big", None],
        ["close_date", None, "2024-03-31", "77"],
        ["stage", "Proposal (Sales)", "Closed won", "77"],
        ["stage", "Closed won", "Proposal (Sales)", "77"],
    ]


def test_what_we_wrote_and_what_hubspot_computes_is_no_change(odd: Reading) -> None:
    history = next(file for file in odd.report.files if file.table == "changes")
    assert history.normalised[TOLD] == 1
    assert history.normalised["what HubSpot computes itself"] == 2
    assert history.set_aside == {"exact duplicate": 1}
    assert history.rows_in == history.accepted + 1
    columns = odd.tables["opportunities"].columns
    assert "budget" in columns
    assert not any("dealcast" in column for column in columns)


def test_a_history_that_hubspot_has_cut_does_not_begin_from_nothing(odd: Reading) -> None:
    steps = by_deal(odd, "changes", "3")
    steps = steps[steps["field"] == "next_step"].sort_values("changed_at")
    assert steps["old_value"].tolist() == [f"step {n}" for n in range(1, 20)]
    history = next(file for file in odd.report.files if file.table == "changes")
    assert history.normalised["the oldest version kept"] == 1


def test_a_deals_move_to_another_pipeline_is_told_by_name(odd: Reading) -> None:
    moved = by_deal(odd, "changes", "3")
    moved = moved[moved["field"].isin(["stage", "pipeline"])].sort_values("field")
    assert moved[["field", "old_value", "new_value"]].to_numpy().tolist() == [
        ["pipeline", "Sales", "Renewals"],
        ["stage", "Talks", "Proposal (Renewals)"],
    ]


def test_deal_stage_tells_what_no_property_history_does(tmp_path: Path) -> None:
    rows = ["deal_id,value,date_entered,source_id"]
    rows += ["100,new,2024-01-01 10:00:00,", "100,won,2024-02-01 10:00:00,userId:9", "1,lost,2024-02-09 10:00:00,"]
    reading = read_folder(write(tmp_path, deal_stage_data=rows))
    assert by_deal(reading, "changes", "100")["new_value"].tolist() == ["Closed won"]
    file = next(file for file in reading.report.files if file.file == "deal_stage_data.csv")
    assert file.normalised["changes told by the property history"] == 1
    assert file.rows_in == file.accepted == 3


ENGAGEMENTS = {
    "engagement_deal": ["engagement_id,deal_id", *(f"{key},1" for key in range(10, 21)), "11,3", "11,2"],
    "engagement_contact": ["engagement_id,contact_id", "11,900", "11,800"],
    "engagement_email": [
        "engagement_id,property_hs_createdate,property_hs_timestamp,property_hs_email_direction,property_hs_email_subject,"
        "property_hs_email_status",
        "10,2024-01-03 10:00:00,2024-01-03 09:00:00,EMAIL,Hello,SENT",
        "11,2024-01-04 10:00:00,2024-01-04 10:00:00,INCOMING_EMAIL,Re: Hello,",
        "12,2024-01-04 10:00:00,2024-01-04 10:00:00,DRAFT_EMAIL,not sent,",
        "13,2024-01-04 10:00:00,2024-01-04 10:00:00,FORWARDED_EMAIL,from somewhere,",
        "99,2024-01-04 10:00:00,2024-01-04 10:00:00,EMAIL,of no deal,SENT",
    ],
    "engagement_task": [
        "engagement_id,property_hs_createdate,property_hs_timestamp,property_hs_task_status,property_hs_task_completion_date",
        "14,2024-01-03 10:00:00,2024-01-09 10:00:00,COMPLETED,2024-01-08 15:00:00",
        "15,2024-01-03 10:00:00,2024-01-09 10:00:00,NOT_STARTED,",
    ],
    "engagement_meeting": [
        "engagement_id,start_time,end_time,title,property_hs_createdate,property_hs_meeting_outcome,property_hs_activity_type",
        "16,2024-01-09 10:00:00,2024-01-09 10:45:00,Kick-off,2024-01-03 10:00:00,COMPLETED,Demo",
        "17,2024-01-10 10:00:00,2024-01-10 10:45:00,Kick-off,2024-01-03 10:00:00,CANCELED,",
    ],
    "engagement_note": [
        "engagement_id,property_hs_createdate,property_hs_timestamp",
        "18,2024-01-03 10:00:00,2024-01-03 10:00:00",
    ],
    "engagement_communication": [
        "engagement_id,property_hs_createdate,property_hs_timestamp,property_hs_communication_channel_type",
        "19,2024-01-03 10:00:00,2024-01-03 10:00:00,LINKEDIN_MESSAGE",
    ],
    "engagement_call": [
        "engagement_id,property_hs_createdate,property_hs_timestamp,property_hs_call_duration,property_hs_call_direction,_fivetran_deleted",
        "20,2024-01-03 10:00:00,2024-01-03 10:00:00,90000,INBOUND,false",
        "21,2024-01-03 10:00:00,2024-01-03 10:00:00,90000,INBOUND,true",
    ],
}


def test_engagements_are_touches_of_their_deals(tmp_path: Path) -> None:
    reading = read_folder(write(tmp_path, **ENGAGEMENTS))
    found = reading.tables["activities"].set_index("activity_id")
    assert found["kind"].to_dict() == {
        "10": "email",
        "11": "email",
        "11/2": "email",
        "11/3": "email",
        "13": "email",
        "14": "task",
        "16": "demo",
        "18": "note",
        "19": "linkedin message",
        "20": "call",
    }
    assert found.loc[["11", "11/2", "11/3"], "opportunity_id"].tolist() == ["1", "2", "3"]
    assert found.loc["11", "contact_id"] == "800"
    assert found["direction"].dropna().to_dict() == {
        "10": "outbound",
        "11": "inbound",
        "11/2": "inbound",
        "11/3": "inbound",
        "20": "inbound",
    }
    assert found.loc["14", ["occurred_at", "recorded_at"]].tolist() == [pd.Timestamp("2024-01-08T15:00Z")] * 2
    assert found.loc["16", ["occurred_at", "recorded_at", "duration_minutes"]].tolist() == [
        *(pd.Timestamp("2024-01-09T10:00Z"), pd.Timestamp("2024-01-03T10:00Z"), 45.0)
    ]
    assert found.loc["20", "duration_minutes"] == 1.5
    aside = reading.report.set_aside
    aside = aside[aside["file"].str.startswith("engagement")]
    assert aside.groupby("rule").size().to_dict() == {
        "deleted in the CRM": 1,
        "not about a deal": 1,
        "planned, not done": 3,
    }
    for file in reading.report.files:
        assert file.rows_in == file.accepted + sum(file.set_aside.values())


def test_dlts_tables_tell_the_same(tmp_path: Path, odd: Reading) -> None:
    files = {
        "deals": [
            "id,dealstage,pipeline,hubspot_owner_id,dealname,amount,closedate,createdate,is_deleted,budget,_dlt_id",
            "1,new,default,77,First,1000,2024-04-01T03:30:00Z,2024-01-01T10:00:00Z,false,big,x1",
        ],
        "deals_property_history": [
            "object_id,property_name,value,timestamp,source_type,source_id,updated_by_user_id",
            "1,dealstage,new,2024-01-01T10:00:00Z,CRM_UI,userId:9,9",
            "1,dealstage,won,2024-02-03T10:00:00Z,CRM_UI,,9",
            "1,dealstage,new,2024-02-04T10:00:00Z,API,,9",
        ],
        "pipelines_deals": ["id,label,display_order,_dlt_id", "default,Sales,0,p0", "renewals,Renewals,1,p1"],
        "pipelines_deals__stages": [
            "id,label,display_order,metadata__is_closed,metadata__probability,_dlt_parent_id",
            "new,Proposal,0,false,0.2,p0",
            "won,Closed won,1,true,1.0,p0",
            "lost,Closed lost,2,true,0.0,p0",
            "r_new,Proposal,0,false,0.2,p1",
        ],
        "owners": [
            "id,email,first_name,last_name,user_id,created_at,archived",
            "77,a@x.com,Ann,Lee,9,2020-01-01T00:00:00Z,false",
        ],
        "contacts__deals": ["value,deals_id,_dlt_parent_id", "800,1,c0"],
        "companies__deals": ["value,deals_id,_dlt_parent_id", "600,1,c1"],
        "companies": ["id,name,createdate", "600,Acme,2020-01-01T00:00:00Z"],
    }
    for name, rows in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    reading = read_folder(tmp_path, SourceMapping(time_zone="America/New_York"))
    assert reading.shape == "hubspot through dlt"
    same = ["stage", "amount", "close_date", "owner_id", "name", "created_at", "budget", "pipeline"]
    first = by_deal(odd, "opportunities", "1")
    pd.testing.assert_frame_equal(by_deal(reading, "opportunities", "1")[same], first[same])
    assert reading.tables["opportunities"].loc[0, "account_id"] == "600"
    stages = by_deal(odd, "changes", "1")
    stages = stages[stages["field"] == "stage"].sort_values("changed_at", ignore_index=True)
    theirs = by_deal(reading, "changes", "1").sort_values("changed_at", ignore_index=True)
    pd.testing.assert_frame_equal(theirs, stages)
    assert reading.tables["contact_roles"]["contact_id"].tolist() == ["800"]
    assert reading.tables["stages"]["is_closed"].tolist() == [False, True, True, False]


def test_a_table_without_its_columns_is_refused_by_name(tmp_path: Path) -> None:
    folder = write(tmp_path, deal_property_history_data=["deal_id,value", "1,new"])
    with pytest.raises(DataRefused, match="no column 'name'"):
        read_folder(folder)


# --- Fivetran's own sample -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of Fivetran's package; none of its deals is in a stage, so they are put into its own stages."""
    source = real_data / "crm_shapes" / "fivetran_hubspot"
    if not source.is_dir():
        pytest.skip("no sample of Fivetran's HubSpot tables among the real data")
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(source, folder, dirs_exist_ok=True)
    with (folder / "deal_pipeline_stage_data.csv").open() as file:
        stages = [(row["stage_id"], row["pipeline_id"]) for row in csv.DictReader(file)]
    with (folder / "deal_data.csv").open() as file:
        deals = list(csv.DictReader(file))
    for place, row in enumerate(deals):
        row["deal_pipeline_stage_id"], row["deal_pipeline_id"] = stages[place % len(stages)]
    pd.DataFrame(deals).to_csv(folder / "deal_data.csv", index=False)
    return folder


def test_fivetrans_sample_is_read(sample: Path) -> None:
    reading = read_folder(sample)
    assert reading.shape == "hubspot"
    assert len(reading.report.files) == 13
    for file in reading.report.files:
        with (sample / file.file).open() as lines:
            assert file.rows_in == sum(1 for _ in csv.DictReader(lines))
    for file in reading.report.files:
        assert file.rows_in == file.accepted + sum(file.set_aside.values())
    assert reading.tables["stages"]["stage"].is_unique
    assert len(reading.tables["stages"]) == 71
    assert reading.tables["users"]["started_at"].notna().all()


def test_fivetrans_sample_as_it_is_says_what_is_missing(sample: Path, real_data: Path) -> None:
    with pytest.raises(DataRefused, match="none of its 44 rows can be used"):
        read_folder(real_data / "crm_shapes" / "fivetran_hubspot")
