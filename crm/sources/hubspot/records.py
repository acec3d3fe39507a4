"""HubSpot's deals, companies, owners, stages and contacts of deals → text under the contract's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crm.sources import rules
from crm.sources.hubspot.cells import FORECAST_LABELS, NOTHING, OURS, PREFIX, Early, HubSpotCells, percent
from crm.sources.hubspot.lookups import COMPANIES, MERGED, PIPELINES, STAGES, TEAMS
from crm.sources.own_columns import own_columns
from crm.sources.quoting import name, renamed
from crm.sources.reading import RawTable
from crm.sources.shape import SourceFile
from crm.sources.typing_query import TextRelation

STAGE_ID, PIPELINE_ID = ("deal_pipeline_stage_id", "dealstage"), ("deal_pipeline_id", "pipeline")
FORECAST = ("hs_manual_forecast_category", "hs_forecast_category")
ENTERED_STAGE = "hs_v2_date_entered_current_stage"
# Columns of a deal that are no property of its own: the tool's housekeeping, and what another column tells.
HOUSEKEEPING = (
    *("is_deleted", "archived", "portal_id", "guid", "id"),
    *("hs_object_id", "hs_merged_object_ids", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate"),
)
TOOLS = ("_fivetran_", "_dlt_")

Meaning = Mapping[str, tuple[str, str]]
"""Contract column → (SQL of its text, what the file calls it)."""


def deals_text(cells: HubSpotCells, file: SourceFile) -> TextRelation:
    """deal → opportunities; a deal that was merged into another is set aside."""
    deal, stage, pipeline = cells.text("deal_id", "id"), cells.text(*STAGE_ID), cells.text(*PIPELINE_ID)
    meaning = {
        "opportunity_id": (deal, cells.header("deal_id", "id")),
        "created_at": (cells.utc("createdate", "hs_createdate"), cells.header("createdate", "hs_createdate")),
        "stage": (_of(STAGES, "stage", "stage_id", stage, stage), cells.header(*STAGE_ID)),
        "amount": (
            cells.text("amount_in_home_currency", "amount"),
            cells.header("amount", "amount_in_home_currency"),
        ),
        "close_date": (cells.day("closedate"), cells.header("closedate")),
        "closed_at": (
            f"CASE WHEN {_of(STAGES, 'is_closed', 'stage_id', stage)} THEN {cells.utc(ENTERED_STAGE)} END",
            cells.header(ENTERED_STAGE),
        ),
        "account_id": (_of(COMPANIES, "company_id", "deal_id", deal), "company_id"),
        "owner_id": (
            cells.text("owner_id", "hubspot_owner_id"),
            cells.header("owner_id", "hubspot_owner_id"),
        ),
        "name": (cells.raw_text("dealname"), cells.header("dealname")),
        "currency": (cells.text("deal_currency_code"), cells.header("deal_currency_code")),
        "forecast_category": (renamed(cells.text(*FORECAST), FORECAST_LABELS), cells.header(*FORECAST)),
        "probability": (
            percent(cells.text("hs_deal_stage_probability")),
            cells.header("hs_deal_stage_probability"),
        ),
        "type": (cells.raw_text("dealtype", "type"), cells.header("dealtype", "type")),
        "lead_source": (
            cells.raw_text("lead_source", "hs_analytics_source"),
            cells.header("lead_source", "hs_analytics_source"),
        ),
        "product": (cells.raw_text("product"), cells.header("product")),
        "region": (cells.raw_text("region"), cells.header("region")),
        "next_step": (cells.raw_text("hs_next_step", "next_step"), cells.header("hs_next_step", "next_step")),
    }
    merged = Early(rules.MERGED, cells.header("deal_id", "id"), f"{deal} IN (SELECT deal_id FROM {MERGED})")
    own = {"pipeline": _of(PIPELINES, "pipeline", "pipeline_id", pipeline, pipeline), **_own(cells, meaning)}
    return _relation(cells, file, meaning, own=own, early=[merged])


def _own(cells: HubSpotCells, meaning: Meaning) -> dict[str, str]:
    """The company's further properties by name; what we wrote back is none of them."""
    read = {header for _, header in meaning.values()}
    read |= set(cells.headers("createdate", "amount", "amount_in_home_currency", *STAGE_ID, *PIPELINE_ID, *FORECAST))
    own = {}
    for header in cells.raw.header:
        plain = header.removeprefix(PREFIX)
        if header in read or plain in HOUSEKEEPING or plain.startswith((OURS, *TOOLS)):
            continue
        own[plain if plain not in cells.raw.header else header] = cells.plain.raw_text(header)
    return own


def companies_text(cells: HubSpotCells, file: SourceFile) -> TextRelation:
    """company → accounts."""
    meaning = {
        "account_id": (cells.text("company_id", "id"), cells.header("company_id", "id")),
        "name": (cells.raw_text("name"), cells.header("name")),
        "industry": (cells.raw_text("industry"), cells.header("industry")),
        "employees": (cells.text("numberofemployees"), cells.header("numberofemployees")),
        "annual_revenue": (cells.text("annualrevenue"), cells.header("annualrevenue")),
        "country": (cells.text("country", "hs_country_code"), cells.header("country", "hs_country_code")),
        "created_at": (cells.utc("createdate", "hs_createdate"), cells.header("createdate", "hs_createdate")),
    }
    return _relation(cells, file, meaning)


def owners_text(cells: HubSpotCells, file: SourceFile) -> TextRelation:
    """owner → users; one who left is kept, and is not active."""
    key = cells.text("owner_id", "id")
    full = f"nullif(concat_ws(' ', {cells.text('first_name')}, {cells.text('last_name')}), '')"
    gone = [f"{cells.plain.flag(e.header)}" for e in cells.deleted()]
    meaning = {
        "user_id": (key, cells.header("owner_id", "id")),
        "name": (f"coalesce({full}, {cells.text('email')})", cells.header("first_name")),
        "email": (cells.text("email"), cells.header("email")),
        "team": (_of(TEAMS, "team", "owner_id", key), "team_id"),
        "active": (
            f"CASE WHEN {' OR '.join(gone)} THEN 'false' ELSE 'true' END" if gone else NOTHING,
            next((e.header for e in cells.deleted()), "archived"),
        ),
        "started_at": (cells.utc("created_at"), cells.header("created_at")),
    }
    return _relation(cells, file, meaning, keeps_deleted=True)


def stages_text(cells: HubSpotCells, file: SourceFile) -> TextRelation:
    """deal_pipeline_stage → stages; a deleted one is kept, for deals were in it."""
    key = cells.text("stage_id", "id")
    said = {
        "stage": ("stage", cells.header("label")),
        "position": ("CAST(position AS VARCHAR)", "display_order"),
        "is_closed": ("CAST(is_closed AS VARCHAR)", cells.header("is_closed", "metadata__is_closed")),
        "is_won": ("CAST(is_won AS VARCHAR)", cells.header("closed_won", "probability")),
        "probability": ("CAST(round(share * 100, 6) AS VARCHAR)", cells.header("probability")),
    }
    meaning = {column: (_of(STAGES, sql, "stage_id", key), header) for column, (sql, header) in said.items()}
    return _relation(cells, file, meaning, keeps_deleted=True)


def roles_text(cells: HubSpotCells, file: SourceFile) -> TextRelation:
    """deal_contact → contact_roles; the role is the association's label."""
    deal = cells.text("deal_id", "deals_id")
    meaning = {
        "opportunity_id": (deal, cells.header("deal_id", "deals_id")),
        "contact_id": (cells.text("contact_id", "value"), cells.header("contact_id", "value")),
        "role": (cells.text("label", "type_label"), cells.header("label", "type_label")),
    }
    return _relation(cells, file, meaning)


def _of(table: str, column: str, key: str, value: str, otherwise: str = "NULL") -> str:
    """SQL: what a lookup says of a row's value."""
    found = f"(SELECT any_value({column}) FROM {table} l WHERE l.{key} = {value})"
    return found if otherwise == "NULL" else f"coalesce({found}, {otherwise})"


def _relation(
    cells: HubSpotCells,
    file: SourceFile,
    meaning: Meaning,
    *,
    own: Mapping[str, str] | None = None,
    early: Sequence[Early] = (),
    keeps_deleted: bool = False,
) -> TextRelation:
    raw: RawTable = cells.raw
    custom = own_columns(file.table, list(own or {}))
    selected = [f"{sql} AS {name(column)}" for column, (sql, _) in meaning.items()]
    selected += [f"{sql} AS {name(x)}" for x, sql in zip(custom, (own or {}).values(), strict=True)]
    reasons = cells.early(*([] if keeps_deleted else cells.deleted()), *early)
    headers = {column: header for column, (_, header) in meaning.items()}
    called = {plain: header for header in raw.header for plain in (header, header.removeprefix(PREFIX))}
    return TextRelation(
        file.table,
        f"SELECT _row, 0 AS _seq, {reasons}, {NOTHING} AS _told, {', '.join(selected)} FROM {cells.rows}",
        headers,
        custom,
        aliases={"stage": cells.mapping.stage_aliases} if file.table in ("opportunities", "stages") else {},
        numeric=frozenset(
            [c for c, header in headers.items() if header in raw.numeric]
            + [x for x, plain in custom.items() if called.get(plain) in raw.numeric]
        ),
        may_hold_nul=raw.may_hold_nul,
        vendor="hubspot",
    )
