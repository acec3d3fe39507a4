"""`POST /crm/v3/objects/{type}/search`: filters, one sort, pages of 200, and never more than 10,000 results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.vendors.hubspot.portal import Portal, Record
from tests.vendors.hubspot.problems import invalid

MOST, PAGE, GROUPS, FILTERS, OF_A_GROUP, CHARACTERS = 10_000, 200, 5, 25, 10, 3_000


def search(portal: Portal, object_type: str, body: dict[str, Any], size: int, lag_ms: int) -> dict[str, Any]:
    """:param size: characters of the request; :param lag_ms: how long a change takes to reach the index."""
    groups = body.get("filterGroups") or []
    limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
    _check(groups, limit, after, size, body.get("sorts") or [])
    seen_until = portal.clock.ms - lag_ms
    found = [
        record
        for record in portal.objects[object_type].values()
        if record.archived_at is None and record.updated <= seen_until and _meets(portal, object_type, record, groups)
    ]
    for sort in body.get("sorts") or []:
        name, down = (
            (sort, False) if isinstance(sort, str) else (sort["propertyName"], sort.get("direction") == "DESCENDING")
        )
        found.sort(key=lambda record: _comparable(_value(portal, object_type, record, name)), reverse=down)
    page = found[after : after + limit]
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [portal.shown(object_type, record, body.get("properties") or [], []) for record in page],
    }
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return answer


def _check(groups: list[dict[str, Any]], limit: int, after: int, size: int, sorts: list[Any]) -> None:
    sizes = [len(group["filters"]) for group in groups]
    if size > CHARACTERS:
        raise invalid(f"The request body is longer than {CHARACTERS} characters")
    if len(groups) > GROUPS or sum(sizes) > FILTERS or any(n > OF_A_GROUP for n in sizes) or len(sorts) > 1:
        raise invalid("There was a problem with the request: too many filters or sorts")
    if not 1 <= limit <= PAGE:
        raise invalid(f"limit must be between 1 and {PAGE}")
    if after + limit > MOST:
        raise invalid(f"The search cannot page beyond {MOST} results")


def _value(portal: Portal, object_type: str, record: Record, name: str) -> str | None:
    if name == "hs_object_id":
        return record.id
    if name == portal.modified_of(object_type):
        return str(record.updated)
    return record.value(name)


def _comparable(value: str | None) -> tuple[float, str]:
    """Numbers and instants by size, whatever their form."""
    if value is None:
        return float("-inf"), ""
    try:
        return float(value), ""
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(value).timestamp() * 1000, ""
    except ValueError:
        return float("inf"), value


_TESTS: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
    "EQ": lambda v, f: v == _comparable(f["value"]),
    "NEQ": lambda v, f: v != _comparable(f["value"]),
    "LT": lambda v, f: v < _comparable(f["value"]),
    "LTE": lambda v, f: v <= _comparable(f["value"]),
    "GT": lambda v, f: v > _comparable(f["value"]),
    "GTE": lambda v, f: v >= _comparable(f["value"]),
    "BETWEEN": lambda v, f: _comparable(f["value"]) <= v <= _comparable(f["highValue"]),
    "IN": lambda v, f: v in [_comparable(one) for one in f["values"]],
}


def _meets(portal: Portal, object_type: str, record: Record, groups: list[dict[str, Any]]) -> bool:
    if not groups:
        return True
    return any(all(_passes(portal, object_type, record, f) for f in group["filters"]) for group in groups)


def _passes(portal: Portal, object_type: str, record: Record, one: dict[str, Any]) -> bool:
    name = one["propertyName"]
    if name not in portal.properties[object_type]:
        raise invalid(f"There was a problem with the request: unknown property {name}")
    value = _value(portal, object_type, record, name)
    if one["operator"] in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (value is not None) == (one["operator"] == "HAS_PROPERTY")
    return value is not None and _TESTS[one["operator"]](_comparable(value), one)
