"""HubSpot's property history → changes.

A row is a version: the value that a property took, and when. A change is where a version differs from the one
before. What a property held when its deal was entered is no change; a value that it first took later is one, from
nothing. HubSpot keeps the newest twenty versions of a deal's property: where there are so many, the oldest of them
only says what the next change changed from.

What HubSpot computes itself (`hs_lastmodifieddate`, `notes_last_updated`, …) is nobody's doing, and no change.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources import rules
from crm.sources.hubspot.cells import FORECAST_LABELS, Early, HubSpotCells, local_day, percent, utc
from crm.sources.hubspot.lookups import HOME_AMOUNTS, OWNERS, PIPELINES, STAGES
from crm.sources.intake import Intake
from crm.sources.quoting import literal, literals, name, renamed
from crm.sources.typing_query import TextRelation

KEPT_VERSIONS = 20
ENTERED = "values that deals were entered with"
AT_ENTRY = "INTERVAL 1 SECOND"  # HubSpot fills in a new deal within moments
FIELDS: Mapping[str, str] = {
    "dealstage": "stage",
    "amount": "amount",
    "amount_in_home_currency": "amount",
    "closedate": "close_date",
    "hubspot_owner_id": "owner_id",
    "dealname": "name",
    "deal_currency_code": "currency",
    "hs_manual_forecast_category": "forecast_category",
    "hs_forecast_category": "forecast_category",
    "hs_deal_stage_probability": "probability",
    "dealtype": "type",
    "hs_next_step": "next_step",
    "pipeline": "pipeline",
}
# HubSpot computes these without the prefix of its other computed properties.
COMPUTED = (
    "createdate",
    "lastmodifieddate",
    "closed_lost_reason_date",
    "days_to_close",
    "hubspot_owner_assigneddate",
    "hubspot_team_id",
    "num_associated_contacts",
    "num_contacted_notes",
    "num_notes",
    "engagements_last_meeting_booked",
)
COMPUTED_PREFIXES = ("hs_", "notes_")


def property_history_text(_intake: Intake, cells: HubSpotCells) -> TextRelation:
    """deal_property_history → the differences between each version of a property and the one before."""
    deal, prop = cells.text("deal_id", "object_id"), cells.text("name", "property_name")
    written, value = cells.utc("timestamp"), cells.raw_text("value")
    told = (
        f"CASE WHEN prop NOT IN ({literals(FIELDS)}) AND (prop IN ({literals(COMPUTED)}) OR {_has_prefix('prop')}) "
        "THEN 'what HubSpot computes itself' "
        f"WHEN prop = 'amount' AND deal IN (SELECT deal_id FROM {HOME_AMOUNTS}) "
        "THEN 'amounts in another currency, told in the company''s own' "
        f"WHEN prop = 'amount_in_home_currency' AND deal NOT IN (SELECT deal_id FROM {HOME_AMOUNTS}) "
        "THEN 'amounts told twice' END"
    )
    again = f"PARTITION BY {deal}, {prop}, {written}, {value} ORDER BY _row"
    copy = Early(
        rules.EXACT_DUPLICATE,
        cells.header("deal_id", "object_id"),
        f"({deal} IS NOT NULL AND row_number() OVER ({again}) > 1)",
    )
    rows = (
        f"SELECT _row, {cells.early(*cells.deleted(), copy)}, {deal} AS deal, {prop} AS prop, "
        f"{written} AS written, {cells.time('timestamp')} AS moment, {value} AS value, {_user(cells)} AS user "
        f"FROM {cells.rows}"
    )
    return _differences(cells, f"SELECT *, {told} AS skipped FROM ({rows})", "timestamp")


def stage_history_text(intake: Intake, cells: HubSpotCells) -> TextRelation:
    """deal_stage → changes of stage, of the deals whose property history does not tell them."""
    better = [
        f"SELECT opportunity_id FROM {f.relation} WHERE field = 'stage' AND _early IS NULL"
        for f in intake.files_of("changes")
    ]
    known = f"deal IN ({' UNION ALL '.join(better)})" if better else "false"
    rows = (
        f"SELECT _row, {cells.early(*cells.deleted())}, {cells.text('deal_id')} AS deal, "
        f"'dealstage' AS prop, {cells.utc('date_entered', '_fivetran_start')} AS written, "
        f"{cells.time('date_entered', '_fivetran_start')} AS moment, {cells.text('value')} AS value, "
        f"{_user(cells)} AS user FROM {cells.rows}"
    )
    told = f"CASE WHEN {known} THEN 'changes told by the property history' END"
    return _differences(cells, f"SELECT *, {told} AS skipped FROM ({rows})", "date_entered", "_fivetran_start")


def _differences(cells: HubSpotCells, rows: str, *moment: str) -> TextRelation:
    """:param rows: SQL of versions: deal, prop, written, moment, value, user, skipped (why it tells nothing)."""
    field = renamed("prop", FIELDS.items())
    meant = (
        f"SELECT v.* REPLACE (nullif({_meant(cells)}, '') AS value), {field} AS field, "
        f"coalesce(o.owner_id, v.user) AS author FROM ({rows}) v "
        f"LEFT JOIN {STAGES} s ON v.prop = 'dealstage' AND s.stage_id = trim(v.value) "
        f"LEFT JOIN {PIPELINES} p ON v.prop = 'pipeline' AND p.pipeline_id = trim(v.value) "
        f"LEFT JOIN {OWNERS} o ON o.user_id = v.user"
    )
    versions = "PARTITION BY deal, field, _early IS NULL, moment IS NULL, skipped IS NULL ORDER BY moment, _row"
    compared = (
        f"SELECT *, lag(value) OVER ({versions}) AS before, row_number() OVER ({versions}) AS place, "
        "count(*) OVER (PARTITION BY deal, prop, _early IS NULL, moment IS NULL) AS kept, "
        f"min(moment) OVER (PARTITION BY deal) + {AT_ENTRY} AS entered FROM ({meant})"
    )
    told = (
        "CASE WHEN _early IS NOT NULL OR moment IS NULL OR deal IS NULL THEN NULL "
        "WHEN skipped IS NOT NULL THEN skipped "
        f"WHEN place = 1 AND moment <= entered THEN {literal(ENTERED)} "
        f"WHEN place = 1 AND kept >= {KEPT_VERSIONS} THEN 'the oldest version kept' "
        "WHEN before IS NOT DISTINCT FROM value THEN 'versions without a change' END"
    )
    time = cells.header(*moment)
    value = cells.header("value")
    return TextRelation(
        "changes",
        f"SELECT _row, 0 AS _seq, _early, _early_column, _early_value, {told} AS _told, deal AS opportunity_id, "
        "written AS changed_at, field, CASE WHEN place > 1 THEN before END AS old_value, value AS new_value, "
        f"author AS changed_by FROM ({compared})",
        {
            "opportunity_id": cells.header("deal_id", "object_id"),
            "changed_at": time,
            "field": cells.header("name", "property_name"),
            "old_value": value,
            "new_value": value,
            "changed_by": cells.header("source_id", "updated_by_user_id"),
        },
        aliases={"stage": cells.mapping.stage_aliases},
        may_hold_nul=cells.raw.may_hold_nul,
        vendor="hubspot",
        told_at_entry=ENTERED,
    )


def _meant(cells: HubSpotCells) -> str:
    """SQL: a version's value as the contract tells it; numbers in one form, so that 100 and 100.0 are the same."""
    number = "coalesce(CAST(TRY_CAST(value AS DOUBLE) AS VARCHAR), value)"
    forecast = [prop for prop, field in FIELDS.items() if field == "forecast_category"]
    return (
        "CASE WHEN prop = 'dealstage' THEN coalesce(s.stage, value) "
        "WHEN prop = 'pipeline' THEN coalesce(p.pipeline, value) "
        f"WHEN prop IN ('amount', 'amount_in_home_currency') THEN {number} "
        f"WHEN prop = 'hs_deal_stage_probability' THEN {percent('value')} "
        f"WHEN prop = 'closedate' THEN {local_day(utc('value'), cells.mapping)} "
        f"WHEN prop IN ({literals(forecast)}) THEN {renamed('value', FORECAST_LABELS)} ELSE value END"
    )


def _user(cells: HubSpotCells) -> str:
    """Who changed it, as HubSpot's users are numbered; at times only the source's id says so ("userId:123")."""
    said = f"regexp_extract({cells.text('source_id')}, '(?i)^userid:(\\d+)$', 1)"
    return f"coalesce({cells.text('updated_by_user_id')}, nullif({said}, ''))"


def _has_prefix(text: str) -> str:
    return "(" + " OR ".join(f"starts_with({name(text)}, {literal(prefix)})" for prefix in COMPUTED_PREFIXES) + ")"
