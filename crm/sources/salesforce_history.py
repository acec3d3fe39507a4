"""Salesforce's two histories → changes.

OpportunityHistory holds snapshots of five fields: a change is where a snapshot differs from the one before.
OpportunityFieldHistory holds changes of whatever fields the company tracks. Where a deal has snapshots, they
are the witness for their five fields, because they are kept for every company and never trimmed.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, literals, name, renamed
from crm.sources.reading import RawTable
from crm.sources.salesforce_cells import NOTHING, Cells, early_columns, folded, require, second_of_its_id
from crm.sources.typing_query import TextRelation
from crm.tables import CHANGES

SNAPSHOT_FIELDS: Mapping[str, str] = {
    "stage": "StageName",
    "amount": "Amount",
    "close_date": "CloseDate",
    "probability": "Probability",
    "forecast_category": "ForecastCategory",
}
FIELDS: Mapping[str, str] = {
    "StageName": "stage",
    "Amount": "amount",
    "CloseDate": "close_date",
    "Probability": "probability",
    "ForecastCategory": "forecast_category",
    "ForecastCategoryName": "forecast_category",
    "Owner": "owner_id",
    "OwnerId": "owner_id",
    "Account": "account_id",
    "AccountId": "account_id",
    "Name": "name",
    "CurrencyIsoCode": "currency",
    "NextStep": "next_step",
    "Type": "type",
    "LeadSource": "lead_source",
}
# Lookups are told twice, by name and by id; only ids of these prefixes are kept (users and queues, accounts).
LOOKUPS: Mapping[str, str] = {"Owner": "(005|00G)", "Account": "001"}
NO_CHANGES = ("created", "opportunityCreatedFromLead", "leadConverted", "locked", "unlocked")
FOLDED = "regexp_replace(lower(field), '[^a-z0-9]', '', 'g')"
# OpportunityHistory writes API names, Opportunity shows labels.
FORECAST_LABELS: Mapping[str, str] = {
    "BestCase": "Best Case",
    "MostLikely": "Most Likely",
    "Forecast": "Commit",
}


def snapshots_text(_intake: Intake, raw: RawTable, mapping: SourceMapping) -> TextRelation:
    """OpportunityHistory → the differences between each snapshot of a deal and the one before."""
    require(raw, "OpportunityId", "CreatedDate", "StageName")
    cells = Cells(raw)
    values = {field: _snapshot_value(cells, field) for field, header in SNAPSHOT_FIELDS.items() if cells.has(header)}
    state = (
        f"_row, {early_columns(cells, second_of_its_id(cells))}, {cells.id('OpportunityId')} AS deal, "
        f"{cells.text('CreatedDate')} AS written, {cells.time('CreatedDate', mapping)} AS moment, "
        f"{cells.id('CreatedById')} AS author, {NOTHING} AS begun"
    )
    return changes_text(
        raw,
        differences(raw, state, values, told_first="first snapshots of their deals"),
        mapping,
        {"field": "StageName", "old_value": "StageName", "new_value": "StageName"},
    )


def differences(raw: RawTable, state: str, values: Mapping[str, str], *, told_first: str = "") -> str:
    """SQL for the changes between each state of a deal and the one before it, one row a field that differs.

    :param state: what to select of each row: _row, the early columns, deal, written, moment, author, and begun, when
        the first state of a deal began to hold (NULL: when it was written).
    :param values: field of opportunities → SQL for its value.
    :param told_first: why a deal's first state is no change; "" = it is one, from nothing to each value it has.
    """
    columns = {field: f"v{seq}" for seq, field in enumerate(values)}
    asked = "".join(f", {sql} AS {columns[field]}" for field, sql in values.items())
    before = "".join(f", lag({column}) OVER deal AS {column}_before" for column in columns.values())
    pairs = ", ".join(
        f"{{seq: {seq}, field: {literal(field)}, old: {column}_before, new: {column}}}"
        for seq, (field, column) in enumerate(columns.items())
    )
    nothing = f"{{seq: 0, field: {NOTHING}, old: {NOTHING}, new: {NOTHING}}}"
    compared = (
        f"SELECT *, row_number() OVER deal AS place{before} FROM (SELECT {state}{asked} FROM {name(raw.relation)}) "
        "WINDOW deal AS (PARTITION BY deal, moment IS NULL, _early IS NULL ORDER BY moment, _row)"
    )
    silent = "_early IS NOT NULL" + (" OR place = 1" if told_first else "")
    changed = (
        f"SELECT *, CASE WHEN {silent} THEN [] ELSE list_filter([{pairs or nothing}], "
        f"lambda d: {_differ('d.field', 'd.old', 'd.new')}) END AS found FROM ({compared})"
    )
    first = f"WHEN place = 1 THEN {literal(told_first)} " if told_first else ""
    told = (
        f"CASE WHEN _early IS NOT NULL OR moment IS NULL OR deal IS NULL THEN NULL {first}"
        "WHEN len(found) = 0 THEN 'snapshots without a change' END"
    )
    spread = (
        f"SELECT * EXCLUDE (found), {told} AS _told, "
        f"unnest(CASE WHEN len(found) = 0 THEN [{nothing}] ELSE found END) AS change FROM ({changed})"
    )
    return (
        "SELECT _row, change.seq AS _seq, _early, _early_column, _early_value, _told, deal AS opportunity_id, "
        "CASE WHEN place = 1 THEN coalesce(begun, written) ELSE written END AS changed_at, "
        "coalesce(change.field, 'stage') AS field, "
        f"change.old AS old_value, change.new AS new_value, author AS changed_by FROM ({spread})"
    )


def field_history_text(intake: Intake, raw: RawTable, mapping: SourceMapping) -> TextRelation:
    """OpportunityFieldHistory → changes under the contract's field names."""
    require(raw, "OpportunityId", "CreatedDate", "Field", "OldValue", "NewValue")
    cells = Cells(raw)
    field, old, new = cells.text("Field"), cells.text("OldValue"), cells.text("NewValue")
    in_contract = renamed("field", FIELDS.items())
    own = _own_in_warehouse(intake)
    called = f"CASE WHEN field IN ({literals(FIELDS)}) THEN {in_contract} ELSE {renamed(FOLDED, own)} END"
    by_id = " OR ".join(
        f"(field = {literal(lookup)} AND NOT ({_is_id('old', prefix)} AND {_is_id('new', prefix)}))"
        for lookup, prefix in LOOKUPS.items()
    )
    told = (
        f"CASE WHEN field IN ({literals(NO_CHANGES)}) THEN 'marks that are no change' "
        f"WHEN {by_id} THEN 'changes told by name, and by id in a row of their own' "
        f"WHEN {in_contract} IN ({literals(SNAPSHOT_FIELDS)}) AND {has_snapshots(intake, 'f.deal')} "
        "THEN 'changes told by OpportunityHistory' END"
    )
    is_lookup = f"field IN ({literals(f for f, c in FIELDS.items() if c in ('owner_id', 'account_id'))})"
    rows = (
        f"SELECT _row, {early_columns(cells, second_of_its_id(cells))}, {cells.id('OpportunityId')} AS deal, "
        f"{cells.text('CreatedDate')} AS written, {cells.id('CreatedById')} AS author, {field} AS field, "
        f"{old} AS old, {new} AS new, {cells.raw_text('OldValue')} AS old_raw, "
        f"{cells.raw_text('NewValue')} AS new_raw FROM {name(raw.relation)}"
    )
    return changes_text(
        raw,
        f"SELECT _row, 0 AS _seq, _early, _early_column, _early_value, {told} AS _told, "
        f"deal AS opportunity_id, written AS changed_at, {called if own else in_contract} AS field, "
        f"CASE WHEN {is_lookup} THEN salesforce_id(old) ELSE {_labelled('old')} END AS old_value, "
        f"CASE WHEN {is_lookup} THEN salesforce_id(new) ELSE {_labelled('new')} END AS new_value, "
        f"author AS changed_by FROM ({rows}) f",
        mapping,
        {"field": "Field", "old_value": "OldValue", "new_value": "NewValue"},
    )


def changes_text(raw: RawTable, select: str, mapping: SourceMapping, headers: Mapping[str, str]) -> TextRelation:
    """The changes that the query gives.

    :param headers: column of changes → API name, where it is not the histories' usual one.
    """
    named = {"opportunity_id": "OpportunityId", "changed_at": "CreatedDate", "changed_by": "CreatedById", **headers}
    called = Cells(raw).called
    return TextRelation(
        "changes",
        select,
        {c.name: called(named[c.name]) for c in CHANGES.columns},
        aliases={"stage": mapping.stage_aliases},
        may_hold_nul=raw.may_hold_nul,
        vendor="salesforce",
    )


def _snapshot_value(cells: Cells, field: str) -> str:
    text = cells.text(SNAPSHOT_FIELDS[field])
    return renamed(text, FORECAST_LABELS.items()) if field == "forecast_category" else text


def _labelled(side: str) -> str:
    """Forecast categories by their label; any other text byte for byte."""
    is_category = "field IN ('ForecastCategory', 'ForecastCategoryName')"
    return f"CASE WHEN {is_category} THEN {renamed(side, FORECAST_LABELS.items())} ELSE {side}_raw END"


def _differ(field: str, old: str, new: str) -> str:
    """SQL: two snapshots' values differ; 100 and 100.0 do not."""
    numbers = f"(TRY_CAST({old} AS DOUBLE) <> TRY_CAST({new} AS DOUBLE))"
    days = f"left({old}, 10) IS DISTINCT FROM left({new}, 10)"
    texts = f"{old} IS DISTINCT FROM {new}"
    return (
        f"CASE WHEN {field} IN ('amount', 'probability') THEN coalesce({numbers}, {texts}) "
        f"WHEN {field} = 'close_date' THEN {days} ELSE {texts} END"
    )


def _is_id(text: str, prefix: str) -> str:
    """SQL: the text is blank or an id with that prefix."""
    return f"({text} IS NULL OR regexp_full_match({text}, '{prefix}[a-zA-Z0-9]*'))"


def _own_in_warehouse(intake: Intake) -> list[tuple[str, str]]:
    """The company's own fields as a warehouse calls them, by their folded names."""
    headers = [h for file in intake.files_of("opportunities") for h in file.text.custom.values()]
    return [(folded(h), h) for h in headers if h == h.lower()]


def has_snapshots(intake: Intake, deal: str) -> str:
    """SQL: the deal of that id has snapshots in OpportunityHistory."""
    files = [f for f in intake.files_of("changes") if folded(f.text.headers["field"]) == "stagename"]
    relations = [file.relation for file in files]
    seen = " UNION ALL ".join(f"SELECT opportunity_id FROM {relation} WHERE _early IS NULL" for relation in relations)
    return f"{deal} IN ({seen})" if seen else "false"
