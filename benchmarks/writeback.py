"""Write-back to PostgreSQL: 100,000 answers written, read back equal, written anew where they changed, taken back."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from serving.sinks.sink import Values
from serving.sinks.sql import SqlSettings, SqlSink
from serving.store import Store, new_run_id
from serving.store_writeback import Progress
from serving.writeback.confirmed import Confirmation, carry_out, work_at
from serving.writeback.fields import settled_all
from serving.writeback.plan import Plan, plan_undo, plan_writeback, read_all
from tests.databases import postgres_server

TITLE = "Write-back: 100,000 answers to PostgreSQL and back"
RECORDS = 100_000
CHANGED = 0.1
_WORDS = ("replies", "from", "the", "buyer", "in", "last", "days", "Deals", "like", "it", "are", "won", "of", "time")


def run() -> str:
    """The table of what each step took, and whether what was read back was equal."""
    with postgres_server() as postgres, postgres.database() as url, tempfile.TemporaryDirectory() as folder:
        sink = SqlSink("warehouse", SqlSettings(url))
        with sa.create_engine(url).begin() as connection:
            connection.exec_driver_sql(sink.definitions())
        store = Store(f"sqlite:///{Path(folder) / 'store.db'}")
        return "\n".join(_steps(sink, store))


def _steps(sink: SqlSink, store: Store) -> list[str]:
    rng = np.random.default_rng(1)
    first = _answers(rng, [f"006{number:015}" for number in range(RECORDS)])
    second = {**first, **_answers(rng, sorted(first)[:: round(1 / CHANGED)])}
    rows = []

    def step(what: str, work: Callable[[], Any], records: int) -> Any:
        began, used = time.perf_counter(), time.process_time()
        answer = work()
        took, ours = time.perf_counter() - began, time.process_time() - used
        print(f"   {time.strftime('%H:%M:%S')} {what}: {took:.1f} s", file=sys.stderr, flush=True)
        rows.append(f"| {what} | {records:,} | {took:.1f} s | {ours:.1f} s | {records / took:,.0f} |")
        return answer

    plan = step("looked at (all new)", lambda: _looked_at(sink, first), RECORDS)
    applied = step("journal, compare, write", lambda: _carried(plan, sink, store), RECORDS)
    held = step("read back", lambda: read_all(sink, sorted(first)), RECORDS)
    equal = sum(held[one] == first[one] for one in first)
    plan = step(f"looked at ({CHANGED:.0%} changed)", lambda: _looked_at(sink, second), RECORDS)
    some = step("journal, compare, write", lambda: _carried(plan, sink, store), len(plan.changes))
    equal_again = sum(held == second[one] for one, held in read_all(sink, sorted(first)).items())
    for run_id in (some.run_id, applied.run_id):
        written = store.written(run_id, Progress.WRITTEN)
        plan = plan_undo(sink, run_id, written, _quiet)
        step("taken back", lambda plan=plan: _carried(plan, sink, store), len(plan.changes))
    left = sum(any(value is not None for value in values.values()) for values in read_all(sink, sorted(first)).values())
    size = np.mean([len(str(values["reasons"])) for values in first.values()])
    return [
        f"A table of our own in PostgreSQL, on the same machine ({os.cpu_count()} cores, no wait for the disk), the "
        f"journal in SQLite; {len(next(iter(first.values())))} fields a record, reasons of {size:.0f} characters at "
        "the mean. Each record that is written is kept in the journal first, read once more and compared, written, and "
        "marked. One run; *processor* is what the command itself computed, which says more than the clock where the "
        "machine has other work, as it may have had.",
        "",
        "| step | records | took | processor, ours | records a second |",
        "|---|---:|---:|---:|---:|",
        *rows,
        "",
        f"Read back equal in every field: {equal:,} of {RECORDS:,} at first, {equal_again:,} of {RECORDS:,} after the "
        f"second write, which wrote {len(some.written):,}. Rows that still said anything once both were taken back: "
        f"{left:,}.",
    ]


def _looked_at(sink: SqlSink, answers: Mapping[str, Values]) -> Plan:
    return plan_writeback(sink, "score", answers, (), _quiet)


def _carried(plan: Plan, sink: SqlSink, store: Store) -> Any:
    with work_at(sink, store, "the benchmark") as still_alone:
        said = Confirmation(plan.hash, len(plan.changes), "bench")
        done = carry_out(plan, said, sink, store, still_alone, lambda: new_run_id("writeback"), _quiet)
    if not done.whole:
        raise RuntimeError(f"not all was written: {done.failed} {done.left} {done.stopped}")
    return done


def _answers(rng: np.random.Generator, ids: list[str]) -> dict[str, Values]:
    """Answers as wide as real ones."""
    chance, amount = rng.random((len(ids), 5)), rng.lognormal(10, 1, (len(ids), 3))
    day, words = rng.integers(1, 28, len(ids)), rng.integers(0, len(_WORDS), (len(ids), 24))
    found = {}
    for row, one in enumerate(ids):
        says = " ".join(_WORDS[word] for word in words[row])
        lines = "\n".join(f"{side}: {says} ({points} points)" for side in ("For", "Against") for points in range(4))
        found[one] = settled_all(
            {
                "win_probability": chance[row, 0],
                "win_probability_change": chance[row, 1] - 0.5,
                "score": int(chance[row, 0] * 99),
                "grade": "ABCD"[int(chance[row, 0] * 4)],
                "win_probability_this_period": chance[row, 2],
                "stall_risk": chance[row, 3],
                "expected_close_date": f"2026-09-{day[row]:02}",
                "expected_amount": amount[row, 0],
                "expected_revenue_this_period": amount[row, 1],
                "revenue_at_stake": amount[row, 2],
                "priority": row + 1,
                "data_confidence": chance[row, 4],
                "reasons": lines,
                "stall_reasons": says,
                "coaching": None if row % 3 else says,
                "model_version": "3",
                "scored_at": "2026-08-11T06:00:00Z",
            }
        )
    return found


def _quiet(done: int, of: int) -> None:
    """Steps are told by this file itself."""
