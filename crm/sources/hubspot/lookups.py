"""What HubSpot's other tables say about a row: its stage's name, its pipeline, its deals, its people.

Each lookup is a small table in DuckDB, made from the aids once, empty where the aid is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources.hubspot.cells import HubSpotCells
from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping

STAGES, PIPELINES, MERGED, COMPANIES = "_hubspot_stages", "_hubspot_pipelines", "_hubspot_merged", "_hubspot_companies"
DEALS_OF, CONTACT_OF, ENGAGEMENTS, OWNERS = (
    "_hubspot_deals_of",
    "_hubspot_contact_of",
    "_hubspot_engagements",
    "_hubspot_owners",
)
TEAMS, HOME_AMOUNTS = "_hubspot_teams", "_hubspot_home_amounts"


def make_lookups(intake: Intake, mapping: SourceMapping) -> None:
    """Makes the tables, unless they are there."""
    there = intake.count(f"SELECT count(*) FROM duckdb_tables() WHERE table_name = '{STAGES}'")
    if there:
        return
    aids = {source: HubSpotCells(raw, mapping) for source, raw in intake.aids.items()}
    for table, columns, query in (
        (PIPELINES, "pipeline_id, pipeline, place", _pipelines(aids)),
        (MERGED, "deal_id, into_id", _merged(aids)),
        (COMPANIES, "deal_id, company_id", _companies(aids)),
        (DEALS_OF, "engagement_id, deal_id, seq", _deals_of(aids)),
        (CONTACT_OF, "engagement_id, contact_id", _contact_of(aids)),
        (ENGAGEMENTS, "engagement_id, happened, entered, owner_id", _engagements(aids)),
        (OWNERS, "user_id, owner_id", _owners(aids)),
        (TEAMS, "owner_id, team", _teams(aids)),
        (HOME_AMOUNTS, "deal_id", _home_amounts(aids)),
    ):
        nothing = ", ".join(f"'' AS {column}" for column in columns.split(", "))
        intake.con.execute(f"CREATE TABLE {table} AS {query or f'SELECT {nothing} WHERE false'}")
    intake.con.execute(f"CREATE TABLE {STAGES} AS {_stages(aids)}")


def _first(aids: Mapping[str, HubSpotCells], *names: str) -> HubSpotCells | None:
    return next((aids[one] for one in names if one in aids), None)


def _pipelines(aids: Mapping[str, HubSpotCells]) -> str:
    cells = _first(aids, "deal_pipeline", "pipelines_deals")
    if cells is None:
        return ""
    key = cells.text("pipeline_id", "id")
    return (
        f"SELECT {key} AS pipeline_id, coalesce({cells.text('label')}, {key}) AS pipeline, "
        f"row_number() OVER (ORDER BY TRY_CAST({cells.text('display_order')} AS INT), _row) AS place "
        f"FROM {cells.rows} WHERE {key} IS NOT NULL QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _row) = 1"
    )


def _stages(aids: Mapping[str, HubSpotCells]) -> str:
    """Each stage under the name that people know; where two share it, with its pipeline's, else with its id."""
    cells = _first(aids, "deal_pipeline_stage", "pipelines_deals__stages")
    if cells is None:
        raise AssertionError("a folder of this shape has its stages")
    pipeline = cells.text("pipeline_id")
    if not cells.headers("pipeline_id"):  # dlt: a child row names its parent's row
        parents = aids["pipelines_deals"]
        parent = f"SELECT {parents.text('_dlt_id')} AS row_id, {parents.text('id')} AS pipeline_id FROM {parents.rows}"
        pipeline = f"(SELECT max(p.pipeline_id) FROM ({parent}) p WHERE p.row_id = {cells.text('_dlt_parent_id')})"
    key, share = cells.text("stage_id", "id"), cells.text("probability", "metadata__probability")
    rows = (
        f"SELECT _row, {key} AS stage_id, coalesce({cells.text('label')}, {key}) AS label, {pipeline} AS pipeline_id, "
        f"TRY_CAST({cells.text('display_order')} AS INT) AS display_order, TRY_CAST({share} AS DOUBLE) AS share, "
        f"{cells.plain.flag('is_closed')} OR {cells.plain.flag('metadata__is_closed')} AS said_closed, "
        f"{cells.plain.flag('closed_won')} AS said_won FROM {cells.rows} WHERE {key} IS NOT NULL "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _row) = 1"
    )
    won = "(said_won OR (said_closed AND share >= 1))"
    # Some tools call only the won stages closed: one without a chance behind them is where deals are lost.
    lost = f"(share = 0 AND display_order > min(display_order) FILTER ({won}) OVER (PARTITION BY pipeline_id))"
    judged = (
        f"SELECT r.*, p.pipeline, {won} AS is_won, said_closed OR {won} OR coalesce({lost}, false) AS is_closed, "
        "row_number() OVER (ORDER BY p.place, r.pipeline_id, display_order, r._row) AS position, "
        "count(*) OVER (PARTITION BY label) AS same_label, "
        "count(*) OVER (PARTITION BY label, pipeline_id) AS same_both "
        f"FROM ({rows}) r LEFT JOIN {PIPELINES} p USING (pipeline_id)"
    )
    return (
        "SELECT *, CASE WHEN same_label = 1 THEN label "
        "WHEN same_both = 1 AND coalesce(pipeline, pipeline_id) IS NOT NULL "
        "THEN label || ' (' || coalesce(pipeline, pipeline_id) || ')' "
        f"ELSE label || ' (' || stage_id || ')' END AS stage FROM ({judged})"
    )


def _merged(aids: Mapping[str, HubSpotCells]) -> str:
    """Deals that were merged into another, by a table of their own and by the other deal's list."""
    parts = []
    if cells := _first(aids, "merged_deal"):
        parts.append(
            f"SELECT {cells.text('merged_deal_id')} AS deal_id, {cells.text('deal_id')} AS into_id FROM {cells.rows}"
        )
    deals = _first(aids, "deal", "deals")
    if deals and deals.headers("hs_merged_object_ids"):
        listed = f"unnest(string_split({deals.text('hs_merged_object_ids')}, ';'))"
        parts.append(f"SELECT trim({listed}) AS deal_id, {deals.text('deal_id', 'id')} AS into_id FROM {deals.rows}")
    if not parts:
        return ""
    return (
        f"SELECT deal_id, max(into_id) AS into_id FROM ({' UNION ALL '.join(parts)}) "
        "WHERE deal_id <> into_id GROUP BY deal_id"
    )


def _companies(aids: Mapping[str, HubSpotCells]) -> str:
    """The company of each deal; the primary one where the association says which."""
    if cells := _first(aids, "deal_company"):
        deal, company, kind = cells.text("deal_id"), cells.text("company_id"), cells.text("type_id")
    elif cells := _first(aids, "companies__deals"):
        deal, company, kind = cells.text("deals_id"), cells.text("value"), "NULL"
    else:
        return ""
    return (  # 5 is HubSpot's association "deal to primary company"
        f"SELECT {deal} AS deal_id, arg_min({company}, {{other: coalesce(CAST({kind} AS VARCHAR) <> '5', true), "
        f"id: {company}}}) AS company_id FROM {cells.rows} WHERE {deal} IS NOT NULL GROUP BY 1"
    )


def _deals_of(aids: Mapping[str, HubSpotCells]) -> str:
    """An engagement's deals, numbered."""
    if not (cells := _first(aids, "engagement_deal")):
        return ""
    pair = f"SELECT DISTINCT {cells.text('engagement_id')} AS engagement_id, {cells.text('deal_id')} AS deal_id"
    return (
        "SELECT engagement_id, deal_id, row_number() OVER (PARTITION BY engagement_id ORDER BY deal_id) - 1 AS seq "
        f"FROM ({pair} FROM {cells.rows}) WHERE engagement_id IS NOT NULL AND deal_id IS NOT NULL"
    )


def _contact_of(aids: Mapping[str, HubSpotCells]) -> str:
    """An engagement's contact; of several, always the same."""
    if not (cells := _first(aids, "engagement_contact")):
        return ""
    key, contact = cells.text("engagement_id"), cells.text("contact_id")
    return f"SELECT {key} AS engagement_id, min({contact}) AS contact_id FROM {cells.rows} GROUP BY 1"


def _engagements(aids: Mapping[str, HubSpotCells]) -> str:
    """What older exports say of every engagement in one table."""
    if not (cells := _first(aids, "engagement")):
        return ""
    return (
        f"SELECT {cells.text('id')} AS engagement_id, max({cells.utc('timestamp')}) AS happened, "
        f"max({cells.utc('created_at')}) AS entered, max({cells.text('owner_id')}) AS owner_id "
        f"FROM {cells.rows} GROUP BY 1"
    )


def _owners(aids: Mapping[str, HubSpotCells]) -> str:
    """A user is someone who logs in, an owner is whom a record is assigned to: two ids of one person."""
    if not (cells := _first(aids, "owner", "owners")):
        return ""
    user = cells.text("active_user_id", "user_id")
    return (
        f"SELECT {user} AS user_id, min({cells.text('owner_id', 'id')}) AS owner_id FROM {cells.rows} "
        f"WHERE {user} IS NOT NULL GROUP BY 1"
    )


def _teams(aids: Mapping[str, HubSpotCells]) -> str:
    members, teams = _first(aids, "owner_team"), _first(aids, "team")
    if members is None or teams is None:
        return ""
    named = f"SELECT {teams.text('id')} AS team_id, max({teams.text('name')}) AS team FROM {teams.rows} GROUP BY 1"
    primary = members.plain.flag("is_team_primary")
    return (
        f"SELECT owner_id, arg_max(team, is_primary) AS team FROM (SELECT {members.text('owner_id')} AS owner_id, "
        f"{members.text('team_id')} AS team_id, CAST({primary} AS INT) AS is_primary FROM {members.rows}) "
        f"JOIN ({named}) USING (team_id) GROUP BY owner_id"
    )


def _home_amounts(aids: Mapping[str, HubSpotCells]) -> str:
    """Deals in another currency than the company's: those whose amount differs from that at home."""
    deals = _first(aids, "deal", "deals")
    if deals is None or not deals.headers("amount_in_home_currency"):
        return ""
    home, own = deals.text("amount_in_home_currency"), deals.text("amount")
    return (
        f"SELECT DISTINCT {deals.text('deal_id', 'id')} AS deal_id FROM {deals.rows} "
        f"WHERE TRY_CAST({home} AS DOUBLE) <> TRY_CAST({own} AS DOUBLE)"
    )
