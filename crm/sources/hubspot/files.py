"""A file in HubSpot's shape → text under the contract's names."""

from __future__ import annotations

from collections.abc import Mapping

from crm.errors import DataRefused
from crm.sources.hubspot.activities import ENGAGEMENT_TABLES, engagement_text
from crm.sources.hubspot.cells import HubSpotCells
from crm.sources.hubspot.history import property_history_text, stage_history_text
from crm.sources.hubspot.lookups import make_lookups
from crm.sources.hubspot.records import companies_text, deals_text, owners_text, roles_text, stages_text
from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.reading import RawTable
from crm.sources.shape import SourceFile
from crm.sources.typing_query import TextRelation

# Which properties a table says nothing without: of each tuple one.
NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "opportunities": (("deal_id", "id"), ("createdate", "hs_createdate"), ("deal_pipeline_stage_id", "dealstage")),
    "activities": (("engagement_id",),),
    "accounts": (("company_id", "id"),),
    "users": (("owner_id", "id"),),
    "stages": (("stage_id", "id"), ("label",)),
    "contact_roles": (("deal_id", "deals_id"), ("contact_id", "value")),
}
HISTORY_NEEDS = (("deal_id", "object_id"), ("name", "property_name"), ("timestamp",), ("value",))


def hubspot_text(intake: Intake, raw: RawTable, file: SourceFile, mapping: SourceMapping) -> TextRelation:
    """The file's rows under the contract's names.

    :raises DataRefused: where the header lacks a column without which the table says nothing.
    """
    cells = HubSpotCells(raw, mapping)
    make_lookups(intake, mapping)
    if file.table == "changes":
        if file.source == "deal_stage":
            _require(cells, (("deal_id",), ("value",), ("date_entered", "_fivetran_start")))
            return stage_history_text(intake, cells)
        _require(cells, HISTORY_NEEDS)
        return property_history_text(intake, cells)
    _require(cells, NEEDS[file.table])
    if file.source in ENGAGEMENT_TABLES:
        return engagement_text(cells, file.source)
    readers = {
        "opportunities": deals_text,
        "accounts": companies_text,
        "users": owners_text,
        "stages": stages_text,
        "contact_roles": roles_text,
    }
    return readers[file.table](cells, file)


def _require(cells: HubSpotCells, needs: tuple[tuple[str, ...], ...]) -> None:
    missing = [one for one in needs if not cells.headers(*one)]
    if missing:
        raise DataRefused(
            f"the header has no column {missing[0][0]!r}",
            where=cells.raw.file,
            expected="HubSpot's tables as Fivetran or dlt write them, among them " + ", ".join(n[0] for n in needs),
            remedy="sync the table with this column",
        )
