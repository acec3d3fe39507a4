"""A warehouse's versions of deals → changes.

Fivetran's history mode and dlt's scd2 keep each version of a row with the time from which it held. A change is where a
version differs from the one before. The first version tells what the deal was entered with, if it begins with the
deal; where it begins later, the warehouse was filled only then, and what was so before is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.reading import RawTable
from crm.sources.salesforce_cells import NOTHING, Cells, folded, is_own, require, version_start
from crm.sources.salesforce_files import LAST_STAGE_CHANGE, OBJECTS, meaning
from crm.sources.salesforce_history import SNAPSHOT_FIELDS, changes_text, differences, has_snapshots
from crm.sources.typing_query import TextRelation

FIXED = frozenset({"opportunity_id", "created_at", "is_won"})  # what a version says besides is no field that changes
SLACK = "INTERVAL 1 DAY"  # a first version no later than that after the deal's creation begins with it
MADE_OF = "versions"
EARLY = ("_early", "_early_column", "_early_value")  # whether a deal is gone is told by its own row


def versions_text(intake: Intake, raw: RawTable, mapping: SourceMapping) -> TextRelation:
    """The versions of Opportunity's rows → the differences between each and the one before.

    What another history of the company tells is left to that one.

    :raises DataRefused: where the header lacks a field without which a version says nothing.
    """
    require(raw, "Id", "CreatedDate", "StageName")
    cells = Cells(raw)
    start = version_start(cells)
    never_aside = ", ".join(f"{NOTHING} AS {column}" for column in EARLY)
    state = (
        f"_row, {never_aside}, {cells.id('Id')} AS deal, {cells.text(start)} AS written, "
        f"{cells.time(start, mapping)} AS moment, {cells.id('LastModifiedById')} AS author, "
        f"{_begun(cells, start, mapping)} AS begun"
    )
    return changes_text(
        raw,
        differences(raw, state, _values(intake, cells)),
        mapping,
        {
            "opportunity_id": "Id",
            "changed_at": start,
            "field": MADE_OF,
            "old_value": MADE_OF,
            "new_value": MADE_OF,
            "changed_by": "LastModifiedById",
        },
    )


def _begun(cells: Cells, start: str, mapping: SourceMapping) -> str:
    """SQL for when a deal's first version began to hold.

    That of a deal which was closed before the warehouse was filled holds from its closing, as its row tells it.
    """
    created, held = cells.time("CreatedDate", mapping), cells.time(start, mapping)
    closed = f"coalesce({cells.time(LAST_STAGE_CHANGE, mapping)}, {cells.time('CloseDate', mapping)}, {held})"
    closing = f"CAST(greatest({created}, least({held}, {closed})) AS VARCHAR)"
    return (
        f"CASE WHEN {held} <= {created} + {SLACK} THEN {cells.text('CreatedDate')} "
        f"WHEN {cells.flag('IsClosed')} THEN {closing} END"
    )


def _values(intake: Intake, cells: Cells) -> Mapping[str, str]:
    """Each field whose versions are told here, and SQL for its value."""
    deals = intake.files_of("opportunities")
    wished = {column.name for column in intake.mapping.wishes.columns}
    elsewhere = _told_elsewhere(intake)
    known = {
        column: meaning("Opportunity", "opportunities", column, cells)
        for column, names in OBJECTS["Opportunity"].items()
        if column not in FIXED and any(cells.has(header) for header in names)
    }
    own = {
        header: cells.raw_text(header)
        for header in dict.fromkeys(h for file in deals for h in file.text.custom.values())
        if cells.has(header) and (is_own(header) or header in wished)
    }
    told = {field: f"nullif(trim({sql}), '')" for field, sql in (known | own).items() if field not in elsewhere}
    snapshots = has_snapshots(intake, cells.id("Id"))
    return {f: f"CASE WHEN NOT {snapshots} THEN {v} END" if f in SNAPSHOT_FIELDS else v for f, v in told.items()}


def _told_elsewhere(intake: Intake) -> set[str]:
    """The fields that OpportunityFieldHistory tells."""
    told: set[str] = set()
    for file in [f for f in intake.files_of("changes") if folded(f.text.headers["field"]) == "field"]:
        found = intake.con.execute(f"SELECT DISTINCT field FROM {file.relation} WHERE _told IS NULL").fetchall()
        told |= {field for (field,) in found}
    return told
