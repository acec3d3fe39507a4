"""`POST /crm/v3/objects/{type}/batch/update`, `create` and `archive`, and the properties that can be written."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from tests.vendors.hubspot.portal import ASSOCIATION_TYPES, SETTABLE_TYPES, Portal, iso
from tests.vendors.hubspot.problems import absent, invalid, refused

BATCH, LONGEST_TEXT = 100, 65_536


def update(portal: Portal, object_type: str, inputs: list[dict[str, Any]], app: str) -> tuple[int, dict[str, Any]]:
    """All of a batch, or what can be: records that are missing, and, where each input bears a trace id, bad values."""
    if len(inputs) > BATCH:
        raise invalid(f"Batch size {len(inputs)} exceeds the limit of {BATCH}")
    ids = [one["id"] for one in inputs]
    if len(set(ids)) < len(ids):
        raise invalid("Duplicate IDs found in batch input")
    started = iso(portal.clock.now())
    with portal.lock:
        records = portal.objects[object_type]
        missing = [key for key in ids if key not in records or records[key].archived_at is not None]
        bad = {one["id"]: why for one in inputs if (why := _not_valid(portal, object_type, one["properties"]))}
        if bad and not all("objectWriteTraceId" in one for one in inputs):
            first = next(iter(bad.values()))
            raise invalid(f"Property values were not valid: {json.dumps(first)}")
        errors = [absent(missing)] if missing else []
        for one in inputs:
            if one["id"] in bad and one["id"] not in missing:
                errors.append(_error(one["objectWriteTraceId"], bad[one["id"]]))
        results = []
        for one in inputs:
            if one["id"] in bad or one["id"] in missing:
                continue
            for name, value in one["properties"].items():
                portal.writes.append((one["id"], name, _text(value)))
            changed = {
                name: _stored(portal, object_type, name, _text(value)) for name, value in one["properties"].items()
            }
            record = portal.change(object_type, one["id"], changed, source="INTEGRATION", source_id=app)
            results.append(portal.shown(object_type, record, list(changed), []))
    answer: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": started,
        "completedAt": iso(portal.clock.now()),
    }
    if not errors:
        return 200, answer
    return 207, {**answer, "numErrors": len(errors), "errors": errors}


def create(portal: Portal, object_type: str, inputs: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """All of a batch, or, where each input bears a trace id, what can be; a unique value is given once only."""
    if len(inputs) > BATCH:
        raise invalid(f"Batch size {len(inputs)} exceeds the limit of {BATCH}")
    started = iso(portal.clock.now())
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    with portal.lock:
        for one in inputs:
            why = [*_not_valid(portal, object_type, one["properties"]), *_lacking(portal, object_type, one)]
            if why and "objectWriteTraceId" not in one:
                raise invalid(f"Property values were not valid: {json.dumps(why)}")
            if why:
                errors.append(_error(one["objectWriteTraceId"], why))
            else:
                results.append(_created(portal, object_type, one))
    answer = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": iso(portal.clock.now())}
    return (207, {**answer, "numErrors": len(errors), "errors": errors}) if errors else (201, answer)


def _lacking(portal: Portal, object_type: str, one: dict[str, Any]) -> list[dict[str, Any]]:
    """What a new record may not have: no due time, a value that another has, a deal that is not there."""
    given, found = one["properties"], []
    if object_type == "tasks" and not given.get("hs_timestamp"):
        found.append(_wrong("Error creating TASK. Some required properties were not set.", "REQUIRED", "hs_timestamp"))
    for name, value in given.items():
        known = portal.properties[object_type].get(name, {})
        if known.get("hasUniqueValue") and portal.by_unique_value(object_type, name, _text(value)):
            found.append(_wrong(f"{value} is taken by another record", "CONFLICTING_UNIQUE_VALUE", name))
    for link in one.get("associations", []):
        kinds = [kind["associationTypeId"] for kind in link["types"]]
        if kinds != [ASSOCIATION_TYPES[object_type, "deals"]]:
            raise invalid(f"{kinds} is not valid between {object_type} and deals")
        deal = portal.objects["deals"].get(str(link["to"]["id"]))
        if deal is None or deal.archived_at is not None:
            found.append(_wrong(f"DEAL={link['to']['id']} is not valid", "INVALID_OBJECT_IDS", "associations"))
    return found


def _created(portal: Portal, object_type: str, one: dict[str, Any]) -> dict[str, Any]:
    values = {name: _stored(portal, object_type, name, _text(value)) for name, value in one["properties"].items()}
    record = portal.enter(object_type, values, source="INTEGRATION")
    for link in one.get("associations", []):
        portal.associate(object_type, record.id, "deals", str(link["to"]["id"]))
    portal.writes += [(record.id, name, value) for name, value in values.items()]
    trace = {"objectWriteTraceId": one["objectWriteTraceId"]} if "objectWriteTraceId" in one else {}
    return {**portal.shown(object_type, record, list(values), []), **trace}


def archive(portal: Portal, object_type: str, inputs: list[dict[str, Any]]) -> tuple[int, None]:
    """Into the recycle bin; what is not there, or there already, is no error."""
    if len(inputs) > BATCH:
        raise invalid(f"Batch size {len(inputs)} exceeds the limit of {BATCH}")
    for one in inputs:
        record = portal.objects[object_type].get(one["id"])
        if record is not None and record.archived_at is None:
            portal.archive(object_type, one["id"])
            portal.writes.append((one["id"], "archived", "true"))
    return 204, None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _error(trace: str, why: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": f"Property values were not valid: {json.dumps(why)}",
        "context": {"objectWriteTraceId": [trace]},
    }


def _not_valid(portal: Portal, object_type: str, properties: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, given in properties.items():
        kind = portal.properties[object_type].get(name)
        if kind is None:
            found.append(_wrong(f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", name))
        elif kind.get("modificationMetadata", {}).get("readOnlyValue"):
            found.append(_wrong(f'"{name}" is a read only property', "READ_ONLY_VALUE", name))
        elif _text(given) and not _fits(kind["type"], _text(given)):
            found.append(_wrong(f"{given} was not a valid {kind['type']}.", f"INVALID_{kind['type'].upper()}", name))
    return found


def _wrong(message: str, error: str, name: str) -> dict[str, Any]:
    return {"isValid": False, "message": message, "error": error, "name": name}


def _fits(kind: str, text: str) -> bool:
    """A day is `2024-03-31` or midnight UTC in milliseconds, an instant ISO 8601 or milliseconds."""
    if len(text) > LONGEST_TEXT:
        return False
    try:
        if kind == "number":
            float(text)
        elif kind == "date":
            return int(text) % 86_400_000 == 0 if text.isdigit() else bool(date.fromisoformat(text))
        elif kind == "datetime":
            return text.isdigit() or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
    return True


def _stored(portal: Portal, object_type: str, name: str, text: str) -> str:
    """Instants come back in HubSpot's own form, days as days."""
    kind = portal.properties[object_type][name]["type"]
    if kind == "datetime" and text:
        return iso(int(text) if text.isdigit() else round(datetime.fromisoformat(text).timestamp() * 1000))
    if kind == "date" and text.isdigit():
        return iso(int(text))[:10]
    return text


def create_property(portal: Portal, object_type: str, body: dict[str, Any]) -> dict[str, Any]:
    if body["name"] in portal.properties[object_type]:
        raise refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{body['name']}' already exists.")
    if body["groupName"] not in portal.groups[object_type]:
        raise invalid(f"Property group {body['groupName']} does not exist")
    if (
        body["type"] not in SETTABLE_TYPES
        or not body["name"].replace("_", "").isalnum()
        or body["name"] != body["name"].lower()
    ):
        raise invalid(f"{body['name']}: not a valid property definition")
    kind = body.pop("type")
    name = body.pop("name")
    portal.define(object_type, name, kind, **body)
    return portal.properties[object_type][name]


def create_properties(portal: Portal, object_type: str, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(inputs) > BATCH:
        raise invalid(f"Batch size {len(inputs)} exceeds the limit of {BATCH}")
    return [create_property(portal, object_type, one) for one in inputs]


def create_group(portal: Portal, object_type: str, body: dict[str, Any]) -> dict[str, Any]:
    if body["name"] in portal.groups[object_type]:
        raise refused(409, "OBJECT_ALREADY_EXISTS", f"A group named '{body['name']}' already exists.")
    portal.groups[object_type][body["name"]] = {"archived": False, "displayOrder": -1, **body}
    return portal.groups[object_type][body["name"]]
