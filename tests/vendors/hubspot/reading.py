"""Lists and batch reads of records, owners, associations: what the API hands out, page by page."""

from __future__ import annotations

from typing import Any

from tests.vendors.hubspot.portal import Portal, iso
from tests.vendors.hubspot.problems import absent, invalid, refused

LIST, WITH_HISTORY, BATCH, LINKS, LINKS_OF_ONE, OWNERS = 100, 50, 100, 1000, 500, 500


def listed(portal: Portal, object_type: str, query: dict[str, list[str]]) -> dict[str, Any]:
    names, history = _names(query, "properties"), _names(query, "propertiesWithHistory")
    limit = int(query.get("limit", ["10"])[0])
    most = WITH_HISTORY if history else LIST
    if not 1 <= limit <= most:
        raise invalid(f"limit must be between 1 and {most}")
    archived = query.get("archived", ["false"])[0] == "true"
    after = int(query.get("after", ["0"])[0])
    with portal.lock:
        found = sorted(
            int(key) for key, r in portal.objects[object_type].items() if (r.archived_at is not None) == archived
        )
        rest = [key for key in found if key > after]
        page = [portal.objects[object_type][str(key)] for key in rest[:limit]]
        answer: dict[str, Any] = {"results": [portal.shown(object_type, r, names, history) for r in page]}
    if len(rest) > limit:
        answer["paging"] = {"next": {"after": page[-1].id, "link": f"?after={page[-1].id}"}}
    return answer


def read_batch(portal: Portal, object_type: str, body: dict[str, Any], archived: bool) -> tuple[int, dict[str, Any]]:
    inputs, history = body["inputs"], body.get("propertiesWithHistory") or []
    most = WITH_HISTORY if history else BATCH
    if len(inputs) > most:
        raise invalid(f"The batch holds {len(inputs)} inputs, at most {most} are allowed")
    started = iso(portal.clock.now())
    with portal.lock:
        found, missing = [], []
        own = body.get("idProperty")
        if own and not portal.properties[object_type].get(own, {}).get("hasUniqueValue"):
            raise invalid(f"Unable to read by non-unique property {own}")
        for one in inputs:
            key = one["id"] if own is None else portal.by_unique_value(object_type, own, one["id"])
            record = portal.objects[object_type].get(key or "")
            if record is None and object_type == "deals":  # a record that was merged away answers by its new one
                record = portal.objects["deals"].get(portal.merged_away.get(one["id"], ""))
            if record is None or (record.archived_at is not None) != archived:
                missing.append(one["id"])
            elif record not in found:
                found.append(record)
        results = [portal.shown(object_type, r, body.get("properties") or [], history) for r in found]
    answer = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": iso(portal.clock.now())}
    if not missing:
        return 200, answer
    return 207, {**answer, "numErrors": 1, "errors": [absent(missing)]}


def links(portal: Portal, one: str, other: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """`POST /crm/v4/associations/{from}/{to}/batch/read`."""
    if len(body["inputs"]) > LINKS:
        raise invalid(f"At most {LINKS} inputs are allowed")
    results, errors = [], []
    with portal.lock:
        for given in body["inputs"]:
            to = portal.associations.get((one, other, given["id"]))
            if to:
                start = int(given.get("after") or 0)
                page = list(to.items())[start : start + LINKS_OF_ONE]
                shown = [{"toObjectId": int(key), "associationTypes": types} for key, types in page]
                following = {"paging": {"next": {"after": str(start + LINKS_OF_ONE)}}}
                more = following if start + LINKS_OF_ONE < len(to) else {}
                results.append({"from": {"id": given["id"]}, "to": shown, **more})
            else:
                errors.append(_no_links(one, other, given["id"]))
    answer: dict[str, Any] = {"status": "COMPLETE", "results": results}
    return (207, {**answer, "numErrors": len(errors), "errors": errors}) if errors else (200, answer)


def _no_links(one: str, other: str, key: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other} is associated with {one} {key}.",
        "context": {"fromObjectId": [key], "fromObjectType": [one], "toObjectType": [other]},
    }


def owners(portal: Portal, query: dict[str, list[str]]) -> dict[str, Any]:
    limit, after = int(query.get("limit", ["100"])[0]), int(query.get("after", ["0"])[0])
    if not 1 <= limit <= OWNERS:
        raise invalid(f"limit must be between 1 and {OWNERS}")
    archived = query.get("archived", ["false"])[0] == "true"
    rest = sorted(
        (o for o in portal.owners if o["archived"] == archived and int(o["id"]) > after), key=lambda o: int(o["id"])
    )
    answer: dict[str, Any] = {"results": rest[:limit]}
    if len(rest) > limit:
        answer["paging"] = {"next": {"after": rest[limit - 1]["id"]}}
    return answer


def property_of(portal: Portal, object_type: str, name: str) -> dict[str, Any]:
    if name not in portal.properties[object_type]:
        raise refused(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
    return portal.properties[object_type][name]


def _names(query: dict[str, list[str]], key: str) -> list[str]:
    """Given once for each, or with commas between."""
    return [name for text in query.get(key, []) for name in text.split(",") if name]
