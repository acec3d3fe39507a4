"""Salesforce's objects, exported or in a warehouse → text under the contract's names.

The objects whose rows are the contract's rows are declared here; histories and activities, whose rows mean
something else, have files of their own. Opportunity keeps every further column, other objects keep the
company's own (`…__c`): the rest is addresses and housekeeping. A warehouse writes the names in its own way
(`StageName` is `stage_name`) and may keep each version of a row; the last is the row as it is today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.own_columns import own_columns
from crm.sources.quoting import name, renamed
from crm.sources.reading import RawTable
from crm.sources.salesforce_activities import event_text, task_text
from crm.sources.salesforce_cells import (
    HOUSEKEEPING,
    Cells,
    define_ids,
    earlier_told,
    early_columns,
    is_own,
    is_short_id,
    require,
)
from crm.sources.salesforce_history import FORECAST_LABELS, field_history_text, snapshots_text
from crm.sources.shape import SourceFile
from crm.sources.typing_query import TextRelation
from crm.tables import TABLES, Kind

# Object → contract column → its API names, the first that has something in it.
OBJECTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Opportunity": {
        "opportunity_id": ("Id",),
        "created_at": ("CreatedDate",),
        "stage": ("StageName",),
        "amount": ("Amount",),
        "close_date": ("CloseDate",),
        "is_won": ("IsWon",),
        "account_id": ("AccountId",),
        "owner_id": ("OwnerId",),
        "name": ("Name",),
        "currency": ("CurrencyIsoCode",),
        "forecast_category": ("ForecastCategoryName", "ForecastCategory"),
        "probability": ("Probability",),
        "type": ("Type",),
        "lead_source": ("LeadSource",),
        "next_step": ("NextStep",),
    },
    "OpportunityContactRole": {
        "opportunity_id": ("OpportunityId",),
        "contact_id": ("ContactId",),
        "role": ("Role",),
        "added_at": ("CreatedDate",),
    },
    "Account": {
        "account_id": ("Id",),
        "name": ("Name",),
        "industry": ("Industry",),
        "employees": ("NumberOfEmployees",),
        "annual_revenue": ("AnnualRevenue",),
        "country": ("BillingCountry", "BillingCountryCode"),
        "created_at": ("CreatedDate",),
    },
    "User": {
        "user_id": ("Id",),
        "name": ("Name", "Username"),
        "email": ("Email",),
        "manager_id": ("ManagerId",),
        "team": ("Department", "Division"),
        "title": ("Title",),
        "active": ("IsActive",),
        "started_at": ("CreatedDate",),
    },
    "OpportunityStage": {
        "stage": ("ApiName", "MasterLabel"),
        "position": ("SortOrder",),
        "is_closed": ("IsClosed",),
        "is_won": ("IsWon",),
        "probability": ("DefaultProbability",),
        "forecast_category": ("ForecastCategoryName", "ForecastCategory"),
    },
    "Quota": {
        "user_id": ("QuotaOwnerId",),
        "period_start": ("StartDate",),
        "amount": ("QuotaAmount",),
    },
    "Lead": {
        "lead_id": ("Id",),
        "created_at": ("CreatedDate",),
        "converted_at": ("ConvertedDate",),
        "opportunity_id": ("ConvertedOpportunityId",),
        "source": ("LeadSource",),
        "owner_id": ("OwnerId",),
    },
}
OWN_MEANING: Mapping[str, Callable[[Intake, RawTable, SourceMapping], TextRelation]] = {
    "OpportunityHistory": snapshots_text,
    "OpportunityFieldHistory": field_history_text,
    "Task": task_text,
    "Event": event_text,
}
LAST_STAGE_CHANGE = "LastStageChangeDate"  # Salesforce's own witness of a closing


def salesforce_text(intake: Intake, raw: RawTable, file: SourceFile, mapping: SourceMapping) -> TextRelation:
    """The file's rows under the contract's names; ids in their form of 18 characters.

    :raises DataRefused: where the header lacks a field without which the object says nothing.
    """
    define_ids(intake.con)
    if file.source in OWN_MEANING:
        return OWN_MEANING[file.source](intake, raw, mapping)
    columns, cells = OBJECTS[file.source], Cells(raw)
    for column in TABLES[file.table].required:
        if not any(cells.has(header) for header in columns[column]):
            require(raw, columns[column][0])
    headers = {
        column: next(cells.called(h) for h in names if cells.has(h))
        for column, names in columns.items()
        if any(cells.has(h) for h in names)
    }
    used = {cells.called(header) for names in columns.values() for header in names}
    keeps_all = file.source == "Opportunity"
    further = [h for h in raw.header if h not in used and not h.startswith(HOUSEKEEPING)]
    kept = [h for h in further if keeps_all or is_own(h)]
    custom = own_columns(file.table, kept)
    stage_changed = {header: custom[x] for x, header in zip(custom, kept, strict=True)}
    selected = [f"{meaning(file.source, file.table, column, cells)} AS {name(column)}" for column in headers]
    selected += [f"{cells.raw_text(header)} AS {name(x)}" for x, header in zip(custom, kept, strict=True)]
    return TextRelation(
        file.table,
        f"SELECT _row, 0 AS _seq, {early_columns(cells)}, {earlier_told(cells)} AS _told, {', '.join(selected)} "
        f"FROM {name(raw.relation)}",
        headers,
        custom,
        aliases={"stage": mapping.stage_aliases} if file.table == "opportunities" else {},
        numeric=frozenset(
            c for c, header in (*headers.items(), *zip(custom, kept, strict=True)) if header in raw.numeric
        ),
        may_hold_nul=raw.may_hold_nul,
        vendor="salesforce",
        counted=_short_ids(intake, raw, cells.text(columns[TABLES[file.table].columns[0].name][0])),
        stage_changed=stage_changed.get(cells.called(LAST_STAGE_CHANGE), ""),
    )


def meaning(source: str, table: str, column: str, cells: Cells) -> str:
    """SQL for what a column of the object means, as text.

    :param source: the object; :param table: the table of the contract that it feeds.
    """
    names = OBJECTS[source][column]
    kind = next(c.kind for c in TABLES[table].columns if c.name == column)
    if kind is Kind.ID:
        return cells.id(names[0])
    if (source, column) == ("Opportunity", "is_won"):  # false while open: that is not lost
        return f"CASE WHEN {cells.flag('IsClosed')} THEN {cells.text('IsWon')} END"
    if (source, column) == ("User", "name"):
        full = f"nullif(concat_ws(' ', {cells.text('FirstName')}, {cells.text('LastName')}), '')"
        return f"coalesce({cells.text('Name')}, {full}, {cells.text('Username')})"
    if column == "forecast_category":
        return renamed(cells.text(*names), FORECAST_LABELS.items())
    return cells.raw_text(names[0]) if kind is Kind.TEXT and len(names) == 1 else cells.text(*names)


def _short_ids(intake: Intake, raw: RawTable, text: str) -> dict[str, int]:
    count = intake.count(f"SELECT count_if({is_short_id(text)}) FROM {name(raw.relation)}")
    return {"15-character ids extended to 18": count} if count else {}
