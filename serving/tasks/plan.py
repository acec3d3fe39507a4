"""What asking for tasks would make, and for which deals there is none, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from serving.sinks.sink import Values
from serving.sinks.tasks import COMPLETED, NO_TASK, DealNow, TaskPlace
from serving.tasks.task import key_of, task_of
from serving.writeback.plan import Change, Plan, read_all


class Why(StrEnum):
    """Why a deal gets no task, as it is told."""

    HAS_ONE = "have this task already"
    DONE = "had it, and it was completed"
    DELETED = "had it, and somebody deleted it"
    CLOSED = "closed there by now"
    MISSING = "not there"
    UNOWNED = "without an owner"
    SNOOZED = "snoozed"
    WITHHELD = "without coaching for the trial"
    WITHOUT = "without a step that coaching tells"


@dataclass(frozen=True)
class Wanted:
    """A deal's next step (a step of its coaching) that is to become a task. :param owner_id: its owner when scored."""

    opportunity_id: str
    owner_id: str | None
    step: Mapping[str, Any]


@dataclass(frozen=True)
class Tasks:
    """The tasks that would be made, as changes at their place, and the deals that get none (`left_out`: by id, why)."""

    plan: Plan
    left_out: Mapping[str, Why]


def plan_tasks(
    place: TaskPlace,
    run_id: str,
    wanted: Sequence[Wanted],
    standing: Collection[str],
    due: date,
    step: Callable[[int, int], None],
) -> Tasks:
    """What making these tasks would change.

    A task goes to whoever owns the deal now, where the place can tell.

    :param wanted: in the order in which they are told.
    :param standing: keys of the tasks that were made there and not taken back: one that is not there was deleted.
    """
    deals = place.deals(sorted({one.opportunity_id for one in wanted})) if wanted else {}
    keys = {one.opportunity_id: key_of(one.opportunity_id, one.step) for one in wanted}
    held = read_all(place, sorted(keys.values()), step)
    changes, left_out = [], {}
    for one in wanted:
        key, deal = keys[one.opportunity_id], deals.get(one.opportunity_id)
        owner = one.owner_id if deal is None or not deal.knows_owner else deal.owner_id
        why = _why_not(held[key], key in standing, deal, owner)
        if why is None and owner is not None:
            changes.append(Change(key, NO_TASK, task_of(one.opportunity_id, owner, one.step, due)))
        elif why is not None:
            left_out[one.opportunity_id] = why
    unchanged = sum(why is Why.HAS_ONE for why in left_out.values())
    changes.sort(key=lambda change: change.record_id)
    return Tasks(Plan(place.address, run_id, tuple(changes), unchanged), left_out)


def _why_not(held: Values, was_made: bool, deal: DealNow | None, owner: str | None) -> Why | None:
    if held != NO_TASK:
        return Why.DONE if held["status"] == COMPLETED else Why.HAS_ONE
    if was_made:
        return Why.DELETED
    if deal is None:
        return Why.MISSING
    if deal.is_closed:
        return Why.CLOSED
    return Why.UNOWNED if owner is None else None
