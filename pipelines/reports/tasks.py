"""Tasks that would be made or deleted again, as text and as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.tasks import TasksResult
from pipelines.terminal import WIDTH, cut, wrapped
from pipelines.writeback import WritebackResult
from serving.sinks.sink import Values
from serving.tasks.plan import Why
from serving.writeback.plan import Change


def tasks_lines(result: WritebackResult, top: int) -> list[str]:
    """Each task with its deal, its owner, its day and its subject."""
    number = len(result.plan.changes)
    if result.plan.undoes:
        gone = "is gone already" if result.plan.unchanged == 1 else "are gone already"
        lines = wrapped(f"{tasks_of_number(number)} would be deleted again; {result.plan.unchanged:,} {gone}.", "")
    else:
        lines = [f"{tasks_of_number(number)} would be made."]
    for change in in_order(result)[:top]:
        values = _values(change)
        one = str(values["opportunity_id"])
        due = result.formats.day(date.fromisoformat(str(values["due"])))
        lines += ["", cut(f"{one}  {result.names.get(one, '')}".rstrip(), WIDTH)]
        lines += [cut(str(values["subject"]), WIDTH, "  → ")]
        lines += [cut(f"for {_owner(result, values)}, due {due}", WIDTH, "    ")]
    if number > top:
        lines += ["", *wrapped(f"and {number - top:,} more: --out FILE or --json has all.", "")]
    return lines


def tasks_of_number(number: int) -> str:
    """So many tasks."""
    return f"{number:,} {'task' if number == 1 else 'tasks'}"


def in_order(result: WritebackResult) -> list[Change]:
    """The changes in the order of the deals' urgency, where it is known."""
    order = {one: place for place, one in enumerate(result.order)} if isinstance(result, TasksResult) else {}
    deal = {change.record_id: str(_values(change)["opportunity_id"]) for change in result.plan.changes}
    return sorted(result.plan.changes, key=lambda one: (order.get(deal[one.record_id], 0), deal[one.record_id]))


def left_out(result: WritebackResult) -> dict[Why, list[str]]:
    """The deals that get no task by why, the most urgent first."""
    found: dict[Why, list[str]] = {}
    for one, why in (result.left_out if isinstance(result, TasksResult) else {}).items():
        found.setdefault(why, []).append(one)
    return {why: found[why] for why in Why if why in found}


def tasks_json(result: TasksResult) -> dict[str, Any]:
    """What a machine is told of tasks besides: each with its deal, and the deals that get none."""
    made = [
        {"task_key": one.record_id, "name": result.names.get(str(one.after["opportunity_id"]), ""), **one.after}
        for one in in_order(result)
    ]
    return {"tasks": made, "left_out": {why.name.lower(): ids for why, ids in left_out(result).items()}}


def _values(change: Change) -> Values:
    return change.after if change.after["opportunity_id"] is not None else change.before


def _owner(result: WritebackResult, values: Values) -> str:
    return result.owners.get(str(values["owner_id"]), str(values["owner_id"]))
