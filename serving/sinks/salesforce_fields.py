"""Our fields in Salesforce: their names, their metadata, and how their values are kept there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from crm.salesforce.objects import OWN_PREFIX, TASK_KEY
from serving.sinks.sink import Kind, OwnField, Value
from serving.writeback.fields import BY_NAME, FIELDS, LONGEST

NULL = "#N/A"  # how a Bulk job is told to empty a field
_METADATA: Mapping[Kind, Mapping[str, Any]] = {
    Kind.NUMBER: {"type": "Number", "precision": 18, "scale": 0},
    Kind.PERCENT: {"type": "Percent", "precision": 4, "scale": 1},
    Kind.MONEY: {"type": "Currency", "precision": 18, "scale": 2},
    Kind.DATE: {"type": "Date"},
    Kind.INSTANT: {"type": "DateTime"},
    Kind.TEXT: {"type": "Text", "length": LONGEST[Kind.TEXT]},
    Kind.LONG_TEXT: {"type": "LongTextArea", "length": LONGEST[Kind.LONG_TEXT], "visibleLines": 5},
}


def api_name(field: OwnField) -> str:
    """What a field of ours is called in Salesforce: Dealcast_Win_Probability__c."""
    return f"{OWN_PREFIX}{'_'.join(word.capitalize() for word in field.name.split('_'))}__c"


def definitions() -> str:
    """Our fields as `objects/Opportunity.object` of Salesforce's Metadata API."""
    every = []
    for field in FIELDS:
        told = {
            "fullName": api_name(field),
            "label": f"Dealcast: {field.label}"[:40],
            "description": f"Written by Dealcast. {field.meaning}",
            "inlineHelpText": field.meaning,
            **_METADATA[field.kind],
            "required": "false",
            "trackHistory": "false",
        }
        if field.kind is Kind.LONG_TEXT:
            del told["required"]  # a long text has no such property
        every.append(told)
    return _metadata("Opportunity", "docs/salesforce.md", every)


def task_key_definition() -> str:
    """The key of our tasks as `objects/Activity.object`: tasks have their own fields in common with events."""
    told = {
        "fullName": TASK_KEY,
        "label": "Dealcast: Key",
        "description": "Written by Dealcast. Tells the tasks that it has made from those of people.",
        "type": "Text",
        "length": LONGEST[Kind.TEXT],
        "externalId": "true",
        "unique": "true",
        "caseSensitive": "true",
        "required": "false",
    }
    return _metadata("Activity", "docs/tasks.md", [told])


def _metadata(obj: str, page: str, every: Iterable[Mapping[str, Any]]) -> str:
    """Fields of an object as its file of Salesforce's Metadata API."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- objects/{obj}.object: see {page} for how to deploy it. -->",
        '<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">',
    ]
    for told in every:
        inner = "\n".join(f"        <{tag}>{escape(str(said))}</{tag}>" for tag, said in told.items())
        lines.append(f"    <fields>\n{inner}\n    </fields>")
    return "\n".join([*lines, "</CustomObject>"])


def theirs(name: str, value: Value) -> Value:
    """A value as Salesforce keeps it: a percent field holds 62.4 where we say 0.624."""
    if value is None or BY_NAME[name].kind is not Kind.PERCENT:
        return value
    return round(float(value) * 100, 6)


def ours(field: OwnField, value: Any) -> Value:
    """A value as Salesforce keeps it, as ours."""
    if value is None or value == "":
        return None
    if field.kind is Kind.PERCENT:
        return round(float(value) / 100, 8)
    if field.kind in (Kind.NUMBER, Kind.MONEY):
        return float(value)
    if field.kind is Kind.INSTANT:
        return datetime.fromisoformat(str(value)).isoformat()
    return str(value)


def cell(value: Value) -> str:
    """A value as it stands in a Bulk job's CSV."""
    return NULL if value is None else str(value)
