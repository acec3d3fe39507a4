"""Salesforce in a warehouse reads as its export does; versions of deals are a history."""

import csv
import re

import numpy as np
import pandas as pd
import pytest

from crm.clock import event_millis
from crm.errors import DataRefused
from crm.history import episodes
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping
from crm.values import value_history
from tests.crm import test_salesforce_files as salesforce

RENAMED = {"quota": "forecasting_quota"}
TRACKED = ("stage", "amount", "close_date", "owner_id", "next_step", "forecast_category")


def snake(api):
    """As Fivetran and dlt write a name: StageName → stage_name, Score__c → score_c."""
    return re.sub(r"_+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", api)).lower()


def write(folder, tables, form="{}"):
    for name, rows in tables.items():
        frame = pd.DataFrame(rows, columns=salesforce.COLUMNS[name].split()).rename(columns=snake)
        frame["_fivetran_synced"] = "2026-01-01 00:00:00"
        table = RENAMED.get(snake(name), snake(name))
        frame.to_csv(folder / f"{form.format(table)}.csv", index=False, quoting=csv.QUOTE_ALL)
    return folder


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return read_folder(salesforce.write(tmp_path_factory.mktemp("export"), salesforce.EXPORT))


@pytest.mark.parametrize("form", ["{}", "sf_{}_data"])
def test_a_warehouse_reads_as_the_export(tmp_path, export, form):
    reading = read_folder(write(tmp_path, salesforce.EXPORT, form))
    assert reading.shape == "salesforce warehouse"
    assert reading.report.balance == export.report.balance
    for name, frame in export.tables.frames.items():
        expected = frame.rename(columns={"Score__c": "score_c", "Mood__c": "mood_c", "Tier__c": "tier_c"})
        if name == "changes":
            expected = expected.replace({"field": {"Score__c": "score_c"}})
        found = reading.tables[name]
        shared = [column for column in expected if column in found]
        pd.testing.assert_frame_equal(found[shared], expected[shared])
        assert {c for c in expected if c not in found} <= {api for api in expected if api[0].isupper()}
    aside = reading.report.set_aside
    assert aside["rule"].tolist() == export.report.set_aside["rule"].tolist()
    assert set(aside["column"]) >= {"is_deleted", "what_id", "is_closed"}, "columns as the file calls them"


def test_a_row_that_the_tool_marks_as_deleted_is_set_aside(tmp_path):
    write(tmp_path, {"Opportunity": salesforce.EXPORT["Opportunity"][1:2] * 2})
    table = pd.read_csv(tmp_path / "opportunity.csv", dtype=str)
    table.loc[1, "id"] = salesforce.GONE
    table["_fivetran_deleted"] = ["false", "true"]
    table.to_csv(tmp_path / "opportunity.csv", index=False)
    report = read_folder(tmp_path).report
    assert report.set_aside[["row", "column", "rule"]].values.tolist() == [
        [3, "_fivetran_deleted", "deleted in the CRM"]
    ]


def test_a_midnight_that_stands_for_a_day_is_the_day(tmp_path):
    write(tmp_path, {name: salesforce.EXPORT[name] for name in ("Opportunity", "OpportunityStage", "Task")})
    tasks = pd.read_csv(tmp_path / "task.csv", dtype=str)
    days = tasks["activity_date"].where(tasks["activity_date"].ne("soon"))
    before = read_folder(tmp_path).tables["activities"]
    tasks["activity_date"] = (days + " 00:00:00+00").fillna(tasks["activity_date"])
    tasks.to_csv(tmp_path / "task.csv", index=False)
    pd.testing.assert_frame_equal(read_folder(tmp_path).tables["activities"], before)


def test_a_missing_field_is_named_with_the_table_it_is_missing_from(tmp_path):
    (tmp_path / "opportunity.csv").write_text("id,amount\n1,2\n", encoding="utf-8")
    with pytest.raises(DataRefused, match="CreatedDate") as refused:
        read_folder(tmp_path)
    assert refused.value.where == "opportunity.csv"


# --- versions ----------------------------------------------------------------------------------------------------


def versions(tables, synced_from=None):
    """Fivetran's history mode: a row for each version of each deal, built from the company's changes."""
    deals, changes = tables["opportunities"], tables["changes"]
    closed = tables["stages"].set_index("stage")["is_closed"]
    histories = {field: value_history(tables, field) for field in TRACKED}
    rows = []
    for place, deal in enumerate(deals.itertuples(index=False)):
        created = event_millis(deals["created_at"].iloc[[place]])[0]
        times = {created} | {t for h in histories.values() for t in h.at[h.deal == place]}
        mine = sorted(times)
        if synced_from is not None:
            late = [t for t in mine if t > synced_from]
            mine = [max(created, synced_from), *late]
        for start, end in zip(mine, [*mine[1:], None], strict=True):
            row = {
                "id": deal.opportunity_id,
                "created_date": deal.created_at,
                "type": deal.type,
                "lead_source": deal.lead_source,
            }
            for field, history in histories.items():
                known = (history.deal == place) & (history.at <= start)
                row[field] = history.value[np.flatnonzero(known)[-1]]
            row["is_closed"] = bool(closed[row["stage"]])
            rows.append(row | {"_fivetran_start": start, "_fivetran_end": end})
    assert len(changes)
    frame = pd.DataFrame(rows).rename(columns={"stage": "stage_name", "forecast_category": "forecast_category_name"})
    frame["close_date"] = pd.to_datetime(frame["close_date"], unit="D").dt.strftime("%Y-%m-%d 00:00:00")
    frame["_fivetran_start"] = pd.to_datetime(frame["_fivetran_start"], unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S.%f")
    end = pd.to_datetime(frame["_fivetran_end"], unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S.%f")
    frame["_fivetran_active"] = end.isna()
    return frame.assign(_fivetran_end=end.fillna("9999-12-31 23:59:59.999999"))


def stages_of(tables):
    stages = tables["stages"]
    return pd.DataFrame(
        {
            "api_name": stages["stage"],
            "sort_order": stages["position"],
            "is_closed": stages["is_closed"],
            "is_won": stages["is_won"],
        }
    )


@pytest.fixture(scope="module")
def company():
    return simulate(SimulatorSettings(deals=100, seed=5)).tables


@pytest.mark.parametrize("table", ["opportunity", "opportunity_history"])
def test_versions_tell_the_same_histories_as_the_native_changes(tmp_path, company, table):
    kept = versions(company)
    stages_of(company).to_csv(tmp_path / "opportunity_stage.csv", index=False)
    kept.to_csv(tmp_path / f"{table}.csv", index=False)
    if table != "opportunity":
        kept[kept["_fivetran_active"]].drop(columns=["_fivetran_start", "_fivetran_end"]).to_csv(
            tmp_path / "opportunity.csv", index=False
        )
    reading = read_folder(tmp_path)
    rows_in, accepted, aside = reading.report.balance
    assert (accepted, aside) == (rows_in, 0)
    found = reading.tables
    assert found["opportunities"]["opportunity_id"].tolist() == company["opportunities"]["opportunity_id"].tolist()
    for field in TRACKED:
        ours, theirs = value_history(company, field), value_history(found, field)
        assert told(ours) == told(theirs), field
    assert {"type", "lead_source"} <= found.facts.tracked, "versions tell that a field never changed"
    for ours, theirs in zip(vars(episodes(company)).values(), vars(episodes(found)).values(), strict=True):
        assert np.array_equal(ours, theirs)


def told(history):
    """What a history says, without entries that repeat the value before."""
    entries = pd.DataFrame({"deal": history.deal, "at": history.at, "value": history.value})
    values = entries["value"].astype(object).where(entries["value"].notna(), "none")
    again = (entries["deal"] == entries["deal"].shift()) & (values == values.shift())
    return entries.assign(value=values)[~again].values.tolist()


def test_what_was_before_the_warehouse_was_filled_is_not_known(tmp_path, company):
    created = event_millis(company["opportunities"]["created_at"])
    middle = int(np.median(created))
    versions(company, synced_from=middle).to_csv(tmp_path / "opportunity.csv", index=False)
    stages_of(company).to_csv(tmp_path / "opportunity_stage.csv", index=False)
    found = read_folder(tmp_path).tables
    ours, theirs = value_history(company, "stage"), value_history(found, "stage")
    day = 86_400_000
    before = middle - day
    open_at_filling = np.setdiff1d(np.flatnonzero(created < before), np.flatnonzero(_closed(company) <= middle))
    assert len(open_at_filling) > 5
    values = theirs.value_at(len(created), before)
    assert all(values[deal] is None for deal in open_at_filling)
    after = middle + day
    assert ours.value_at(len(created), after).tolist() == [
        found if found is not None or begun > after else "missing"
        for found, begun in zip(theirs.value_at(len(created), after), created, strict=True)
    ]
    closed = np.flatnonzero(_closed(company) <= middle - 40 * day)
    assert len(closed) > 5
    closings = event_millis(found["opportunities"]["closed_at"])[closed]
    assert (closings <= middle).all(), "not closed by being filled in"


def _closed(tables):
    return event_millis(tables["opportunities"]["closed_at"])


def test_a_deal_whose_last_version_has_ended_is_gone(tmp_path, company):
    kept = versions(company)
    gone = kept["id"].iloc[0]
    kept.loc[kept["id"] == gone, "_fivetran_end"] = "2026-01-01 00:00:00"
    kept.to_csv(tmp_path / "opportunity.csv", index=False)
    stages_of(company).to_csv(tmp_path / "opportunity_stage.csv", index=False)
    reading = read_folder(tmp_path, SourceMapping(time_zone="UTC"))
    assert gone not in set(reading.tables["opportunities"]["opportunity_id"])
    assert "deleted in the CRM" in set(reading.report.set_aside["rule"])
    _ = reading.report.balance


def test_versions_leave_to_the_field_history_what_it_tells(tmp_path, company):
    versions(company).to_csv(tmp_path / "opportunity.csv", index=False)
    stages_of(company).to_csv(tmp_path / "opportunity_stage.csv", index=False)
    amounts = company["changes"][company["changes"]["field"] == "amount"]
    pd.DataFrame(
        {
            "id": range(len(amounts)),
            "opportunity_id": amounts["opportunity_id"],
            "field": "Amount",
            "old_value": amounts["old_value"],
            "new_value": amounts["new_value"],
            "created_date": amounts["changed_at"],
            "created_by_id": amounts["changed_by"],
        }
    ).to_csv(tmp_path / "opportunity_field_history.csv", index=False)
    reading = read_folder(tmp_path)
    by_file = {file.file: file for file in reading.report.files}
    assert set(by_file) >= {"opportunity_field_history.csv", "opportunity.csv (versions)"}
    changes = reading.tables["changes"]
    assert (changes["field"] == "amount").sum() == by_file["opportunity_field_history.csv"].accepted
    assert told(value_history(reading.tables, "stage")) == told(value_history(company, "stage"))


# --- what exports look like --------------------------------------------------------------------------------------


def test_fivetrans_samples_are_read_in_full(real_data, tmp_path):
    samples = real_data / "crm_shapes" / "fivetran_salesforce"
    with pytest.raises(DataRefused, match="deleted in the CRM: 10") as refused:
        read_folder(samples)
    assert refused.value.where == "sf_opportunity_data.csv, row 2, column is_deleted"
    for path in samples.glob("*.csv"):
        table = pd.read_csv(path, dtype=str)
        if "is_deleted" in table:
            table["is_deleted"] = "false"
        table.to_csv(tmp_path / path.name, index=False)
    reading = read_folder(tmp_path)
    assert reading.shape == "salesforce warehouse"
    assert len(reading.tables["opportunities"]) == 10
    assert reading.tables["opportunities"]["is_won"].sum() == 5
    assert len(reading.tables["accounts"]) == 10
    rows_in, accepted, aside = reading.report.balance
    assert rows_in == accepted + aside == 60
