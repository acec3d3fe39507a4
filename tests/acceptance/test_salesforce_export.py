"""A Salesforce export of a company needs no configuration and tells the same histories as its native tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm.history import data_through
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.tables import CrmTables
from features.dataset import training_set
from features.histories import Histories
from features.settings import propose

FIELDS = {
    "stage": "StageName",
    "amount": "Amount",
    "close_date": "CloseDate",
    "owner_id": "Owner",
    "next_step": "NextStep",
    "forecast_category": "ForecastCategoryName",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, text: pd.Series) -> pd.Series:
    """An 18-character id for each text: prefix, the text padded, and Salesforce's checksum of capitals."""
    short = prefix + text.str.upper().str.replace(r"[^A-Z0-9]", "", regex=True).str.zfill(12)
    return (short + short.map(_checksum, na_action="ignore")).where(text.notna())


def _checksum(short: str) -> str:
    return "".join(
        ALPHABET[sum(1 << place for place, letter in enumerate(short[at : at + 5]) if letter.isupper())]
        for at in (0, 5, 10)
    )


def export(tables: CrmTables, folder: Path) -> None:
    """Write the objects that an administrator would export, with their API column names."""
    deals, users, roles = tables["opportunities"], tables["users"], tables["contact_roles"]
    stages = tables["stages"]
    flags = stages.set_index("stage")
    objects = {
        "Opportunity": pd.DataFrame(
            {
                "Id": salesforce_id("006", deals["opportunity_id"]),
                "AccountId": salesforce_id("001", deals["account_id"]),
                "OwnerId": salesforce_id("005", deals["owner_id"]),
                "Name": deals["name"],
                "StageName": deals["stage"],
                "Amount": deals["amount"],
                "CloseDate": deals["close_date"].dt.strftime("%Y-%m-%d"),
                "Type": deals["type"],
                "LeadSource": deals["lead_source"],
                "NextStep": deals["next_step"],
                "ForecastCategoryName": deals["forecast_category"],
                "IsClosed": deals["stage"].map(flags["is_closed"]).astype(bool),
                "IsWon": deals["stage"].map(flags["is_won"]).astype(bool),
                "CreatedDate": _time(deals["created_at"]),
            }
        ),
        "OpportunityFieldHistory": _field_history(tables),
        "OpportunityContactRole": pd.DataFrame(
            {
                "OpportunityId": salesforce_id("006", roles["opportunity_id"]),
                "ContactId": salesforce_id("003", roles["contact_id"]),
                "Role": roles["role"],
                "CreatedDate": _time(roles["added_at"]),
            }
        ),
        "User": pd.DataFrame(
            {
                "Id": salesforce_id("005", users["user_id"]),
                "FirstName": "",
                "LastName": users["name"],
                "ManagerId": salesforce_id("005", users["manager_id"]),
                "IsActive": users["active"],
                "CreatedDate": _time(users["started_at"]),
            }
        ),
        "OpportunityStage": pd.DataFrame(
            {
                "MasterLabel": stages["stage"],
                "ApiName": stages["stage"],
                "SortOrder": stages["position"].astype(int),
                "IsClosed": stages["is_closed"],
                "IsWon": stages["is_won"],
                "DefaultProbability": stages["probability"],
                "ForecastCategoryName": stages["forecast_category"],
            }
        ),
        "Task": _tasks(tables),
    }
    for name, frame in objects.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


def _time(instants: pd.Series) -> pd.Series:
    return instants.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3] + "+0000"


def _field_history(tables: CrmTables) -> pd.DataFrame:
    changes = tables["changes"]
    changes = changes[changes["field"].isin(FIELDS)]
    owner = changes["field"] == "owner_id"
    rows = pd.DataFrame(
        {
            "OpportunityId": salesforce_id("006", changes["opportunity_id"]),
            "Field": changes["field"].map(FIELDS),
            "OldValue": changes["old_value"].where(~owner, salesforce_id("005", changes["old_value"])),
            "NewValue": changes["new_value"].where(~owner, salesforce_id("005", changes["new_value"])),
            "CreatedDate": _time(changes["changed_at"]),
        }
    )
    names = rows[owner].assign(OldValue="Some One", NewValue="Some Other")
    return pd.concat([names, rows])  # Salesforce tells an owner's change twice: by name and by id


def _tasks(tables: CrmTables) -> pd.DataFrame:
    emails = tables["activities"][tables["activities"]["kind"] == "email"]
    mark = emails["direction"].map({"inbound": "[In] ", "outbound": "[Out] "}).fillna("")
    recorded = emails["recorded_at"].fillna(emails["occurred_at"])
    return pd.DataFrame(
        {
            "Id": salesforce_id("00T", emails["activity_id"]),
            "WhatId": salesforce_id("006", emails["opportunity_id"]),
            "WhoId": salesforce_id("003", emails["contact_id"]),
            "OwnerId": salesforce_id("005", emails["owner_id"]),
            "Subject": "[Email] " + mark + emails["subject"].fillna(""),
            "TaskSubtype": "Email",
            "Status": "Completed",
            "CompletedDateTime": _time(emails["occurred_at"]),
            "CreatedDate": _time(recorded),
        }
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[CrmTables, CrmTables]:
    """The company's own tables, and what is read from its Salesforce export."""
    tables = simulate(SimulatorSettings(deals=800, seed=11)).tables
    folder = tmp_path_factory.mktemp("export")
    export(tables, folder)
    reading = read_folder(folder)
    assert reading.shape == "salesforce"
    assert sum(reading.report.balance[1:]) == reading.report.balance[0]
    return tables, reading.tables


def test_the_export_gives_the_same_features_as_the_native_tables(both: tuple[CrmTables, CrmTables]) -> None:
    native, exported = both
    emails = native["activities"]
    native = native.with_frames(
        activities=emails[emails["kind"] == "email"].reset_index(drop=True),
        accounts=native["accounts"].iloc[:0],
    )
    fixed = frozenset({"type", "lead_source"})
    native, exported = CrmTables(native.frames, fixed), CrmTables(exported.frames, fixed)
    ours, theirs = Histories(native), Histories(exported)
    until = data_through(native)
    time = propose(ours)
    first, second = training_set(ours, time, until), training_set(theirs, time, until)
    shared = [name for name in first.features if name in second.features]
    # Grids differ by each id's phase: compare at dates of both, by the deal's place, which the export keeps.
    ids = ours.deals["opportunity_id"]
    assert len(shared) >= 50
    assert len(theirs) == len(ids)
    one = _at_common_dates(first.features[shared], first.snapshots.deal, first.snapshots.as_of)
    other = _at_common_dates(second.features[shared], second.snapshots.deal, second.snapshots.as_of)
    common = one.index.intersection(other.index)
    assert len(common) > 500
    one, other = one.loc[common], other.loc[common]
    different = [
        name for name in shared if not np.allclose(one[name], other[name], rtol=1e-5, atol=1e-5, equal_nan=True)
    ]
    assert different == []


def _at_common_dates(features: pd.DataFrame, deal: np.ndarray, as_of: np.ndarray) -> pd.DataFrame:
    return features.set_index(pd.MultiIndex.from_arrays([deal, as_of]))


def test_the_export_gives_the_same_outcomes(both: tuple[CrmTables, CrmTables]) -> None:
    native, exported = both
    ours, theirs = Histories(native).episodes, Histories(exported).episodes
    assert np.array_equal(ours.won, theirs.won)
    assert np.array_equal(ours.opened, theirs.opened)
    assert np.array_equal(ours.closed, theirs.closed)
