"""As much of SOQL as is asked here; whatever else is asked is refused as Salesforce refuses what it cannot read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.vendors.salesforce.company import Company, Record, Table
from tests.vendors.salesforce.problems import Refused

_QUERY = re.compile(
    r"SELECT\s+(?P<what>.+?)\s+FROM\s+(?P<object>\w+)(?:\s+WHERE\s+(?P<where>.+?))?"
    r"(?:\s+ORDER BY\s+(?P<order>[\w, ]+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_TEST = re.compile(r"(?P<field>[\w.]+)\s*(?P<how>>=|<=|!=|=|>|<|IN\b)\s*(?P<value>.+)$", re.IGNORECASE | re.DOTALL)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")
COMPOUND = ("address", "location")
NOT_FILTERED = ("anyType", "textarea", "address")


@dataclass(frozen=True)
class Query:
    """A query that has been read. :param fields: none where rows are counted."""

    object: str
    fields: tuple[str, ...]
    passes: Callable[[Record], bool]
    limit: int | None
    text: str


def parse(company: Company, text: str, in_bulk: bool = False) -> Query:
    found = _QUERY.match(text.strip())
    if not found:
        raise Refused(400, "MALFORMED_QUERY", f"unexpected token: {text[:60]}")
    table = company.tables.get(found["object"])
    if table is None or table.hidden:
        raise Refused(400, "INVALID_TYPE", f"sObject type '{found['object']}' is not supported.")
    counted = found["what"].strip().lower() == "count()"
    fields = () if counted else tuple(name.strip() for name in found["what"].split(","))
    if in_bulk and counted:
        raise Refused(400, "FEATURENOTENABLED", "Aggregate queries are not supported in Bulk Query")
    for name in fields:
        known = _field(table, found["object"], name)
        if in_bulk and known.type in COMPOUND:
            raise Refused(400, "FUNCTIONALITYNOTENABLED", "Selecting compound data not supported in Bulk Query")
    tests = [_test(table, found["object"], part) for part in _split(found["where"] or "")]
    limit = int(found["limit"]) if found["limit"] else None
    return Query(found["object"], fields, lambda row: all(test(row) for test in tests), limit, text)


def answer(company: Company, query: Query, deleted: bool) -> list[Record]:
    """The rows; without `deleted`, those in the bin and archived activities are not seen."""
    with company.lock:
        rows = [dict(row) for row in company.tables[query.object].rows.values()]
    return [row for row in rows if (deleted or not row.get("IsDeleted")) and query.passes(row)][: query.limit]


def _field(table: Table, obj: str, name: str) -> Any:
    known = table.fields.get(name)
    if known is None or known.hidden:
        raise Refused(
            400,
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{obj}'. If you are attempting to use a custom field",
        )
    return known


def _split(where: str) -> list[str]:
    return [part.strip() for part in re.split(r"\s+AND\s+", where, flags=re.IGNORECASE) if part.strip()]


def _test(table: Table, obj: str, text: str) -> Callable[[Record], bool]:
    found = _TEST.match(text)
    if not found:
        raise Refused(400, "MALFORMED_QUERY", f"unexpected token: '{text}'")
    name, how, value = found["field"], found["how"].upper(), found["value"].strip()
    if name == "What.Type":
        return lambda row: (row["WhatId"] or "").startswith("006")
    known = _field(table, obj, name)
    if known.type in NOT_FILTERED:
        raise Refused(400, "INVALID_FIELD", f"field '{name}' can not be filtered in a query call")
    if how == "IN":
        wanted = {_id(_literal(one)) for one in value.strip("()").split(",")}
        return lambda row: _id(row[name]) in wanted
    meant = _literal(value)
    if known.type == "datetime" and not _INSTANT.match(value):
        raise Refused(400, "INVALID_FIELD", f"value of filter criterion for field '{name}' must be of type dateTime")
    if isinstance(meant, str) and _INSTANT.match(meant):
        meant = meant if "." in meant else f"{meant[:-1]}.000Z"
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: _id(a) == _id(b),
        "!=": lambda a, b: a != b,
        ">": lambda a, b: a is not None and a > b,
        ">=": lambda a, b: a is not None and a >= b,
        "<": lambda a, b: a is not None and a < b,
        "<=": lambda a, b: a is not None and a <= b,
    }
    return lambda row: compare[how](row[name], meant)


def _literal(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        return text[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _id(value: Any) -> Any:
    """Ids of 15 and of 18 characters are the same."""
    return value[:15] if isinstance(value, str) and len(value) == 18 else value
