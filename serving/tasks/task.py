"""The task that a deal's next step becomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from serving.sinks.sink import Values
from serving.sinks.tasks import FIELDS, NORMAL, OPEN
from serving.writeback.fields import settled_all

ASSOCIATION = "Association, not a promise."
_SATURDAY = 5


def key_of(opportunity_id: str, step: Mapping[str, Any]) -> str:
    """What tells the task of a deal and a step from all others, the same in every run: 32 hexadecimal digits."""
    kind = step.get("kind", "gap")
    # Scores that an earlier version has kept name the feature alone.
    which = step["action"] if kind == "change" else step.get("practice", step["feature"])
    return sha256(f"{opportunity_id}\n{kind}\n{which}".encode()).hexdigest()[:32]


def task_of(opportunity_id: str, owner_id: str, step: Mapping[str, Any], due: date) -> Values:
    """The task: the step in a few words, and the sentences that speak for it."""
    says = str(step["says"])
    return settled_all(
        {
            "opportunity_id": opportunity_id,
            "owner_id": owner_id,
            "subject": step["brief"],
            "description": says if says.endswith(ASSOCIATION) else f"{says} {ASSOCIATION}",
            "due": due,
            "status": OPEN,
            "priority": NORMAL,
        },
        FIELDS,
    )


def working_days_on(day: date, days: int) -> date:
    """The day so many working days (Monday to Friday) later."""
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < _SATURDAY
    return day
