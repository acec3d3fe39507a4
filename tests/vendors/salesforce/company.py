"""The records of a company in Salesforce, and what happens to them by themselves: stamps, histories, the bin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

Record = dict[str, Any]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "OpportunityFieldHistory": "017",
    "OpportunityContactRole": "00K",
    "Lead": "00Q",
    "Task": "00T",
    "Event": "00U",
    "OpportunityStage": "01J",
    "ForecastingQuota": "0J9",
}


def long_id(short: str) -> str:
    """An id of 15 characters with its three check letters."""
    sums = (sum(1 << i for i, c in enumerate(short[at : at + 5]) if c.isupper()) for at in (0, 5, 10))
    return short + "".join(LETTERS[one] for one in sums)


def instant(at: datetime) -> str:
    """As Salesforce keeps it: UTC, to the millisecond."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


@dataclass(frozen=True)
class Field:
    """:param length: of texts; :param updateable: whether it can be written; `hidden`: not shown to the user.

    :param external_id: whether records can be told apart by it; it is unique then.
    """

    name: str
    type: str = "string"
    length: int = 255
    updateable: bool = True
    hidden: bool = False
    external_id: bool = False


@dataclass
class Table:
    """One object."""

    fields: dict[str, Field]
    rows: dict[str, Record] = field(default_factory=dict)
    purged: dict[str, str] = field(default_factory=dict)  # id → when it was emptied out of the bin
    replicateable: bool = True
    hidden: bool = False


class NoSuchRow(Exception):
    """A row that cannot be written, and Salesforce's code for why."""

    def __init__(self, code: str, message: str, fields: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, list(fields)


@dataclass
class Company:
    """Objects by name.

    :param tracked: fields of opportunities of which a history is kept; :param refuses: row errors by id.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    tracked: frozenset[str] = frozenset({"StageName", "Amount", "CloseDate", "NextStep", "ForecastCategoryName"})
    refuses: dict[str, tuple[str, str]] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lock: threading.RLock = field(default_factory=threading.RLock)
    written: list[tuple[str, str, Record]] = field(default_factory=list)  # object, id, what was written over the API
    _made: int = 0

    @property
    def now(self) -> str:
        return instant(self.clock())

    def new_id(self, obj: str) -> str:
        self._made += 1
        return long_id(f"{PREFIXES[obj]}5g{self._made:010d}")

    def put(self, obj: str, records: Iterable[Mapping[str, Any]]) -> None:
        """New records, or others in their place; the stamp is now's unless it is given."""
        table, now = self.tables[obj], self.now
        with self.lock:
            for given in records:
                record = {"SystemModstamp": now, "IsDeleted": False, **given}
                record.setdefault("Id", self.new_id(obj))
                table.rows[record["Id"]] = {name: record.get(name) for name in table.fields}

    def update(self, obj: str, key: str, changes: Mapping[str, Any], by: str = "") -> None:
        """Change a record as the API does it: checked field by field, stamped, told in its history."""
        with self.lock:
            table, key = self.tables[obj], long_id(key) if len(key) == 15 else key
            record = self._standing(table, obj, key)
            for name, value in changes.items():
                _check(table, name, value)
            if key in self.refuses:
                raise NoSuchRow(*self.refuses[key])
            for name, value in changes.items():
                if obj == "Opportunity" and name in self.tracked and record[name] != value:
                    self._tell(key, name, record[name], value, by)
                record[name] = value
            record |= _closed(obj, record)
            record["SystemModstamp"] = self.now
            if "LastModifiedDate" in record:
                record |= {"LastModifiedDate": self.now, "LastModifiedById": by or None}

    def create(self, obj: str, values: Mapping[str, Any], by: str = "") -> str:
        """A new record as the API makes it: checked field by field, stamped; returns its id."""
        with self.lock:
            table = self.tables[obj]
            for name, value in values.items():
                _check(table, name, value)
            self._check_references(values)
            for name in (one.name for one in table.fields.values() if one.external_id):
                twin = self.by_external_id(obj, name, values.get(name))
                if values.get(name) is not None and twin:
                    said = f"duplicate value found: {name} duplicates value on record with id: {twin}"
                    raise NoSuchRow("DUPLICATE_VALUE", said)
            deal = values.get("WhatId")
            if deal in self.refuses:
                raise NoSuchRow(*self.refuses[deal])
            record = {"Id": self.new_id(obj), "CreatedDate": self.now, **DEFAULTS.get(obj, {}), **values}
            self.put(obj, [{**record, **_closed(obj, record)}])
            return str(record["Id"])

    def by_external_id(self, obj: str, name: str, value: Any) -> str | None:
        """The record that has the value; one in the bin has none."""
        rows = self.tables[obj].rows.values()
        return next((row["Id"] for row in rows if row[name] == value and not row["IsDeleted"]), None)

    def _check_references(self, values: Mapping[str, Any]) -> None:
        deal, owner = values.get("WhatId"), values.get("OwnerId")
        known = self.tables["Opportunity"].rows
        if deal is not None and (deal not in known or known[deal]["IsDeleted"]):
            raise NoSuchRow("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {deal}", ["WhatId"])
        user = self.tables["User"].rows.get(owner)
        if user is not None and user["IsActive"] is False:
            said = f"operation performed with inactive user [{owner}] as owner of task"
            raise NoSuchRow("OPERATION_WITH_INACTIVE_USER_EXCEPTION", said, ["OwnerId"])

    def _standing(self, table: Table, obj: str, key: str) -> Record:
        if key in table.purged or (key in table.rows and table.rows[key]["IsDeleted"]):
            raise NoSuchRow("ENTITY_IS_DELETED", "entity is deleted")
        if key not in table.rows:
            if len(key) not in (15, 18) or not key.startswith(PREFIXES[obj]):
                raise NoSuchRow("MALFORMED_ID", f"{obj} ID: id value of incorrect type: {key}", ["Id"])
            raise NoSuchRow("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return table.rows[key]

    def _tell(self, deal: str, name: str, old: Any, new: Any, by: str) -> None:
        row = {"OpportunityId": deal, "Field": name, "OldValue": old, "NewValue": new, "CreatedDate": self.now}
        self.put("OpportunityFieldHistory", [{**row, "CreatedById": by, "DataType": "Text"}])

    def delete(self, obj: str, key: str) -> None:
        """Into the bin; a deal takes its histories, roles and activities with it. Histories bear no new stamp."""
        with self.lock:
            self.tables[obj].rows[key] |= {"IsDeleted": True, "SystemModstamp": self.now}
            if obj != "Opportunity":
                return
            for child, field_name in CHILDREN.items():
                for row in self.tables[child].rows.values():
                    if row[field_name] == key:
                        row["IsDeleted"] = True
                        if "SystemModstamp" in row and child not in ("OpportunityHistory", "OpportunityFieldHistory"):
                            row["SystemModstamp"] = self.now

    def purge(self, obj: str, key: str) -> None:
        """Out of the bin: no query shows it any more."""
        with self.lock:
            del self.tables[obj].rows[key]
            self.tables[obj].purged[key] = self.now


DEFAULTS = {"Task": {"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"}}


def _closed(obj: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """What Salesforce works out from a task's status by itself."""
    return {"IsClosed": record["Status"] == "Completed"} if obj == "Task" else {}


CHILDREN = {
    "OpportunityHistory": "OpportunityId",
    "OpportunityFieldHistory": "OpportunityId",
    "OpportunityContactRole": "OpportunityId",
    "Task": "WhatId",
    "Event": "WhatId",
}


def _check(table: Table, name: str, value: Any) -> None:
    """What Salesforce looks at before it writes a field."""
    known = table.fields.get(name)
    if known is None or known.hidden:
        raise NoSuchRow("INVALID_FIELD", f"No such column '{name}' on sobject of type Opportunity", [name])
    if not known.updateable:
        raise NoSuchRow("INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {name}", [name])
    if value is None:
        return
    if known.type in ("string", "textarea", "picklist"):
        if not isinstance(value, str):
            raise NoSuchRow("JSON_PARSER_ERROR", f"Cannot deserialize a string from {value!r}", [name])
        if len(value) > known.length:
            raise NoSuchRow("STRING_TOO_LONG", f"{name}: data value too large (max length={known.length})", [name])
    elif known.type in ("double", "percent", "currency", "int"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NoSuchRow("JSON_PARSER_ERROR", f"Cannot deserialize a number from {value!r}", [name])
        if abs(value) >= 10 ** (known.length or 18):
            raise NoSuchRow("NUMBER_OUTSIDE_VALID_RANGE", f"{name}: value outside of valid range", [name])
    elif known.type == "date":
        date.fromisoformat(value)
    elif known.type == "datetime" and not value.endswith(("Z", "+0000")):
        raise NoSuchRow("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: value not of required type: {value}", [name])
