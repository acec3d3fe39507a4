"""REST: queries, describe, deleted ids, sObject Collections."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.vendors.salesforce.company import Company, Field, NoSuchRow, Record
from tests.vendors.salesforce.problems import Refused, not_found
from tests.vendors.salesforce.soql import answer, parse

MOST_IN_A_COLLECTION = 200
REMEMBERED = timedelta(days=30)


@dataclass
class Rest:
    """:param page: rows a page of a query's answer (Salesforce: up to 2,000)."""

    company: Company
    version: str
    page: int = 2000
    cursors: dict[str, tuple[list[Any], int]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    def query(self, text: str, deleted: bool) -> dict[str, Any]:
        query = parse(self.company, text)
        rows = answer(self.company, query, deleted)
        if not query.fields:
            return {"totalSize": len(rows), "done": True, "records": []}
        records = [self._record(query.object, row, query.fields) for row in rows]
        cursor = f"01g{next(self._numbers):012d}AAA"
        self.cursors[cursor] = (records, len(records))
        return self.more(f"{cursor}-0")

    def more(self, locator: str) -> dict[str, Any]:
        cursor, _, start = locator.partition("-")
        if cursor not in self.cursors:
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        records, total = self.cursors[cursor]
        following = int(start) + self.page
        said = {"totalSize": total, "done": following >= total, "records": records[int(start) : following]}
        if not said["done"]:
            said["nextRecordsUrl"] = f"/services/data/v{self.version}/query/{cursor}-{following}"
        return said

    def _record(self, obj: str, row: Record, fields: Sequence[str]) -> dict[str, Any]:
        kinds = self.company.tables[obj].fields
        url = f"/services/data/v{self.version}/sobjects/{obj}/{row['Id']}"
        return {"attributes": {"type": obj, "url": url}, **{name: _json(kinds[name], row[name]) for name in fields}}

    def describe(self, obj: str) -> dict[str, Any]:
        table = self.company.tables.get(obj)
        if table is None or table.hidden:
            raise not_found()
        shown = [one for one in table.fields.values() if not one.hidden]
        fields = [
            {
                "name": one.name,
                "type": one.type,
                "length": one.length,
                "updateable": one.updateable,
                "custom": _own(one),
            }
            for one in shown
        ]
        return {"name": obj, "queryable": True, "replicateable": table.replicateable, "fields": fields}

    def deleted(self, obj: str, start: str, end: str) -> dict[str, Any]:
        table = self.company.tables[obj]
        first, last = (datetime.fromisoformat(one).replace(second=0) for one in (start, end))
        now = self.company.clock()
        if last - first < timedelta(minutes=1):
            raise Refused(400, "INVALID_REPLICATION_DATE", "endDate before startDate")
        if now - first > REMEMBERED:
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
        gone = dict(table.purged)
        gone |= {key: row["SystemModstamp"] for key, row in table.rows.items() if row["IsDeleted"]}
        found = [{"deletedDate": at, "id": key} for key, at in gone.items() if first <= _instant(at) < last]
        return {
            "deletedRecords": found,
            "earliestDateAvailable": f"{now - REMEMBERED:%Y-%m-%dT%H:%M:00.000+0000}",
            "latestDateCovered": f"{last:%Y-%m-%dT%H:%M:00.000+0000}",
        }

    def update(self, body: Mapping[str, Any], by: str) -> list[dict[str, Any]]:
        records = body.get("records", [])
        if len(records) > MOST_IN_A_COLLECTION:
            raise Refused(
                400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call"
            )
        return [self._updated(record, by) for record in records]

    def upsert(self, obj: str, key: str, body: Mapping[str, Any], by: str) -> list[dict[str, Any]]:
        """Make records, or change those that have the same external id."""
        records = body.get("records", [])
        if len(records) > MOST_IN_A_COLLECTION:
            raise Refused(
                400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call"
            )
        known = self.company.tables[obj].fields.get(key)
        if known is None or not known.external_id or known.hidden:
            said = f"Provided external ID field does not exist or is not accessible: {key}"
            raise Refused(404, "NOT_FOUND", said)
        given = [record.get(key) for record in records]
        return [self._upserted(obj, key, record, by, given.count(record.get(key)) > 1) for record in records]

    def _upserted(self, obj: str, key: str, record: Mapping[str, Any], by: str, twice: bool) -> dict[str, Any]:
        values = {name: value for name, value in record.items() if name != "attributes"}
        found = None
        try:
            if record.get("attributes", {}).get("type") != obj or {"Id", "id"} & set(values):
                raise NoSuchRow("INVALID_FIELD", "The Id field should not be specified in the sobject data.", ["Id"])
            if twice:
                raise NoSuchRow("DUPLICATE_VALUE", f"Duplicate external id specified: {values[key]}")
            found = self.company.by_external_id(obj, key, values[key])
            if found is None:
                made = self.company.create(obj, values, by)
                self.company.written.append((obj, made, values))
                return {"id": made, "success": True, "errors": [], "created": True}
        except NoSuchRow as error:
            said = {"statusCode": error.code, "message": error.message, "fields": error.fields}
            return {"success": False, "errors": [said], "created": False}
        changed = {name: value for name, value in values.items() if name != key}
        return {**self._updated({"attributes": {"type": obj}, "Id": found, **changed}, by), "created": False}

    def delete(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records into the bin."""
        if len(ids) > MOST_IN_A_COLLECTION:
            raise Refused(400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records")
        return [self._binned(key) for key in ids]

    def _binned(self, key: str) -> dict[str, Any]:
        obj = next((obj for obj, table in self.company.tables.items() if key in table.rows), None)
        if obj is None or self.company.tables[obj].rows[key]["IsDeleted"]:
            said = {"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": []}
            return {"id": key, "success": False, "errors": [said]}
        self.company.delete(obj, key)
        self.company.written.append((obj, key, {"IsDeleted": True}))
        return {"id": key, "success": True, "errors": []}

    def _updated(self, record: Mapping[str, Any], by: str) -> dict[str, Any]:
        obj = record.get("attributes", {}).get("type")
        if obj not in self.company.tables:
            raise Refused(400, "INVALID_TYPE", "attributes.type is missing")
        key = str(record.get("Id") or record.get("id") or "")
        changes = {name: value for name, value in record.items() if name not in ("attributes", "Id", "id")}
        try:
            self.company.update(obj, key, changes, by)
        except NoSuchRow as error:
            said = {"statusCode": error.code, "message": error.message, "fields": error.fields}
            return {"id": key, "success": False, "errors": [said]}
        self.company.written.append((obj, key, changes))
        return {"id": key, "success": True, "errors": []}


def _json(known: Field, value: Any) -> Any:
    if known.type == "datetime" and isinstance(value, str):
        return value.replace("Z", "+0000")
    return float(value) if known.type in ("double", "currency", "percent") and value is not None else value


def _own(known: Field) -> bool:
    return known.name.endswith("__c")


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
