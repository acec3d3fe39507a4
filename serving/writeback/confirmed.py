"""A plan is carried out only as it was confirmed: by its hash, or as the rest of a run that carried that hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from crm.errors import DataRefused
from serving.sinks.sink import Sink
from serving.store_writeback import Progress, What, WritebackStore
from serving.writeback.apply import Applied, Carrier
from serving.writeback.plan import Plan


@dataclass(frozen=True)
class Confirmation:
    """What somebody has looked at and said yes to.

    :param plan: its hash; `most`: how many records may change; `author`: who says so; `what`: what is written.
    """

    plan: str
    most: int
    author: str
    what: What = What.ANSWERS


@contextmanager
def work_at(sink: Sink, journal: WritebackStore, holder: str) -> Iterator[Callable[[], None]]:
    """Be the only one who writes to a sink; what a run that was stopped has left unclear is cleared up first."""
    with journal.alone(f"write-back to {sink.address}", holder) as still_alone:
        for run in journal.writebacks():
            if run["address"] == sink.address and Progress.SENT in run["counts"]:
                unclear = journal.written(run["run_id"], Progress.SENT)
                Carrier(sink, journal, run["run_id"], still_alone).reconcile(unclear)
        yield still_alone


def carry_out(
    plan: Plan,
    said: Confirmation,
    sink: Sink,
    journal: WritebackStore,
    still_alone: Callable[[], None],
    new_run_id: Callable[[], str],
    step: Callable[[int, int], None],
) -> Applied:
    """Write what was confirmed and is not there yet.

    :param plan: as it stands now; made while nobody else writes to the sink (:func:`work_at`).
    :raises DataRefused: where that is not what was confirmed, or changes more records than it may. Nothing is written.
    """
    run = _run_of(plan, said.plan, journal)
    if run is None and plan.hash != said.plan:
        raise DataRefused(
            f"the plan is {plan.hash} by now, not {said.plan}; nothing was written",
            where=plan.address,
            expected="what was looked at: the same records, old values and new values",
            remedy="look at it again without --apply, then apply the hash that it shows",
        )
    if len(plan.changes) > said.most:
        raise DataRefused(
            f"{len(plan.changes):,} records would change, more than {said.most:,}; nothing was written",
            where=plan.address,
            expected=f"at most {said.most:,} records",
            remedy=f"look at the plan again; where it is meant, say so: --most {len(plan.changes)}",
        )
    changes = {change.record_id: change for change in plan.changes}
    if run is None:
        if not changes:
            return Applied("")
        run = _new_run(plan, said, sink, new_run_id())
        journal.begin_writeback(run, plan.changes)
    elif changes:
        journal.finish_writeback(run["run_id"], finished=False)
    return Carrier(sink, journal, run["run_id"], still_alone).carry(changes, step)


def _run_of(plan: Plan, confirmed: str, journal: WritebackStore) -> Mapping[str, Any] | None:
    """The newest run that carried the hash, where all that is still to be changed was confirmed with it.

    One that has written everything it was to write, and whose plan is whole again, was taken back: that is a new run.
    """
    runs = [run for run in journal.writebacks() if (run["address"], run["plan"]) == (plan.address, confirmed)]
    if not runs:
        return None
    run = runs[-1]
    if plan.hash == confirmed and Progress.WRITTEN in run["counts"]:
        return None
    known = journal.written(run["run_id"])
    return run if all(known.get(change.record_id) == change for change in plan.changes) else None


def _new_run(plan: Plan, said: Confirmation, sink: Sink, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "sink": sink.name,
        "address": sink.address,
        "plan": plan.hash,
        "scored_by": None if plan.undoes else plan.run_id,
        "undoes": plan.run_id if plan.undoes else None,
        "author": said.author,
        "what": said.what,
    }
