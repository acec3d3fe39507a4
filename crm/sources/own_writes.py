"""Our own answers, written back into the CRM, are no news of a deal: their changes are counted and are no events."""

from __future__ import annotations

from dataclasses import replace

from crm.sources.banned import OURS
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, literals
from crm.sources.typing_query import TextRelation
from crm.tables import OPPORTUNITIES, Wishes

TOLD = "changes by our own write-back, no events"


def without_own_writes(text: TextRelation, mapping: SourceMapping) -> TextRelation:
    """A history in which changes of our own fields are told as what they are.

    Ours are fields named like ours; where the configuration names the user that we write as, also its changes of
    fields that nothing is read from: what it does to stages, amounts and declared fields stays an event.
    """
    if text.table != "changes":
        return text
    ours = f"regexp_matches(field, {literal(OURS)}, 'i')"
    if mapping.written_by is not None and "changed_by" in text.headers:
        read = literals([*(column.name for column in OPPORTUNITIES.columns), *text.fields, *_declared(mapping.wishes)])
        user = literals({mapping.written_by, mapping.written_by[:15]})  # Salesforce's ids have 15 letters, or 18
        ours = f"({ours} OR (field NOT IN ({read}) AND (changed_by IN ({user}) OR left(changed_by, 15) IN ({user}))))"
    told = f"CASE WHEN _told IS NULL AND _early IS NULL AND {ours} THEN {literal(TOLD)} ELSE _told END"
    return replace(text, select=f"SELECT * REPLACE ({told} AS _told) FROM ({text.select})")


def _declared(wishes: Wishes) -> list[str]:
    return [column.name for column in wishes.columns]
