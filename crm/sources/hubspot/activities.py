"""HubSpot's engagements → activities: calls, e-mails, meetings, tasks, notes, messages.

An engagement belongs to as many deals as it is associated with, and is a touch of each. It is known from when it was
entered (`hs_createdate`). A task that is not completed, an e-mail that was not sent, a call or meeting that did not
come about are plans, not touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crm.sources import rules
from crm.sources.hubspot.cells import NOTHING, TASK_KEY, Early, HubSpotCells
from crm.sources.hubspot.lookups import CONTACT_OF, DEALS_OF, ENGAGEMENTS
from crm.sources.own_columns import own_columns
from crm.sources.quoting import literals, name
from crm.sources.typing_query import TextRelation

OWN_KINDS = ("demo", "proposal")  # what a call or meeting may say that it was, in words that are recognised


@dataclass(frozen=True)
class Engagement:
    """How one kind of engagement is read: its kind, the properties that tell it, and when it did not happen.

    :param status: the property that says how it stands; :param not_done: its values that are no touch.
    :param done: its values that alone are one, where there are any.
    """

    kind: str
    subject: tuple[str, ...]
    happened: tuple[str, ...] = ("hs_timestamp",)
    status: str = ""
    not_done: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


ENGAGEMENT_TABLES: Mapping[str, Engagement] = {
    "engagement_call": Engagement(
        "call",
        ("hs_call_title", "title"),
        status="hs_call_status",
        not_done=("SCHEDULED", "CANCELED", "QUEUED", "RINGING", "CONNECTING", "CALLING_CRM_USER"),
    ),
    "engagement_email": Engagement(
        "email",
        ("hs_email_subject", "subject"),
        status="hs_email_status",
        not_done=("SCHEDULED", "SENDING", "FAILED", "DRAFT"),
    ),
    "engagement_meeting": Engagement(
        "meeting",
        ("hs_meeting_title", "title"),
        ("hs_meeting_start_time", "start_time", "hs_timestamp"),
        status="hs_meeting_outcome",
        not_done=("CANCELED", "RESCHEDULED", "NO_SHOW"),
    ),
    "engagement_note": Engagement("note", ()),
    "engagement_task": Engagement(
        "task",
        ("hs_task_subject", "subject"),
        ("hs_task_completion_date", "hs_timestamp"),
        status="hs_task_status",
        done=("COMPLETED",),
    ),
    "engagement_communication": Engagement("message", ()),
}
DIRECTIONS = (
    ("EMAIL", "outbound"),
    ("INCOMING_EMAIL", "inbound"),
    ("INBOUND", "inbound"),
    ("OUTBOUND", "outbound"),
)
DIRECTION = ("hs_email_direction", "hs_call_direction")


def engagement_text(cells: HubSpotCells, table: str) -> TextRelation:
    """An engagement table's rows, one for each deal that it belongs to."""
    what = ENGAGEMENT_TABLES[table]
    key = cells.text("engagement_id", "hs_object_id")
    header = cells.header("engagement_id")
    own = f"r.{name(f'c{cells.raw.header.index(header)}')}"
    linked = (
        "SELECT r.*, e.happened, e.entered, e.owner_id, c.contact_id AS linked_contact, d.deal_id AS linked_deal, "
        f"coalesce(d.seq, 0) AS linked_seq FROM {cells.rows} r LEFT JOIN {ENGAGEMENTS} e ON e.engagement_id = {own} "
        f"LEFT JOIN {CONTACT_OF} c ON c.engagement_id = {own} LEFT JOIN {DEALS_OF} d ON d.engagement_id = {own}"
    )
    entered = f"coalesce({cells.utc('hs_createdate', 'createdate')}, entered)"
    happened = f"coalesce({cells.utc(*what.happened)}, happened)"
    columns = {
        "opportunity_id": ("linked_deal", "deal_id"),
        "occurred_at": (f"coalesce({happened}, {entered})", cells.header(*what.happened)),
        "kind": (_kind(cells, what), "type"),
        # The first of its deals keeps the engagement's id: an id is one row's alone.
        "activity_id": (f"{key} || CASE WHEN linked_seq > 0 THEN '/' || linked_deal ELSE '' END", header),
        "direction": (_direction(cells), cells.header(*DIRECTION)),
        "recorded_at": (_recorded(cells, what, entered), cells.header("hs_createdate")),
        "owner_id": (f"coalesce({cells.text('hubspot_owner_id')}, owner_id)", cells.header("hubspot_owner_id")),
        "contact_id": ("linked_contact", "contact_id"),
        "duration_minutes": (_minutes(cells), cells.header("hs_call_duration", "hs_meeting_end_time")),
        "subject": (cells.raw_text(*what.subject) if what.subject else NOTHING, cells.header(*what.subject, "subject")),
    }
    alone = Early(rules.NOT_ABOUT_A_DEAL, header, "linked_deal IS NULL")
    early = cells.early(*cells.deleted(), *_not_done(cells, what), alone)
    custom = own_columns("activities", cells.headers(TASK_KEY))
    told = [*((column, sql) for column, (sql, _) in columns.items()), *((x, cells.raw_text(TASK_KEY)) for x in custom)]
    selected = ", ".join(f"{sql} AS {column}" for column, sql in told)
    return TextRelation(
        "activities",
        f"SELECT _row, linked_seq AS _seq, {early}, {NOTHING} AS _told, {selected} FROM ({linked})",
        {column: named for column, (_, named) in columns.items()},
        custom,
        numeric=frozenset({"duration_minutes"}),
        may_hold_nul=cells.raw.may_hold_nul,
        vendor="hubspot",
    )


def _kind(cells: HubSpotCells, what: Engagement) -> str:
    if what.kind == "message":  # WHATS_APP, LINKEDIN_MESSAGE, SMS
        channel = cells.text("hs_communication_channel_type")
        return f"coalesce(replace(lower({channel}), '_', ' '), 'message')"
    said = f"lower({cells.text('hs_activity_type')})"
    return f"CASE WHEN {said} IN ({literals(OWN_KINDS)}) THEN {said} ELSE '{what.kind}' END"


def _direction(cells: HubSpotCells) -> str:
    """Who turned to whom; a forwarded e-mail does not say."""
    whens = " ".join(f"WHEN '{found}' THEN '{meant}'" for found, meant in DIRECTIONS)
    return f"CASE {cells.text(*DIRECTION)} {whens} END"


def _recorded(cells: HubSpotCells, what: Engagement, entered: str) -> str:
    """When it was known: from its entry on; a task that was entered as a plan, once it was done."""
    if what.kind != "task":
        return entered
    done = cells.utc("hs_task_completion_date")
    return f"CASE WHEN {cells.time('hs_task_completion_date')} > {_time_of(cells)} THEN {done} ELSE {entered} END"


def _time_of(cells: HubSpotCells) -> str:
    return cells.time("hs_createdate", "createdate")


def _not_done(cells: HubSpotCells, what: Engagement) -> list[Early]:
    if not cells.headers(what.status):
        return []
    status = f"upper({cells.text(what.status)})"
    header = cells.header(what.status)
    reasons = [Early(rules.NOT_DONE, header, f"coalesce({status} IN ({literals(what.not_done)}), false)")]
    if what.done:
        reasons.append(Early(rules.NOT_DONE, header, f"coalesce({status} NOT IN ({literals(what.done)}), true)"))
    if what.kind == "email" and cells.headers("hs_email_direction"):
        draft = f"coalesce({cells.text('hs_email_direction')} = 'DRAFT_EMAIL', false)"
        reasons.append(Early(rules.NOT_DONE, cells.header("hs_email_direction"), draft))
    return reasons


def _minutes(cells: HubSpotCells) -> str:
    """A call says how many milliseconds it took, a meeting when it ended."""
    call = f"CAST(TRY_CAST({cells.text('hs_call_duration')} AS DOUBLE) / 60000 AS VARCHAR)"
    start = cells.time("hs_meeting_start_time", "start_time")
    end = cells.time("hs_meeting_end_time", "end_time")
    return f"coalesce({call}, CAST(date_diff('second', {start}, {end}) / 60 AS VARCHAR))"
