"""A HubSpot account as Fivetran would leave it in a warehouse: its table names, columns and prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from tests.vendors.hubspot.company import STANDARD, Account
from tests.vendors.hubspot.portal import Portal, Record, iso

SYNCED = "2026-06-01 02:00:00.000"
ENGAGEMENT_TABLES = {
    "calls": "engagement_call",
    "emails": "engagement_email",
    "meetings": "engagement_meeting",
    "notes": "engagement_note",
    "tasks": "engagement_task",
    "communications": "engagement_communication",
}


def write(account: Account, folder: Path) -> None:
    """One CSV a table; times without a zone, as a warehouse holds them."""
    for name, rows in tables(account).items():
        if rows:
            pd.DataFrame(rows).assign(_fivetran_synced=SYNCED).to_csv(folder / f"{name}.csv", index=False)


def tables(account: Account) -> dict[str, list[dict[str, object]]]:
    portal = account.portal
    found: dict[str, list[dict[str, object]]] = {
        "deal": [_deal(record, portal) for record in portal.objects["deals"].values()],
        "deal_property_history": list(_history(portal)),
        "deal_pipeline": [
            {
                "pipeline_id": p["id"],
                "label": p["label"],
                "display_order": p["displayOrder"],
                "_fivetran_deleted": False,
            }
            for p in portal.pipelines
        ],
        "deal_pipeline_stage": [
            {
                "stage_id": s["id"],
                "pipeline_id": p["id"],
                "label": s["label"],
                "display_order": s["displayOrder"],
                "probability": s["metadata"]["probability"],
                "is_closed": s["metadata"]["isClosed"],
                "closed_won": s["metadata"]["isClosed"] == "true" and float(s["metadata"]["probability"]) == 1,
                "_fivetran_deleted": s["archived"],
            }
            for p in portal.pipelines
            for s in p["stages"]
        ],
        "owner": [
            {
                "owner_id": o["id"],
                "email": o["email"],
                "first_name": o["firstName"],
                "last_name": o["lastName"],
                "active_user_id": o["userId"],
                "created_at": _plain(o["createdAt"]),
                "_fivetran_deleted": o["archived"],
            }
            for o in portal.owners
        ],
        "owner_team": [
            {"owner_id": o["id"], "team_id": t["id"], "is_team_primary": t["primary"]}
            for o in portal.owners
            for t in o["teams"]
        ],
        "team": list({t["id"]: {"id": t["id"], "name": t["name"]} for o in portal.owners for t in o["teams"]}.values()),
        "company": [_record(record, "companies") for record in portal.objects["companies"].values()],
        "deal_company": _links(portal, "deals", "companies", "deal_id", "company_id"),
        "deal_contact": _links(portal, "deals", "contacts", "deal_id", "contact_id"),
        "engagement_deal": [],
        "engagement_contact": [],
    }
    for object_type, name in ENGAGEMENT_TABLES.items():
        rows = [_record(record, object_type) for record in portal.objects[object_type].values()]
        found[name] = [
            {"engagement_id": row.pop("id"), "type": name.removeprefix("engagement_").upper(), **row} for row in rows
        ]
        found["engagement_deal"] += _links(portal, object_type, "deals", "engagement_id", "deal_id")
        found["engagement_contact"] += _links(portal, object_type, "contacts", "engagement_id", "contact_id")
    return found


def _deal(record: Record, portal: Portal) -> dict[str, object]:
    moved = {"dealstage": "deal_pipeline_stage_id", "pipeline": "deal_pipeline_id", "hubspot_owner_id": "owner_id"}
    row = {"deal_id": record.id, "is_deleted": record.archived_at is not None, "portal_id": 4727653}
    for name in portal.properties["deals"]:
        value = record.value(name)
        row[moved.get(name, f"property_{name}")] = _plain(value)
    return row


def _record(record: Record, object_type: str) -> dict[str, object]:
    names: Mapping[str, str] = {
        **STANDARD[object_type],
        "hs_timestamp": "",
        "hubspot_owner_id": "",
        "createdate": "",
        "hs_createdate": "",
        **({"dealcast_key": ""} if object_type == "tasks" else {}),
    }
    row: dict[str, object] = {"id": record.id, "_fivetran_deleted": record.archived_at is not None}
    return row | {f"property_{name}": _plain(record.value(name)) for name in names if name != "hs_note_body"}


def _history(portal: Portal) -> Iterator[dict[str, object]]:
    """Newest first, and close dates in milliseconds, as older syncs have left them."""
    for record in portal.objects["deals"].values():
        for name, versions in record.versions.items():
            for version in reversed(versions):
                value = version.value
                if name == "closedate" and value:
                    value = str(int(pd.Timestamp(value).timestamp() * 1000))
                yield {
                    "deal_id": record.id,
                    "name": name,
                    "value": value,
                    "timestamp": _plain(iso(version.at)),
                    "source": version.source,
                    "source_id": version.source_id,
                }


def _links(portal: Portal, one: str, other: str, first: str, second: str) -> list[dict[str, object]]:
    """One row a pair and kind of association; the label, where there is one, on a row of its own kind."""
    return [
        {first: key, second: to, "type_id": kind["typeId"], "category": kind["category"], "label": kind["label"]}
        for (a, b, key), links in portal.associations.items()
        if (a, b) == (one, other)
        for to, kinds in links.items()
        for kind in kinds[-1:]
    ]


def _plain(value: str | None) -> str | None:
    """A warehouse's timestamp: no T, no Z."""
    if value and len(value) == 24 and value.endswith("Z"):
        return value[:-1].replace("T", " ")
    return value
