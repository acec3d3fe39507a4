"""HubSpot's objects as the tables that Fivetran makes of them, so that one reader serves both.

Bodies of e-mails and notes are never asked for, and of people nothing but the ids that deals name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from crm.hubspot.account import Account, Record
from crm.sources.hubspot.cells import OURS, PREFIX, TASK_KEY
from crm.sources.hubspot.history import FIELDS
from crm.sources.hubspot.remote_tables import (
    ENGAGEMENT_KEY,
    ContactsOfEngagements,
    Histories,
    Links,
    Records,
    Rows,
    Whole,
)
from crm.sources.remote import RemoteTable

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
    "tasks": (*_ENTERED, "hs_task_subject", "hs_task_status", "hs_task_type", "hs_task_completion_date", TASK_KEY),
    "communications": (*_ENTERED, "hs_communication_channel_type"),
}


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
            Links(account, lambda: self._deal_ids, "deal_company", ("companies",), "company_id"),
            Links(account, lambda: self._deal_ids, "deal_contact", ("contacts",), "contact_id"),
            _records(account, "company", "companies", "id", COMPANY_PROPERTIES),
            *(
                _records(account, f"engagement_{kind.removesuffix('s')}", kind, ENGAGEMENT_KEY, properties)
                for kind, properties in ENGAGEMENTS.items()
            ),
            Links(account, lambda: self._deal_ids, "engagement_deal", tuple(ENGAGEMENTS), ENGAGEMENT_KEY),
            ContactsOfEngagements(account, tuple(ENGAGEMENTS)),
        ]

    @cached_property
    def _deal_ids(self) -> list[str]:
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
