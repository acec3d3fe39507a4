"""HubSpot's objects as the tables that Fivetran makes of them, so that one reader serves both.

Bodies of e-mails and notes are never asked for, and of people nothing but the ids that deals name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from crm.hubspot.account import Account, Record
from crm.sources.hubspot.cells import OURS, PREFIX
from crm.sources.hubspot.history import FIELDS
from crm.sources.hubspot.reach import TOGETHER, new_ids
from crm.sources.remote import Page, RemoteTable

DEAL_COLUMNS = {"pipeline": "deal_pipeline_id", "dealstage": "deal_pipeline_stage_id", "hubspot_owner_id": "owner_id"}
DEAL_PROPERTIES = (
    *FIELDS,
    "createdate",
    "hs_createdate",
    "hs_v2_date_entered_current_stage",
    "hs_merged_object_ids",
    "hs_analytics_source",
    "closed_lost_reason",
    "closed_won_reason",
)
COMPANY_PROPERTIES = ("name", "industry", "numberofemployees", "annualrevenue", "country", "createdate")
_ENTERED = ("hs_timestamp", "hs_createdate", "hubspot_owner_id")
ENGAGEMENTS: Mapping[str, tuple[str, ...]] = {
    "calls": (
        *_ENTERED,
        *("hs_call_title", "hs_call_direction", "hs_call_duration", "hs_call_status", "hs_activity_type"),
    ),
    "emails": (*_ENTERED, "hs_email_subject", "hs_email_direction", "hs_email_status"),
    "meetings": (
        *_ENTERED,
        *("hs_meeting_title", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome", "hs_activity_type"),
    ),
    "notes": _ENTERED,
    "tasks": (*_ENTERED, "hs_task_subject", "hs_task_status", "hs_task_type", "hs_task_completion_date"),
    "communications": (*_ENTERED, "hs_communication_channel_type"),
}
ENGAGEMENT_KEY = "engagement_id"
PRIMARY_COMPANY = 5  # HubSpot's type of the association "deal to primary company"

Rows = Sequence[Mapping[str, object]]


class HubSpotSource:
    """A HubSpot account whose tables can be fetched; one of these is one run."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """Where it is."""
        return self._account.address

    def tables(self) -> Sequence[RemoteTable]:
        """The deals first, then what belongs to them."""
        account = self._account
        deal_columns = {
            "deal_id": _id,
            **{DEAL_COLUMNS.get(p, f"{PREFIX}{p}"): _property(p) for p in self._deal_properties},
        }
        return [
            Records(account, "deal", "deals", "deal_id", "is_deleted", tuple(self._deal_properties), deal_columns),
            Histories(account, tuple(self._tracked)),
            Whole("deal_pipeline", "pipeline_id", self._pipeline_rows, keeps=True),
            Whole("deal_pipeline_stage", "stage_id", self._stage_rows, keeps=True),
            Whole("owner", "owner_id", self._owner_rows),
            Whole("owner_team", "_key", self._member_rows),
            Whole("team", "id", self._team_rows),
            Links(self, "deal_company", "companies", "company_id"),
            Links(self, "deal_contact", "contacts", "contact_id"),
            _records(account, "company", "companies", "id", COMPANY_PROPERTIES),
            *(
                _records(account, f"engagement_{kind.removesuffix('s')}", kind, ENGAGEMENT_KEY, properties)
                for kind, properties in ENGAGEMENTS.items()
            ),
            Links(self, "engagement_deal", "engagements", ENGAGEMENT_KEY),
            ContactsOfEngagements(account),
        ]

    @property
    def account(self) -> Account:
        """The line to it."""
        return self._account

    @cached_property
    def deal_ids(self) -> list[str]:
        """All deals that there are, listed once a run."""
        return [key for page, _ in self._account.pages("deals") for key in page]

    @cached_property
    def _deal_definitions(self) -> Mapping[str, Record]:
        return {str(one["name"]): one for one in self._account.properties("deals")}

    @property
    def _deal_properties(self) -> list[str]:
        """HubSpot's own that are read, and the company's; ours are left where they are."""
        known = self._deal_definitions
        own = [n for n, one in known.items() if not one.get("hubspotDefined") and not n.startswith(OURS)]
        return list(dict.fromkeys([name for name in DEAL_PROPERTIES if name in known] + own))

    @property
    def _tracked(self) -> list[str]:
        known = self._deal_definitions
        computed = {name for name in self._deal_properties if known[name].get("calculated") and name not in FIELDS}
        return [
            n for n in self._deal_properties if n in FIELDS or not (known[n].get("hubspotDefined") or n in computed)
        ]

    @cached_property
    def _pipelines(self) -> list[Record]:
        return self._account.pipelines()

    @cached_property
    def _owners(self) -> list[Record]:
        return self._account.owners()

    def _pipeline_rows(self) -> Rows:
        return [
            {"pipeline_id": one["id"], "label": one["label"], "display_order": one["displayOrder"]}
            for one in self._pipelines
        ]

    def _stage_rows(self) -> Rows:
        return [
            {
                "stage_id": stage["id"],
                "pipeline_id": pipeline["id"],
                "label": stage["label"],
                "display_order": stage["displayOrder"],
                "probability": stage["metadata"].get("probability"),
                "is_closed": stage["metadata"].get("isClosed"),
            }
            for pipeline in self._pipelines
            for stage in pipeline["stages"]
        ]

    def _owner_rows(self) -> Rows:
        return [
            {
                "owner_id": one["id"],
                "email": one.get("email"),
                "first_name": one.get("firstName"),
                "last_name": one.get("lastName"),
                "active_user_id": one.get("userId") or one.get("userIdIncludingInactive"),
                "created_at": one.get("createdAt"),
                "archived": one.get("archived", False),
            }
            for one in self._owners
        ]

    def _member_rows(self) -> Rows:
        return [
            {
                "_key": f"{o['id']}/{t['id']}",
                "owner_id": o["id"],
                "team_id": t["id"],
                "is_team_primary": t.get("primary"),
            }
            for o in self._owners
            for t in o.get("teams") or []
        ]

    def _team_rows(self) -> Rows:
        teams = {t["id"]: {"id": t["id"], "name": t["name"]} for o in self._owners for t in o.get("teams") or []}
        return list(teams.values())


def _records(account: Account, name: str, object_type: str, key: str, properties: tuple[str, ...]) -> Records:
    columns = {key: _id, **{f"{PREFIX}{p}": _property(p) for p in properties}}
    return Records(account, name, object_type, key, "_fivetran_deleted", properties, columns)


def _id(record: Record) -> object:
    return record["id"]


def _property(name: str) -> Callable[[Record], object]:
    return lambda record: record["properties"].get(name)


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

    source: HubSpotSource
    name: str
    others: str
    column: str
    key: str = field(default="_key")

    def pages(self, _since: str | None) -> Iterator[Page]:
        kinds = tuple(ENGAGEMENTS) if self.others == "engagements" else (self.others,)
        ids = self.source.deal_ids
        for kind in kinds:
            for start in range(0, len(ids), TOGETHER):
                links = self.source.account.links("deals", kind, ids[start : start + TOGETHER])
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
    name: str = "engagement_contact"
    key: str = "_key"

    def pages(self, since: str | None) -> Iterator[Page]:
        reached: dict[str, str] = json.loads(since) if since else {}
        for kind in ENGAGEMENTS:
            for ids, cursor in new_ids(self.account, kind, reached.get(kind)):
                reached[kind] = cursor
                rows = [
                    {"_key": f"{key}/{contact}", ENGAGEMENT_KEY: key, "contact_id": contact}
                    for key, contact, _ in self.account.links(kind, "contacts", ids)
                ]
                yield Page(table(rows, ("_key", ENGAGEMENT_KEY, "contact_id")), cursor=json.dumps(reached))
