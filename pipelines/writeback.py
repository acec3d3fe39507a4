"""Write-back: the newest answers put where people work, or taken back; looked at first, then applied by hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from crm.errors import WrongUse
from pipelines.champion import found_store, nothing_scored, scored_store
from pipelines.config import Config, Home, caller, load_config
from pipelines.sinks import sink_called
from serving.formats import Formats
from serving.sinks.files import check_target, write_table
from serving.sinks.sink import Sink, Value
from serving.sinks.tasks import KEY, tasks_of
from serving.store import Store, new_run_id
from serving.store_writeback import Progress, What
from serving.trial.assignment import HELD_BACK
from serving.writeback.apply import Applied
from serving.writeback.confirmed import Confirmation, carry_out, work_at
from serving.writeback.plan import Change, Plan, plan_undo, plan_writeback
from serving.writeback.values import values_of

Step = Callable[[str], None]
KINDS = {What.ANSWERS: "writeback", What.TASKS: "tasks"}
"""What runs are called by, and the commands that make them."""

RECORDS = {What.ANSWERS: "opportunity_id", What.TASKS: KEY}
"""What tells records apart."""


@dataclass(frozen=True)
class WritebackResult:
    """What would change at a sink, or (`applied`) what has.

    :param most: how many records may change.
    :param names: what people call the deals, by opportunity_id; `as_of`: of the run whose answers are written.
    :param what: answers in deals' records, or tasks; then `owners` are what people call owners, by their ids, and
        `deals` the deals of tasks that were made before, by the tasks' keys.
    :param options: what else the command was given that the plan depends on.
    """

    sink: str
    plan: Plan
    most: int
    formats: Formats
    names: Mapping[str, str]
    as_of: datetime | None = None
    applied: Applied | None = None
    what: What = What.ANSWERS
    options: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    deals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """How a write-back is asked for.

    :param confirmed: the hash of the plan that is to be carried out; None: only look.
    :param most: how many records may change; None: as configured, else as usual.
    :param out: where all changes are written to.
    """

    confirmed: str | None = None
    most: int | None = None
    out: Path | None = None


def definitions(sink_name: str, home: Home) -> str:
    """What an administrator has to create at a sink."""
    return sink_called(sink_name, load_config(home)).sink.definitions()


def writeback(sink_name: str, run_id: str | None, home: Home, asked: Asked, step: Step) -> WritebackResult:
    """Write a scoring run's answers (the newest's) into the records of a sink; without a hash only look at it.

    :raises WrongUse: where there is no such sink or run; DataRefused: where the plan is not what was confirmed.
    """
    config = load_config(home)
    configured, store = sink_called(sink_name, config), scored_store(home, config)
    scored = store.scoring_run(run_id)
    if scored is None:
        raise _no_such_run(run_id, home)
    rows = store.scores_of(scored)
    held_back = withheld(store, config)
    answers = {row["opportunity_id"]: values_of(row, held_back) for row in rows}
    sink = configured.sink

    def plan() -> Plan:
        earlier = store.standing_at(sink.address)
        return plan_writeback(sink, scored, answers, earlier, lambda done, of: step(f"read {done:,} of {of:,}"))

    names = {row["opportunity_id"]: row["name"] or "" for row in rows}
    made, most, applied = looked_at_or_applied(plan, sink, store, asked, configured.most, step)
    as_of = rows[0]["as_of"] if rows else None
    return WritebackResult(sink_name, made, most, config.formats, names, as_of, applied)


def undo(run_id: str, home: Home, asked: Asked, step: Step) -> WritebackResult:
    """Put back what a write-back found, where what it wrote is still there; without a hash only look at it.

    Tasks that were made are deleted again, those that nobody has touched since.

    :raises WrongUse: where there is no such write-back, or its sink is another by now.
    """
    config = load_config(home)
    store = scored_store(home, config)
    run = next((run for run in store.writebacks() if run["run_id"] == run_id), None)
    if run is None:
        raise WrongUse(f"there is no write-back '{run_id}'", where="RUN", remedy="`dealcast undo` lists them")
    sink, of_tasks = sink_called(run["sink"], config).sink, run["what"] is What.TASKS
    sink = tasks_of(sink) if of_tasks else sink
    if sink.address != run["address"]:
        raise WrongUse(
            f"the sink '{run['sink']}' is {sink.address} by now",
            where=f"[sinks.{run['sink']}]",
            expected=run["address"],
            remedy="name the former place again; nothing was changed",
        )

    def plan() -> Plan:
        written = store.written(run_id, Progress.WRITTEN, Progress.SENT)
        return plan_undo(sink, run_id, written, lambda done, of: step(f"read {done:,} of {of:,}"), whole=of_tasks)

    bounded = Asked(asked.confirmed, sum(run["counts"].values()), asked.out)
    made, most, applied = looked_at_or_applied(plan, sink, store, bounded, None, step, run["what"])
    rows = store.scores_of(run["scored_by"]) if run["scored_by"] else ()
    names = {row["opportunity_id"]: row["name"] or "" for row in rows}
    result = WritebackResult(run["sink"], made, most, config.formats, names, None, applied, run["what"])
    if not of_tasks:
        return result
    return replace(result, owners=owners_of(store), deals=_deals_of(store.written(run_id).values()))


def owners_of(store: Store) -> dict[str, str]:
    """What people call the CRM's users, by their ids."""
    return {user["user_id"]: user["name"] for user in store.crm_users() if user["name"]}


def _deals_of(tasks: Iterable[Change]) -> dict[str, str]:
    return {one.record_id: str(one.after["opportunity_id"] or one.before["opportunity_id"]) for one in tasks}


def runs(home: Home) -> tuple[dict[str, Any], ...]:
    """Every write-back, the first one first (:meth:`serving.store_writeback.WritebackStore.writebacks`)."""
    store = found_store(home, load_config(home))
    return () if store is None else store.writebacks()


def looked_at_or_applied(
    plan: Callable[[], Plan],
    sink: Sink,
    store: Store,
    asked: Asked,
    configured: int | None,
    step: Step,
    what: What = What.ANSWERS,
) -> tuple[Plan, int, Applied | None]:
    """The plan, how many records it may change, and what became of them where it was confirmed."""
    if asked.out is not None:
        check_target(asked.out)
    if asked.confirmed is None:
        made = plan()
        if asked.out is not None:
            write_table(changes_table(made, RECORDS[what]), asked.out)
        return made, _most(made, asked, configured), None
    author = caller()
    with work_at(sink, store, f"dealcast write-back by {author}") as still_alone:
        made = plan()
        if asked.out is not None:
            write_table(changes_table(made, RECORDS[what]), asked.out)
        said = Confirmation(asked.confirmed, _most(made, asked, configured), author, what)
        kind = "undo" if made.undoes else KINDS[what]
        applied = carry_out(
            made,
            said,
            sink,
            store,
            still_alone,
            lambda: new_run_id(kind),
            lambda done, of: step(f"wrote {done:,} of {of:,}"),
        )
    return made, said.most, applied


def _most(plan: Plan, asked: Asked, configured: int | None) -> int:
    return asked.most if asked.most is not None else configured if configured is not None else plan.cap


def changes_table(plan: Plan, record: str) -> pd.DataFrame:
    """Every field that is to change: the record (a deal, or a task's key), field, before, after, as text."""
    rows = [
        (change.record_id, name, _as_text(change.before[name]), _as_text(value))
        for change in plan.changes
        for name, value in change.after.items()
    ]
    return pd.DataFrame(rows, columns=[record, "field", "before", "after"], dtype="str")


def _as_text(value: Value) -> str | None:
    return None if value is None else str(value)


def withheld(store: Store, config: Config) -> frozenset[str]:
    """The deals that the trial under way shows no coaching."""
    if not config.trial.is_on:
        return frozenset()
    assigned = store.assigned(config.trial.trial_id)
    return frozenset(assigned.loc[assigned["arm"] == HELD_BACK, "opportunity_id"])


def _no_such_run(run_id: str | None, home: Home) -> WrongUse:
    if run_id is None:
        return nothing_scored(home)
    return WrongUse(f"there is no scoring run '{run_id}'", where="--run", remedy="leave it out for the newest one")
