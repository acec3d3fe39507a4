"""A company's tables as a HubSpot account would hold them, had its people worked in HubSpot."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import pandas as pd

from crm.tables import CrmTables
from tests.vendors.hubspot.faults import Faults
from tests.vendors.hubspot.limits import EVERY_SCOPE, Limits
from tests.vendors.hubspot.portal import OBJECT_TYPES, Clock, Portal, Record, Version, iso
from tests.vendors.hubspot.server import HubSpot

TOKEN = "pat-eu1-00000000-1111-2222-3333-444444444444"
PIPELINE = "default"
PROPERTIES = {
    "stage": "dealstage",
    "amount": "amount",
    "close_date": "closedate",
    "owner_id": "hubspot_owner_id",
    "name": "dealname",
    "currency": "deal_currency_code",
    "forecast_category": "hs_manual_forecast_category",
    "type": "dealtype",
    "next_step": "hs_next_step",
    "lead_source": "lead_source",
    "product": "product",
    "region": "region",
}
OWN = ("lead_source", "product", "region")
CATEGORIES = {
    "Pipeline": "PIPELINE",
    "Best Case": "BEST_CASE",
    "Commit": "COMMIT",
    "Closed": "CLOSED",
    "Omitted": "OMIT",
}
STANDARD = {
    "deals": {
        "dealname": "string",
        "dealstage": "enumeration",
        "pipeline": "enumeration",
        "amount": "number",
        "amount_in_home_currency": "number",
        "closedate": "datetime",
        "hubspot_owner_id": "enumeration",
        "deal_currency_code": "enumeration",
        "hs_manual_forecast_category": "enumeration",
        "hs_deal_stage_probability": "number",
        "hs_v2_date_entered_current_stage": "datetime",
        "dealtype": "enumeration",
        "hs_next_step": "string",
        "hs_merged_object_ids": "enumeration",
        "notes_last_updated": "datetime",
    },
    "companies": dict.fromkeys(
        ("name", "domain", "industry", "country", "numberofemployees", "annualrevenue"), "string"
    ),
    "contacts": dict.fromkeys(("email", "firstname", "lastname", "jobtitle", "lastmodifieddate"), "string"),
    "calls": dict.fromkeys(
        ("hs_call_title", "hs_call_direction", "hs_call_duration", "hs_call_status", "hs_activity_type"), "string"
    ),
    "emails": dict.fromkeys(("hs_email_subject", "hs_email_direction", "hs_email_status"), "string"),
    "meetings": dict.fromkeys(
        ("hs_meeting_title", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome", "hs_activity_type"),
        "string",
    ),
    "notes": {"hs_note_body": "string"},
    "tasks": dict.fromkeys(
        (
            *("hs_task_subject", "hs_task_body", "hs_task_status", "hs_task_priority"),
            *("hs_task_type", "hs_task_completion_date"),
        ),
        "string",
    ),
    "communications": {"hs_communication_channel_type": "enumeration"},
}
COMPUTED = ("hs_object_id", "hs_lastmodifieddate", "hs_createdate", "createdate")
ENGAGEMENTS = {
    "email": "emails",
    "call": "calls",
    "task": "tasks",
    "meeting": "meetings",
    "demo": "meetings",
    "proposal": "meetings",
}
ORIGINS = {"D": 10_000_000_000, "A": 20_000_000_000, "C": 30_000_000_000, "U": 40_000_000, "T": 50_000_000_000}


def number(key: str) -> str:
    """The simulator's id as one of HubSpot's: D00001 → 10000000001."""
    return str(ORIGINS[key[0]] + int(key[1:]))


def numbered(ids: pd.Series) -> pd.Series:
    return ids.map(number, na_action="ignore").astype("str").where(ids.notna())


@dataclass
class Account:
    """:param stage_ids: the id of each stage, by its name."""

    hubspot: HubSpot
    stage_ids: dict[str, str]

    @property
    def portal(self) -> Portal:
        return self.hubspot.portal


def an_account(now: str = "2026-06-01T00:00:00Z") -> Account:
    """An empty account with HubSpot's own properties, one pipeline without stages, and a token that may do all."""
    portal = Portal(Clock(int(pd.Timestamp(now).timestamp() * 1000)))
    for object_type in OBJECT_TYPES:
        for name in COMPUTED:
            kind = "string" if name == "hs_object_id" else "datetime"
            portal.define(
                object_type, name, kind, own=False, calculated=True, modificationMetadata={"readOnlyValue": True}
            )
        shared = (
            {"hs_timestamp": "datetime", "hubspot_owner_id": "enumeration"}
            if object_type in ENGAGEMENTS.values()
            else {}
        )
        for name, kind in {**STANDARD[object_type], **shared}.items():
            portal.define(object_type, name, kind, own=False)
    portal.groups["deals"]["dealinformation"] = {"name": "dealinformation", "label": "Deal information"}
    limits = Limits(portal.clock, tokens={TOKEN: EVERY_SCOPE})
    return Account(HubSpot(portal, limits, Faults()), {})


def the_account_of(tables: CrmTables) -> Account:
    """An account in which that company's people have worked."""
    account = an_account()
    portal = account.portal
    for name in OWN:
        portal.define("deals", name)
    _stages(account, tables["stages"])
    _people(portal, tables["users"])
    _companies(portal, tables["accounts"])
    _deals(account, tables)
    _contacts(portal, tables["contact_roles"])
    _engagements(portal, tables["activities"])
    last = max(record.updated for records in portal.objects.values() for record in records.values())
    portal.clock.ms = max(portal.clock.ms, last + 3_600_000)
    return account


def ms(instant: pd.Timestamp) -> int:
    return int(instant.timestamp() * 1000)


def _stages(account: Account, stages: pd.DataFrame) -> None:
    shown = []
    for place, stage in enumerate(stages.itertuples()):
        account.stage_ids[str(stage.stage)] = key = f"{1_000_000 + place}"
        metadata = {"isClosed": str(bool(stage.is_closed)).lower(), "probability": str(float(stage.probability) / 100)}
        shown.append({"id": key, "label": stage.stage, "displayOrder": place, "metadata": metadata, "archived": False})
    account.portal.pipelines.append(
        {"id": PIPELINE, "label": "Sales Pipeline", "displayOrder": 0, "stages": shown, "archived": False}
    )


def _people(portal: Portal, users: pd.DataFrame) -> None:
    for user in users.itertuples():
        first, _, last = str(user.name).partition(" ")
        key = number(str(user.user_id))
        owner = {
            "id": key,
            "email": str(user.email),
            "firstName": first,
            "lastName": last,
            "userId": int(key) + 1_000_000,
            "createdAt": iso(ms(user.started_at)),
            "updatedAt": iso(ms(user.started_at)),
            "archived": not user.active,
            "type": "PERSON",
            "teams": []
            if pd.isna(user.team)
            else [{"id": str(crc32(user.team.encode())), "name": user.team, "primary": True}],
        }
        portal.owners.append(owner)


def _companies(portal: Portal, accounts: pd.DataFrame) -> None:
    for one in accounts.itertuples():
        values = {
            "name": one.name,
            "industry": one.industry,
            "country": one.country,
            "numberofemployees": _plain(one.employees),
            "annualrevenue": _plain(one.annual_revenue),
        }
        portal.enter(
            "companies", {k: _text(v) for k, v in values.items()}, at=ms(one.created_at), key=number(one.account_id)
        )


def _deals(account: Account, tables: CrmTables) -> None:
    portal = account.portal
    changes = tables["changes"][tables["changes"]["field"].isin(PROPERTIES)]
    by_deal = dict(list(changes.groupby("opportunity_id", sort=False)))
    shares = {account.stage_ids[s.stage]: str(s.probability / 100) for s in tables["stages"].itertuples()}
    for deal in tables["opportunities"].itertuples():
        history = by_deal.get(deal.opportunity_id)
        today = {column: _shown(account, column, getattr(deal, column)) for column in PROPERTIES}
        entered = dict(today)
        if history is not None:
            first = history.drop_duplicates("field")
            entered |= {f: _shown(account, f, old) for f, old in zip(first["field"], first["old_value"], strict=True)}
        values = {PROPERTIES[c]: v for c, v in entered.items() if v is not None} | {"pipeline": PIPELINE}
        key = number(deal.opportunity_id)
        record = portal.enter("deals", values, at=ms(deal.created_at), key=key)
        for change in [] if history is None else history.itertuples():
            user = None if pd.isna(change.changed_by) else int(number(change.changed_by)) + 1_000_000
            portal.change(
                "deals",
                key,
                {PROPERTIES[change.field]: _shown(account, change.field, change.new_value)},
                at=ms(change.changed_at),
                user=user,
                source_id=None if user is None else f"userId:{user}",
            )
        entered_stage = record.versions["dealstage"][-1].at
        portal._append(record, "hs_v2_date_entered_current_stage", Version(iso(entered_stage), entered_stage), "deals")
        _chances(portal, record, shares)
        if not pd.isna(deal.account_id):
            portal.associate("deals", key, "companies", number(deal.account_id))


def _chances(portal: Portal, record: Record, shares: dict[str, str]) -> None:
    """HubSpot computes a deal's chance from its stage, and keeps its history as that of any property."""
    for version in list(record.versions["dealstage"]):
        if record.value("hs_deal_stage_probability") != shares[str(version.value)]:
            computed = Version(shares[str(version.value)], version.at, "CALCULATED")
            portal._append(record, "hs_deal_stage_probability", computed, "deals")


def _contacts(portal: Portal, roles: pd.DataFrame) -> None:
    for role in roles.itertuples():
        contact = number(role.contact_id)
        if contact not in portal.objects["contacts"]:
            portal.enter("contacts", {"email": f"{contact}@example.com"}, at=ms(role.added_at), key=contact)
        label = None if pd.isna(role.role) else role.role
        portal.associate("deals", number(role.opportunity_id), "contacts", contact, label)


def _engagements(portal: Portal, activities: pd.DataFrame) -> None:
    for one in activities.itertuples():
        object_type = ENGAGEMENTS[one.kind]
        happened = ms(one.occurred_at)
        recorded = happened if pd.isna(one.recorded_at) else ms(one.recorded_at)
        values: dict[str, object] = {"hs_timestamp": iso(happened), "hubspot_owner_id": _id(one.owner_id)}
        inbound = one.direction == "inbound"
        if object_type == "emails":
            values |= {"hs_email_subject": one.subject, "hs_email_status": "SENT"}
            if not pd.isna(one.direction):
                values["hs_email_direction"] = "INCOMING_EMAIL" if inbound else "EMAIL"
        elif object_type == "calls":
            values |= {"hs_call_title": one.subject, "hs_call_status": "COMPLETED"}
            values["hs_call_duration"] = (
                None if pd.isna(one.duration_minutes) else _plain(one.duration_minutes * 60_000)
            )
            if not pd.isna(one.direction):
                values["hs_call_direction"] = "INBOUND" if inbound else "OUTBOUND"
        elif object_type == "tasks":
            values |= {
                "hs_task_subject": one.subject,
                "hs_task_status": "COMPLETED",
                "hs_task_completion_date": iso(happened),
            }
        else:
            values |= {"hs_meeting_title": one.subject, "hs_meeting_start_time": iso(happened)}
            values |= {"hs_meeting_outcome": "COMPLETED", "hs_activity_type": one.kind.title()}
            if not pd.isna(one.duration_minutes):
                values["hs_meeting_end_time"] = iso(happened + round(one.duration_minutes * 60_000))
        key = number(one.activity_id)
        portal.enter(object_type, {k: _text(v) for k, v in values.items()}, at=recorded, key=key)
        portal.associate(object_type, key, "deals", number(one.opportunity_id))
        if not pd.isna(one.contact_id):
            portal.associate(object_type, key, "contacts", number(one.contact_id))


def _shown(account: Account, column: str, value: object) -> str | None:
    """A value of opportunities, or of their history, as HubSpot holds it."""
    if pd.isna(value):
        return None
    if column == "stage":
        return account.stage_ids[str(value)]
    if column == "close_date":
        return f"{str(value)[:10]}T12:00:00.000Z"
    if column == "owner_id":
        return number(str(value))
    if column == "forecast_category":
        return CATEGORIES[str(value)]
    return _plain(value) if column == "amount" else str(value)


def _id(value: object) -> str | None:
    return None if pd.isna(value) else number(str(value))


def _plain(value: object) -> str | None:
    if pd.isna(value):
        return None
    amount = float(str(value))
    return str(int(amount)) if amount == int(amount) else str(amount)


def _text(value: object) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
