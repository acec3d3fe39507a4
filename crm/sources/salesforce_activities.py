"""Salesforce's tasks and events → activities.

Salesforce keeps e-mails and calls as tasks and meetings as events. A task that is not completed is a plan,
not a touch. When a touch took place is told by CompletedDateTime, else by ActivityDate, a day: if the task
was entered on that very day, at the moment of its entry, else at the day's end, because before that nobody
can have counted on it. A task that was entered as a plan is known to have been done only once it was done:
`recorded_at` is the later of the two.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources import rules
from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.own_columns import own_columns
from crm.sources.quoting import literal, name
from crm.sources.reading import RawTable
from crm.sources.salesforce_cells import Cells, Early, earlier_told, early_columns, is_own, require
from crm.sources.typing_query import TextRelation

DEAL_PREFIX = "006"
CONTACT_PREFIX = "003"
SUBTYPES: Mapping[str, str] = {"email": "email", "listemail": "email", "call": "call"}
TYPES: Mapping[str, str] = {
    "email": "email",
    "e-mail": "email",
    "call": "call",
    "phone": "call",
    "meeting": "meeting",
    "demo": "demo",
    "proposal": "proposal",
}
# What sales-engagement tools write into the subject where neither subtype nor type tells.
EMAIL_SUBJECT = r"\[e-?mail\]|^\s*(←|→|<-|->)?\s*e-?mail:"
CALL_SUBJECT = r"\[call\]|^\s*(←|→|<-|->)?\s*call:"
HEADERS = {
    "activity_id": "Id",
    "opportunity_id": "WhatId",
    "kind": "Type",
    "owner_id": "OwnerId",
    "contact_id": "WhoId",
    "subject": "Subject",
}


def task_text(intake: Intake, raw: RawTable, mapping: SourceMapping) -> TextRelation:
    """Task → e-mails, calls and other touches."""
    require(raw, "Id", "WhatId", "CreatedDate")
    cells = Cells(raw)
    seconds = cells.text("CallDurationInSeconds")
    duration = f"TRY_CAST({seconds} AS DOUBLE)"
    meaning = {
        "direction": f"lower({cells.text('CallType')})",
        "kind": _task_kind(cells),
        "duration_minutes": f"coalesce(CAST({duration} / 60 AS VARCHAR), {seconds})",
        **_task_times(cells, mapping),
    }
    headers = {
        "direction": "CallType",
        "duration_minutes": "CallDurationInSeconds",
        "occurred_at": "CompletedDateTime" if cells.has("CompletedDateTime") else "ActivityDate",
        "recorded_at": "CreatedDate",
    }
    series = Early(rules.SERIES_PATTERN, "IsRecurrence", cells.flag("IsRecurrence"))
    return _activities(intake, raw, meaning, headers, series, _not_done(cells))


def event_text(intake: Intake, raw: RawTable, _mapping: SourceMapping) -> TextRelation:
    """Event → meetings; each invitee's copy of one is set aside."""
    require(raw, "Id", "WhatId", "CreatedDate", "ActivityDateTime")
    cells = Cells(raw)
    start = cells.text("ActivityDateTime", "StartDateTime", "ActivityDate")
    meaning = {
        "kind": "'meeting'",
        "duration_minutes": cells.text("DurationInMinutes"),
        "occurred_at": f"CASE WHEN {cells.flag('IsAllDayEvent')} "
        f"THEN coalesce({cells.text('ActivityDate')}, left({start}, 10)) ELSE {start} END",
        "recorded_at": cells.text("CreatedDate"),
    }
    headers = {
        "duration_minutes": "DurationInMinutes",
        "occurred_at": "ActivityDateTime",
        "recorded_at": "CreatedDate",
    }
    series = Early(rules.SERIES_PATTERN, "IsRecurrence", cells.flag("IsRecurrence"))
    copies = Early(rules.INVITEES_COPY, "IsChild", cells.flag("IsChild"))
    return _activities(intake, raw, meaning, headers, series, copies)


def _activities(
    intake: Intake, raw: RawTable, meaning: Mapping[str, str], headers: Mapping[str, str], *reasons: Early
) -> TextRelation:
    cells = Cells(raw)
    who = cells.text("WhoId")
    columns = {
        "activity_id": cells.id("Id"),
        "opportunity_id": cells.id("WhatId"),
        "owner_id": cells.id("OwnerId"),
        "contact_id": f"CASE WHEN starts_with({who}, '{CONTACT_PREFIX}') THEN {cells.id('WhoId')} END",
        "subject": cells.raw_text("Subject"),
        **meaning,
    }
    custom = own_columns("activities", [header for header in raw.header if is_own(header)])
    selected = [f"{sql} AS {name(column)}" for column, sql in columns.items()]
    selected += [f"{cells.raw_text(header)} AS {name(x)}" for x, header in custom.items()]
    early = early_columns(cells, _not_about_a_deal(intake, cells), *reasons)
    named = {**HEADERS, **headers}
    return TextRelation(
        "activities",
        f"SELECT _row, 0 AS _seq, {early}, {earlier_told(cells)} AS _told, {', '.join(selected)} "
        f"FROM {name(raw.relation)}",
        {column: cells.called(named[column]) for column in columns},
        custom,
        numeric=frozenset({"duration_minutes"}),
        may_hold_nul=raw.may_hold_nul,
        vendor="salesforce",
    )


def _not_about_a_deal(intake: Intake, cells: Cells) -> Early:
    deals = " UNION ALL ".join(
        f"SELECT opportunity_id FROM {file.relation}" for file in intake.files_of("opportunities")
    )
    about = cells.text("WhatId")
    known = f"coalesce({cells.id('WhatId')} IN ({deals}), false)" if deals else "false"
    prefixed = f"coalesce(starts_with({about}, '{DEAL_PREFIX}'), false)"
    return Early(rules.NOT_ABOUT_A_DEAL, "WhatId", f"NOT ({prefixed} OR {known})")


def _not_done(cells: Cells) -> Early:
    if cells.has("IsClosed"):
        return Early(rules.NOT_DONE, "IsClosed", f"NOT {cells.flag('IsClosed')}")
    if cells.has("Status"):
        status = f"coalesce(lower({cells.text('Status')}), '')"
        return Early(rules.NOT_DONE, "Status", f"{status} <> 'completed'")
    return Early(rules.NOT_DONE, "Status", "false")


def _task_kind(cells: Cells) -> str:
    subtype, kind = f"lower({cells.text('TaskSubtype')})", f"lower({cells.text('Type')})"
    subject = cells.text("Subject")
    whens = [f"WHEN {subtype} = {literal(found)} THEN {literal(meant)}" for found, meant in SUBTYPES.items()]
    whens += [f"WHEN {kind} = {literal(found)} THEN {literal(meant)}" for found, meant in TYPES.items()]
    whens += [
        f"WHEN regexp_matches({subject}, {literal(pattern)}, 'i') THEN '{meant}'"
        for pattern, meant in ((EMAIL_SUBJECT, "email"), (CALL_SUBJECT, "call"))
    ]
    return f"CASE {' '.join(whens)} ELSE 'task' END"


def _task_times(cells: Cells, mapping: SourceMapping) -> dict[str, str]:
    """`occurred_at` and `recorded_at` as text; a cell that tells no time is handed on as it stands."""
    done, day = cells.text("CompletedDateTime"), cells.text("ActivityDate")
    entered = cells.text("CreatedDate")
    entered_at, day_end = cells.time("CreatedDate", mapping), cells.time("ActivityDate", mapping)
    same_day = f"({entered_at} BETWEEN {day_end} - INTERVAL 1 DAY AND {day_end})"
    on_day = f"CASE WHEN {same_day} THEN {entered_at} ELSE {day_end} END"
    occurred = (
        f"CASE WHEN {done} IS NOT NULL THEN {done} "
        f"WHEN {day} IS NOT NULL THEN coalesce(CAST({on_day} AS VARCHAR), {day}) ELSE {entered} END"
    )
    done_at = cells.time("CompletedDateTime", mapping)
    known = f"greatest({entered_at}, coalesce({done_at}, {on_day}))"
    return {
        "occurred_at": occurred,
        "recorded_at": f"coalesce(CAST({known} AS VARCHAR), {entered})",
    }
