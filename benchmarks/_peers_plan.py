"""Running columns of each stream, for the peers that carry them to snapshots by as-of joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPAN = 2**41
"""What a deal is worth in a packed key, deal × SPAN + milliseconds; they stay below it until 2039."""


@dataclass(frozen=True)
class Running:
    """Columns that run along a stream's events sorted by deal and time.

    :param sums: running sums, and of which columns.
    :param last: times of the last matching event, and by which boolean columns.
    :param number: the running number of events, where it is asked for.
    :param at: the event's own time, where it is asked for.
    :param value: the event's own value.
    :param first: by which boolean column, and of which column, the deal's first matching value is asked.
    :param windows: days, and which of the sums are asked as they stood so long before the snapshot.
    """

    sums: Mapping[str, str]
    last: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    at: str = ""
    value: str = ""
    first: tuple[str, str] | None = None
    windows: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


PLAN = {
    "touches": Running(
        sums={"meetings": "meeting", "calls": "call", "demos": "demo", "proposals": "proposal"},
        last={"meeting_at": "meeting"},
        number="touches",
        at="touch_at",
        windows={7: ("touches",), 30: ("touches", "meetings", "calls"), 90: ("touches", "meetings")},
    ),
    "replies": Running(
        sums={"ins": "inbound", "outs": "outbound"},
        last={"in_at": "inbound"},
        number="replies",
        first=("inbound", "ts"),
        windows={7: ("ins",), 14: ("ins",), 28: ("ins",), 30: ("ins", "outs"), 90: ("ins", "outs")},
    ),
    "stages": Running(
        sums={"forwards": "forward", "backwards": "backward", "skips": "skipped", "reopenings": "reopened"},
        last={"entered_at": "entered", "forward_at": "forward"},
        value="rank",
        windows={90: ("forwards",)},
    ),
    "amounts": Running(
        sums={"changes": "changed"},
        last={"changed_at": "changed"},
        value="value",
        first=("given", "value"),
    ),
    "close_dates": Running(
        sums={"pushes": "pushed", "pulls": "pulled", "pushed_days": "pushed_days"},
        last={"pushed_at": "pushed"},
        value="day",
        first=("given", "day"),
        windows={90: ("pushes",)},
    ),
}
