"""What a history that tells every version proves of a field without a change: it is as it was at any date."""

from __future__ import annotations

from crm.sources.intake import Intake, custom_headers
from crm.sources.quoting import literal, name
from crm.tables import OPPORTUNITIES

SHOWN = "name"  # never learned from


def never_changed(intake: Intake) -> frozenset[str]:
    """Columns of opportunities that have not changed since their deals were entered, by every deal's own history.

    Other histories tell changes alone: there, a field without one may just not be tracked.
    """
    histories = [file for file in intake.files_of("changes") if file.text.told_at_entry]
    if not histories:
        return frozenset()
    entered = " UNION ALL ".join(
        f"SELECT DISTINCT opportunity_id, field FROM {file.relation} WHERE _told = {literal(file.text.told_at_entry)}"
        for file in histories
    )
    intake.con.execute(f"CREATE OR REPLACE TEMP TABLE _entered AS {entered}")
    still = "SELECT DISTINCT field FROM _entered WHERE field NOT IN (SELECT field FROM all_changes WHERE field NOTNULL)"
    columns = {c.name: name(c.name) for c in OPPORTUNITIES.columns if c.name != SHOWN}
    columns |= {header: f"c_{i}" for i, header in enumerate(custom_headers(intake, "opportunities"))}
    candidates = {field for (field,) in intake.con.execute(still).fetchall()} & columns.keys()
    return frozenset(field for field in candidates if _is_told_of_all(intake, field, columns[field]))


def _is_told_of_all(intake: Intake, field: str, column: str) -> bool:
    """Whether each deal with a value was entered with one."""
    return not intake.count(
        f"SELECT count(*) FROM all_opportunities d WHERE {column} IS NOT NULL AND NOT EXISTS "
        f"(FROM _entered e WHERE e.opportunity_id = d.opportunity_id AND e.field = {literal(field)})"
    )
