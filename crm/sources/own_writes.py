"""What we have written into the CRM ourselves is no news of a deal: it is counted, and is no event.

Changes of our own fields, and tasks that we have made: what people do about them is logged by itself.
"""

from __future__ import annotations

import re
from dataclasses import replace

from crm.sources.banned import OURS
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, literals, name
from crm.sources.typing_query import TextRelation
from crm.tables import OPPORTUNITIES, Wishes

TOLD = "changes by our own write-back, no events"
TOLD_TASKS = "tasks that we made ourselves, no activities"
OUR_KEY = re.compile(r"(property_)?([a-z0-9]+__)?dealcast_key(_?_c)?", re.IGNORECASE)
"""How the column is called that holds the key of our tasks: `Dealcast_Key__c`, `dealcast_key`, as tools rename it."""

EARLY = ("_early", "_early_column", "_early_value")


def without_own_writes(text: TextRelation, mapping: SourceMapping) -> TextRelation:
    """A table in which what we wrote ourselves is told as what it is."""
    if text.table == "changes":
        return _without_own_changes(text, mapping)
    return _without_own_tasks(text) if text.table == "activities" else text


def _without_own_tasks(text: TextRelation) -> TextRelation:
    """Activities in which tasks that bear our key are told of, whether they are done or not; the key is no column."""
    keys = [x for x, header in text.custom.items() if OUR_KEY.fullmatch(header)]
    if not keys:
        return text
    ours = " OR ".join(f"coalesce(trim({name(x)}) <> '', false)" for x in keys)
    told = f"CASE WHEN {ours} THEN coalesce(_told, {literal(TOLD_TASKS)}) ELSE _told END AS _told"
    early = ", ".join(f"CASE WHEN NOT ({ours}) THEN {one} END AS {one}" for one in EARLY)
    rest = {x: header for x, header in text.custom.items() if x not in keys}
    return replace(text, select=f"SELECT * REPLACE ({told}, {early}) FROM ({text.select})", custom=rest)


def _without_own_changes(text: TextRelation, mapping: SourceMapping) -> TextRelation:
    """A history in which changes of our own fields are told as what they are.

    Ours are fields named like ours; where the configuration names the user that we write as, also its changes of
    fields that nothing is read from: what it does to stages, amounts and declared fields stays an event.
    """
    ours = f"regexp_matches(field, {literal(OURS)}, 'i')"
    if mapping.written_by is not None and "changed_by" in text.headers:
        read = literals([*(column.name for column in OPPORTUNITIES.columns), *text.fields, *_declared(mapping.wishes)])
        user = literals({mapping.written_by, mapping.written_by[:15]})  # Salesforce's ids have 15 letters, or 18
        ours = f"({ours} OR (field NOT IN ({read}) AND (changed_by IN ({user}) OR left(changed_by, 15) IN ({user}))))"
    told = f"CASE WHEN _told IS NULL AND _early IS NULL AND {ours} THEN {literal(TOLD)} ELSE _told END"
    return replace(text, select=f"SELECT * REPLACE ({told} AS _told) FROM ({text.select})")


def _declared(wishes: Wishes) -> list[str]:
    return [column.name for column in wishes.columns]
