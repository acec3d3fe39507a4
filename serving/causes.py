"""What deals stall over, in few words: the groups of reasons by the one thing that they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CAUSES: Mapping[str, tuple[str, ...]] = {
    "the buyer is silent": ("buyer_silence", "buyer_replies", "last_touch", "rhythm", "outreach", "touches"),
    "the buyer waits for an answer": ("waiting_buyer",),
    "the close date was put off": ("pushes",),
    "the close date does not fit": ("close_date", "plan", "close_date_month_end"),
    "long in the same stage": ("stage_time", "stage_pace", "longest_stay", "stage_moves", "age"),
    "moved back": ("moves_back", "reopened"),
    "few people at the buyer's are involved": (
        "people",
        "champions",
        "decision_makers",
        "legal_people",
        "purchasing_people",
        "technical_people",
        "top_executives",
    ),
    "no meeting lately or ahead": ("meetings", "meetings_ahead", "demos", "minutes_together", "calls"),
    "no answer to the proposal": ("proposals",),
    "the next step is old or missing": ("next_step", "staleness", "data_confidence"),
    "talk of waiting or of a competitor": ("words_waiting", "words_competitor"),
    "the amount was changed": ("amount_changes",),
}
OTHER = "other facts"
_CAUSE_OF = {group: cause for cause, groups in CAUSES.items() for group in groups}


def stall_reason(stall_reasons: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The weightiest reason for a stall that has a cause told in few words, else the weightiest; None without any.

    :param stall_reasons: as scores keep them; empty where no model has answered.
    """
    found: Sequence[Mapping[str, Any]] = stall_reasons.get("for", ())
    return next((reason for reason in found if reason["group"] in _CAUSE_OF), found[0] if found else None)


def cause_of(stall_reasons: Mapping[str, Any]) -> str:
    """What a deal is about to stall over, in few words; :data:`OTHER` where none say it."""
    reason = stall_reason(stall_reasons)
    return OTHER if reason is None else _CAUSE_OF.get(reason["group"], OTHER)
