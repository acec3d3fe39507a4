"""Meetings, calls, demos and proposals: those that took place, those ahead, and the time they took."""

from __future__ import annotations

import numpy as np

from features.families.engagement import NO_ACTIVITIES, kinds_of
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since, Sum
from features.stream import Events
from features.text import of_code


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features; most ask the stream of touches."""
    del vocabulary
    streams = {"booked": StreamSource("deal", booked), "conversations": StreamSource("deal", conversations)}
    return Family("engagement", streams, (*_MEETINGS, *_OTHER_KINDS, *_MINUTES))


def _count_of(
    kind: str, days: float | None, spoken: tuple[str, str], practice: Practice | None = None, *, volume: bool = False
) -> Feature:
    name = f"{kind}s_{round(days)}d" if days else f"{kind}s"
    when = f"in the last {round(days)} days" if days else "so far"
    return Feature(
        name,
        Count("touches", kind, days),
        Unit.COUNT,
        group=f"{kind}s",
        meaning=f"{spoken[1].capitalize()} {when}.",
        wording=Wording(f"{{value}} {when}.", peers=f"deals with {{bin}} {when}", zero=f"No {spoken[0]} {when}."),
        noun=spoken,
        bins=(0, 1, 2, 3, 5),
        actionable=kind in ("meeting", "demo", "proposal"),
        practice=practice,
        volume=volume,
    )


_MEETINGS = (
    _count_of("meeting", None, ("meeting", "meetings"), Practice("held a meeting")),
    _count_of("meeting", 30, ("meeting", "meetings"), volume=True),
    _count_of("meeting", 90, ("meeting", "meetings")),
    Feature(
        "days_since_meeting",
        Since("touches", "meeting"),
        Unit.DAYS,
        group="meetings",
        meaning="Days since the last meeting.",
        wording=Wording(
            "The last meeting was {value} ago.",
            peers="deals whose last meeting was {bin} ago",
            zero="There was a meeting today.",
            missing="No meeting yet.",
        ),
        actionable=True,
        bins=(0, 7, 14, 30, 60),
        practice=Practice("held a meeting in the last {bound}", (7, 14, 30, 60), below=True),
    ),
    Feature(
        "meetings_ahead",
        Count("booked", "meeting") - Count("touches", "meeting"),
        Unit.COUNT,
        group="meetings_ahead",
        meaning="Meetings booked at the date that had not taken place yet.",
        wording=Wording("{value} booked ahead.", peers="deals with {bin} ahead", zero="No meeting booked ahead."),
        noun=("meeting", "meetings"),
        actionable=True,
        bins=(0, 1, 2),
        practice=Practice("booked a meeting ahead"),
    ),
)

_OTHER_KINDS = (
    _count_of("call", 30, ("call", "calls"), volume=True),
    _count_of("email", 30, ("e-mail", "e-mails"), volume=True),
    _count_of("task", 30, ("task", "tasks"), volume=True),
    _count_of("demo", None, ("demo", "demos"), Practice("held a demo")),
    _count_of("proposal", None, ("proposal", "proposals"), Practice("sent a proposal")),
    Feature(
        "days_since_proposal",
        Since("touches", "proposal"),
        Unit.DAYS,
        group="proposals",
        meaning="Days since the last proposal.",
        wording=Wording(
            "The last proposal was {value} ago.",
            peers="deals whose last proposal was {bin} ago",
            zero="There was a proposal today.",
            missing="No proposal yet.",
        ),
        bins=(0, 7, 14, 30, 60),
    ),
)

_MINUTES = (
    Feature(
        "minutes_together",
        Sum("conversations", "minutes"),
        Unit.COUNT,
        group="minutes_together",
        meaning="Minutes that meetings, calls and demos took so far, as far as they say how long they took.",
        wording=Wording(
            "{value} of meetings, calls and demos so far.",
            peers="deals with {bin} of meetings, calls and demos",
            zero="No time spent in meetings, calls or demos so far.",
        ),
        noun=("minute", "minutes"),
        bins=(0, 1, 60, 180, 360),
    ),
    Feature(
        "minutes_together_30d",
        Sum("conversations", "minutes", days=30),
        Unit.COUNT,
        group="minutes_together",
        meaning="Minutes that meetings, calls and demos took in the last 30 days.",
        wording=Wording(
            "{value} of meetings, calls and demos in the last 30 days.",
            peers="deals with {bin} of meetings, calls and demos in 30 days",
            zero="No time spent in meetings, calls or demos in the last 30 days.",
        ),
        noun=("minute", "minutes"),
        bins=(0, 1, 30, 90, 180),
        volume=True,
    ),
)


def booked(histories: Histories) -> Events | Absent:
    """One event a meeting, dated when it became known, which for a meeting ahead is before it takes place."""
    if not histories.has("activities"):
        return NO_ACTIVITIES
    if not histories.gives("activities", "recorded_at"):
        return Absent("no activity says when it was recorded (recorded_at), so none is known ahead")
    rows = np.flatnonzero(_is_one_of(histories, "meeting"))
    return Events(
        histories.deal_of("activities")[rows],
        histories.activity_recorded[rows],
        {"meeting": np.ones(len(rows), dtype=bool)},
    )


def conversations(histories: Histories) -> Events | Absent:
    """One event a meeting, call or demo that says how long it took, dated when it was done and recorded."""
    if not histories.has("activities"):
        return NO_ACTIVITIES
    if not histories.gives("activities", "duration_minutes"):
        return Absent("no activity says how long it took (duration_minutes)")
    minutes = histories.tables["activities"]["duration_minutes"].to_numpy(float, na_value=np.nan)
    long = _is_one_of(histories, "meeting", "call", "demo") & (minutes > 0)
    rows, deal, at = histories.activities_in_order(long)
    return Events(deal, at, {"minutes": np.rint(minutes[rows]).astype(np.int64)})


def _is_one_of(histories: Histories, *kinds: str) -> np.ndarray:
    """Whether each activity is of one of the kinds, in any case; shape (activities,), bool."""
    code, names = kinds_of(histories)
    return of_code(np.asarray(names.str.lower().isin(kinds)), code)
