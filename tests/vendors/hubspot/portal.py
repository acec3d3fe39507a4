"""What a HubSpot account holds: records whose properties keep their versions, associations, pipelines, owners."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

KEPT_VERSIONS = {"contacts": 45}  # of a property; 20 on records of every other type
OBJECT_TYPES = (
    "deals",
    "companies",
    "contacts",
    "calls",
    "emails",
    "meetings",
    "notes",
    "tasks",
    "communications",
)
DEFAULTS = {
    "deals": ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "pipeline"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "name"),
    "contacts": ("createdate", "email", "firstname", "lastmodifieddate", "lastname"),
}
ASSOCIATION_TYPES = {("deals", "contacts"): 3, ("deals", "companies"): 5, ("tasks", "deals"): 216}
SETTABLE_TYPES = {"number": "number", "date": "date", "datetime": "date", "string": "text", "enumeration": "select"}


def iso(ms: int) -> str:
    """Milliseconds since 1970 as HubSpot writes instants."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


@dataclass
class Version:
    value: str | None
    at: int
    source: str = "CRM_UI"
    source_id: str | None = None
    user: int | None = None

    def shown(self) -> dict[str, Any]:
        told = {"value": self.value or "", "timestamp": iso(self.at), "sourceType": self.source}
        if self.source_id is not None:
            told["sourceId"] = self.source_id
        if self.user is not None:
            told["updatedByUserId"] = self.user
        return told


@dataclass
class Record:
    id: str
    created: int
    updated: int
    versions: dict[str, list[Version]] = field(default_factory=dict)
    archived_at: int | None = None

    def value(self, name: str) -> str | None:
        found = self.versions.get(name)
        return (found[-1].value or None) if found else None


@dataclass
class Clock:
    """The account's time, in milliseconds; it moves only when told, and by one with each look."""

    ms: int

    def now(self) -> int:
        self.ms += 1
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000) + 1


@dataclass
class Portal:
    """One account. Every change goes through its methods, as people and integrations make them."""

    clock: Clock
    objects: dict[str, dict[str, Record]] = field(default_factory=lambda: {t: {} for t in OBJECT_TYPES})
    properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    groups: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    owners: list[dict[str, Any]] = field(default_factory=list)
    associations: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    merged_away: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    """(record, property, value) of every write of an integration, in order: what a test counts."""

    def __post_init__(self) -> None:
        self._ids = count(9_000_000_001)

    def define(self, object_type: str, name: str, kind: str = "string", *, own: bool = True, **more: Any) -> None:
        self.properties[object_type][name] = {
            "name": name,
            "label": more.pop("label", name),
            "type": kind,
            "fieldType": more.pop("fieldType", SETTABLE_TYPES[kind]),
            "groupName": more.pop("groupName", "dealinformation"),
            "description": more.pop("description", ""),
            "hubspotDefined": not own,
            "calculated": False,
            "options": [],
            **more,
        }

    def enter(
        self,
        object_type: str,
        values: Mapping[str, str | None],
        *,
        at: int | None = None,
        key: str | None = None,
        source: str = "CRM_UI",
    ) -> Record:
        """A new record; `at` is its moment, now unless told."""
        with self.lock:
            moment = self.clock.now() if at is None else at
            record = Record(key or str(next(self._ids)), moment, moment)
            self.objects[object_type][record.id] = record
            created = {"createdate": iso(moment), "hs_createdate": iso(moment), **values}
            for name, value in created.items():
                self._append(record, name, Version(value, moment, source), object_type)
            return record

    def change(
        self, object_type: str, key: str, values: Mapping[str, str | None], *, at: int | None = None, **who: Any
    ) -> Record:
        """New values of a record's properties; one that is the same as before makes no version."""
        with self.lock:
            record = self.objects[object_type][key]
            moment = self.clock.now() if at is None else at
            for name, value in values.items():
                if (record.value(name) or "") != (value or ""):
                    self._append(record, name, Version(value, moment, **who), object_type)
            record.updated = max(record.updated, moment)
            return record

    def archive(self, object_type: str, key: str) -> None:
        with self.lock:
            self.objects[object_type][key].archived_at = self.clock.now()

    def merge(self, primary: str, secondary: str) -> Record:
        """Two deals become a new one with the histories of both; neither is listed any more, archived or not."""
        with self.lock:
            moment = self.clock.now()
            new = Record(str(next(self._ids)), self.objects["deals"][primary].created, moment)
            first, second = (self.objects["deals"][key].versions for key in (primary, secondary))
            for name in dict.fromkeys([*first, *second]):
                both = sorted([*second.get(name, []), *first.get(name, [])], key=lambda version: version.at)
                last = first.get(name, both)[-1]
                new.versions[name] = [*both, Version(last.value, moment, "MERGE")][-20:]
            self._append(new, "hs_merged_object_ids", Version(f"{primary};{secondary}", moment, "MERGE"), "deals")
            for gone in (primary, secondary):
                del self.objects["deals"][gone]
                self.merged_away[gone] = new.id
                for (one, other, key), to in list(self.associations.items()):
                    if one == "deals" and key == gone:
                        self.associations.setdefault((one, other, new.id), {}).update(to)
                        del self.associations[one, other, key]
                    elif other == "deals" and gone in to:
                        to[new.id] = to.pop(gone)
            self.objects["deals"][new.id] = new
            return new

    def by_unique_value(self, object_type: str, name: str, value: str) -> str | None:
        """The id of the record that has the value; one in the recycle bin has none."""
        records = self.objects[object_type].values()
        return next((r.id for r in records if r.archived_at is None and r.value(name) == value), None)

    def associate(self, one: str, key: str, other: str, to: str, label: str | None = None, type_id: int = 0) -> None:
        """Both ways; a label adds a type of its own to the one that HubSpot always keeps."""
        with self.lock:
            kind = type_id or ASSOCIATION_TYPES.get((one, other), 200)
            types = [{"category": "HUBSPOT_DEFINED", "typeId": kind, "label": None}]
            if label is not None:
                types.append({"category": "USER_DEFINED", "typeId": kind + 1000, "label": label})
            self.associations.setdefault((one, other, key), {})[to] = types
            self.associations.setdefault((other, one, to), {})[key] = types

    def _append(self, record: Record, name: str, version: Version, object_type: str) -> None:
        kept = KEPT_VERSIONS.get(object_type, 20)
        record.versions[name] = [*record.versions.get(name, []), version][-kept:]

    def modified_of(self, object_type: str) -> str:
        return "lastmodifieddate" if object_type == "contacts" else "hs_lastmodifieddate"

    def shown(self, object_type: str, record: Record, names: list[str], history: list[str]) -> dict[str, Any]:
        """A record as the API shows it: the properties asked for, a missing one null, an unknown one left out."""
        known = self.properties[object_type]
        always = {"hs_object_id": record.id, self.modified_of(object_type): iso(record.updated)}
        values: dict[str, Any] = {}
        for name in [*(names or DEFAULTS.get(object_type, ())), *always, "createdate"]:
            if name in always:
                values[name] = always[name]
            elif name in known or name in record.versions:
                values[name] = record.value(name)
        answer: dict[str, Any] = {
            "id": record.id,
            "properties": values,
            "createdAt": iso(record.created),
            "updatedAt": iso(record.updated),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            answer["archivedAt"] = iso(record.archived_at)
        if history:
            answer["propertiesWithHistory"] = {
                name: [v.shown() for v in reversed(record.versions.get(name, []))] for name in history
            }
        return answer
