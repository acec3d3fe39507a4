"""The steps of asking for tasks, as the command takes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from serving.sinks.tasks import TaskPlace
from serving.store import new_run_id
from serving.store_writeback import Progress, What
from serving.tasks.plan import Tasks, Wanted, plan_tasks
from serving.writeback.apply import Applied
from serving.writeback.confirmed import Confirmation, carry_out, work_at
from serving.writeback.plan import Plan, plan_undo

DUE = date(2026, 11, 25)
MANY = 10**6


def quiet(done: int, of: int) -> None:
    """Nobody looks."""


def a_step(
    practice: str = "demos_90d:1", says: str = "No demo yet. Of the won 74 % had one & more <3."
) -> dict[str, Any]:
    """A gap as coaching tells it."""
    told = {"feature": practice.partition(":")[0], "brief": "74 % of won deals had a demo (lost: 46 %)", "says": says}
    return {"kind": "gap", "practice": practice, **told}


def wanted(ids: Collection[str], owner: str | None = "U1", practice: str = "demos_90d:1") -> list[Wanted]:
    """The same step for each deal."""
    return [Wanted(one, owner, a_step(practice)) for one in ids]


def looked_at(place: TaskPlace, store: Any, steps: Sequence[Wanted], due: date = DUE) -> Tasks:
    return plan_tasks(place, "score-1", steps, store.standing_at(place.address), due, quiet)


def ask(place: TaskPlace, store: Any, steps: Sequence[Wanted], confirmed: str | None = None) -> Applied:
    """Look, and make what was looked at."""
    confirmed = confirmed or looked_at(place, store, steps).plan.hash
    with work_at(place, store, "a test") as still_alone:
        return _carried(looked_at(place, store, steps).plan, confirmed, place, store, still_alone)


def undo_looked_at(place: TaskPlace, store: Any, run_id: str) -> Plan:
    written = store.written(run_id, Progress.WRITTEN, Progress.SENT)
    return plan_undo(place, run_id, written, quiet, whole=True)


def undo(place: TaskPlace, store: Any, run_id: str) -> Applied:
    confirmed = undo_looked_at(place, store, run_id).hash
    with work_at(place, store, "a test") as still_alone:
        return _carried(undo_looked_at(place, store, run_id), confirmed, place, store, still_alone)


def _carried(plan: Plan, confirmed: str, place: TaskPlace, store: Any, still_alone: Any) -> Applied:
    said = Confirmation(confirmed, MANY, "ada", What.TASKS)
    kind = "undo" if plan.undoes else "tasks"
    return carry_out(plan, said, place, store, still_alone, lambda: new_run_id(kind), quiet)
