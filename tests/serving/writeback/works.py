"""The steps of a write-back, as the command takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.sinks.sink import Sink, Values
from serving.store import new_run_id
from serving.store_writeback import Progress
from serving.writeback.apply import Applied
from serving.writeback.confirmed import Confirmation, carry_out, work_at
from serving.writeback.plan import Plan, plan_undo, plan_writeback

MANY = 10**6


def quiet(done: int, of: int) -> None:
    """Nobody looks."""


def looked_at(sink: Sink, answers: Mapping[str, Values], run_id: str = "score-1", earlier: Any = ()) -> Plan:
    return plan_writeback(sink, run_id, answers, earlier, quiet)


def apply(sink: Sink, store: Any, answers: Mapping[str, Values], confirmed: str, most: int = MANY) -> Applied:
    with work_at(sink, store, "a test") as still_alone:
        return _carried(looked_at(sink, answers), confirmed, most, sink, store, still_alone)


def look_and_apply(sink: Sink, store: Any, answers: Mapping[str, Values]) -> Applied:
    return apply(sink, store, answers, looked_at(sink, answers).hash)


def undo_looked_at(sink: Sink, store: Any, run_id: str) -> Plan:
    return plan_undo(sink, run_id, store.written(run_id, Progress.WRITTEN, Progress.SENT), quiet)


def undo(sink: Sink, store: Any, run_id: str, confirmed: str | None = None) -> Applied:
    confirmed = confirmed or undo_looked_at(sink, store, run_id).hash
    with work_at(sink, store, "a test") as still_alone:
        return _carried(undo_looked_at(sink, store, run_id), confirmed, MANY, sink, store, still_alone)


def _carried(plan: Plan, confirmed: str, most: int, sink: Sink, store: Any, still_alone: Any) -> Applied:
    said = Confirmation(confirmed, most, "ada")
    kind = "undo" if plan.undoes else "writeback"
    return carry_out(plan, said, sink, store, still_alone, lambda: new_run_id(kind), quiet)
