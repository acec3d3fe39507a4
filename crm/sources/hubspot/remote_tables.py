"""The tables that HubSpot's objects make, page by page: records, versions, associations, and small whole tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from crm.hubspot.account import Account, Record
from crm.sources.hubspot.reach import TOGETHER, new_ids
from crm.sources.remote import Page

ENGAGEMENT_KEY = "engagement_id"
PRIMARY_COMPANY = 5  # HubSpot's type of the association "deal to primary company"

Rows = Sequence[Mapping[str, object]]


def table(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> pa.Table:
    """Rows as text, whatever HubSpot's JSON has them as; nothing is missing."""
    listed = list(rows)
    return pa.table({column: pa.array([_text(row.get(column)) for row in listed], pa.string()) for column in columns})


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Records:
    """The records of one type, a row each; those in the recycle bin are marked as deleted."""

    account: Account
    name: str
    object_type: str
    key: str
    flag: str
    properties: tuple[str, ...]
    columns: Mapping[str, Callable[[Record], object]]

    def pages(self, since: str | None) -> Iterator[Page]:
        for ids, cursor in new_ids(self.account, self.object_type, since):
            yield Page(self._rows(self.account.read(self.object_type, ids, self.properties)), cursor=cursor)
        for ids, _ in self.account.pages(self.object_type, archived=True):
            if ids:
                yield Page(self._rows(self.account.read(self.object_type, ids, self.properties, archived=True)))

    def _rows(self, records: Iterable[Record]) -> pa.Table:
        rows = [
            {self.flag: bool(record.get("archived")), **{c: of(record) for c, of in self.columns.items()}}
            for record in records
        ]
        return table(rows, (self.key, self.flag, *(c for c in self.columns if c != self.key)))


@dataclass(frozen=True)
class Histories:
    """The versions of the deals' properties. HubSpot keeps twenty of each: the mirror keeps what it once had."""

    account: Account
    properties: tuple[str, ...]
    name: str = "deal_property_history"
    key: str = "_key"

    def pages(self, since: str | None) -> Iterator[Page]:
        for ids, cursor in new_ids(self.account, "deals", since):
            records = self.account.read("deals", ids, (), self.properties)
            rows = [row for record in records for row in _versions(record)]
            columns = ("_key", "deal_id", "name", "value", "timestamp", "source", "source_id", "updated_by_user_id")
            yield Page(table(rows, columns), cursor=cursor)


def _versions(record: Record) -> Iterator[Mapping[str, object]]:
    for name, versions in (record.get("propertiesWithHistory") or {}).items():
        same: dict[str, int] = {}
        for version in reversed(versions):
            at = version["timestamp"]
            same[at] = place = same.get(at, -1) + 1
            yield {
                "_key": f"{record['id']}/{name}/{at}/{place}",
                "deal_id": record["id"],
                "name": name,
                "value": version.get("value"),
                "timestamp": at,
                "source": version.get("sourceType"),
                "source_id": version.get("sourceId"),
                "updated_by_user_id": version.get("updatedByUserId"),
            }


@dataclass(frozen=True)
class Whole:
    """A small table that is fetched whole each time; `keeps`: a row that is gone at the source stays known."""

    name: str
    key: str
    rows: Callable[[], Rows]
    keeps: bool = False

    def pages(self, _since: str | None) -> Iterator[Page]:
        rows = self.rows()
        if rows:
            yield Page(table(rows, list(rows[0])), cursor="kept" if self.keeps else None)


@dataclass(frozen=True)
class Links:
    """What deals are associated with. It is fetched whole each time, from the deals' side: an association that is
    made or dropped does not show in when the other record was last changed."""

    account: Account
    deal_ids: Callable[[], Sequence[str]]
    name: str
    others: tuple[str, ...]
    column: str
    key: str = "_key"

    def pages(self, _since: str | None) -> Iterator[Page]:
        ids = self.deal_ids()
        for kind in self.others:
            for start in range(0, len(ids), TOGETHER):
                links = self.account.links("deals", kind, ids[start : start + TOGETHER])
                rows = [
                    {"_key": f"{deal}/{other}", "deal_id": deal, self.column: other, **_kind_of(types)}
                    for deal, other, types in links
                ]
                yield Page(table(rows, ("_key", "deal_id", self.column, "type_id", "category", "label")))


def _kind_of(types: Sequence[Mapping[str, Any]]) -> Mapping[str, object]:
    """A link's label and kind: a label that people gave, and the primary company, before HubSpot's plain kind."""
    best = max(types, key=lambda one: (one.get("label") is not None, one.get("typeId") == PRIMARY_COMPANY))
    return {"type_id": best.get("typeId"), "category": best.get("category"), "label": best.get("label")}


@dataclass(frozen=True)
class ContactsOfEngagements:
    """With whom engagements were."""

    account: Account
    kinds: tuple[str, ...]
    name: str = "engagement_contact"
    key: str = "_key"

    def pages(self, since: str | None) -> Iterator[Page]:
        reached: dict[str, str] = json.loads(since) if since else {}
        for kind in self.kinds:
            for ids, cursor in new_ids(self.account, kind, reached.get(kind)):
                reached[kind] = cursor
                rows = [
                    {"_key": f"{key}/{contact}", ENGAGEMENT_KEY: key, "contact_id": contact}
                    for key, contact, _ in self.account.links(kind, "contacts", ids)
                ]
                yield Page(table(rows, ("_key", ENGAGEMENT_KEY, "contact_id")), cursor=json.dumps(reached))
