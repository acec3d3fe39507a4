"""What a write-back would change or has changed, as text and as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.reports.tasks import left_out, tasks_json, tasks_lines, tasks_of_number
from pipelines.tasks import TasksResult
from pipelines.terminal import WIDTH, cut, wrapped
from pipelines.writeback import KINDS, RECORDS, WritebackResult
from serving.formats import NOTHING, Formats
from serving.sinks.sink import Kind, Value
from serving.sinks.tasks import FIELDS as TASK_FIELDS
from serving.store_writeback import Progress, What
from serving.writeback.apply import Applied
from serving.writeback.fields import BY_NAME, FIELDS, STAMPS
from serving.writeback.plan import Change, Kept

MOST_IDS = 5
LABELS = {field.name: field.label for field in (*FIELDS, *TASK_FIELDS)}


def result_text(result: WritebackResult, top: int, out: Path | None) -> str:
    """The records with what changes in them, what is left out and why, and what to do next."""
    applied = result.applied
    sections = [
        _head(result),
        _changes_lines(result, top) if applied is None else _applied_lines(applied, result.what),
        [f"Every change is in {out}."] if out is not None else [],
        _left_out(result),
        _next_step(result) if applied is None else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def result_json(result: WritebackResult) -> str:
    """A machine's summary: the plan with every change, and what became of it."""
    plan, applied = result.plan, result.applied
    told: dict[str, Any] = {
        "sink": result.sink,
        "address": plan.address,
        "undoes" if plan.undoes else "scoring_run": plan.run_id,
        "hash": plan.hash,
        "records": len(plan.changes),
        "most": result.most,
        "unchanged": plan.unchanged,
        "missing": plan.missing,
        "closed": plan.closed,
        "gone": plan.gone,
        "changes": [_named(change, result.what) for change in plan.changes],
        "left_alone": [_named(kept, result.what) for kept in plan.kept],
    }
    if isinstance(result, TasksResult):
        told |= tasks_json(result)
    if applied is not None:
        told["applied"] = {**vars(applied), "stopped": applied.stopped and applied.stopped.found}
    return json.dumps(told, ensure_ascii=False)


def _named(record: Change | Kept, what: What) -> dict[str, Any]:
    """A record's change under the name that its id has where it is kept."""
    told = asdict(record)
    return {RECORDS[what]: told.pop("record_id"), **told}


def runs_text(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write-backs, the newest first."""
    if not runs:
        return "Nothing has been written back yet."
    lines = []
    for run in reversed(runs):
        counts = ", ".join(f"{run['counts'][one]:,} {one.value}" for one in Progress if one in run["counts"])
        what = f"takes {run['undoes']} back" if run["undoes"] else f"{run['what']} of {run['scored_by']}"
        lines += [f"{run['run_id']}  {run['started_at']:%Y-%m-%d %H:%M} UTC by {run['author']}"]
        lines += wrapped(f"to {run['sink']}, {what}: {counts or 'nothing'}", "    ")
        lines += [] if run["finished_at"] else wrapped("It did not come to its end.", "    ")
    return "\n".join([*lines, "", "To take one back: dealcast undo RUN"])


def runs_json(runs: Iterable[Mapping[str, Any]]) -> str:
    """The same for a machine, the first one first."""
    return json.dumps(list(runs), ensure_ascii=False, default=_iso)


def _iso(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _head(result: WritebackResult) -> list[str]:
    plan = result.plan
    if plan.undoes:
        said = f"Taking {plan.run_id} back"
    else:
        what = "Answers" if result.what is What.ANSWERS else "Tasks from coaching"
        said = f"{what} of {plan.run_id}" + (f", as of {result.as_of:%Y-%m-%d}" if result.as_of else "")
    return [*wrapped(f"{said}, at {result.sink}:", ""), f"  {plan.address}"]


def _changes_lines(result: WritebackResult, top: int) -> list[str]:
    if result.what is What.TASKS:
        return tasks_lines(result, top)
    plan = result.plan
    number, same = len(plan.changes), plan.unchanged
    if plan.undoes:
        lines = wrapped(
            f"{_records(number)} would be put back; {same:,} {'is' if same == 1 else 'are'} so already.", ""
        )
    else:
        rest = "1 holds the answers already" if same == 1 else f"{same:,} hold the answers already"
        lines = wrapped(f"{_records(number)} would change; {rest}.", "")
    order = sorted(plan.changes, key=lambda change: (_priority(change), change.record_id))
    for change in order[:top]:
        name = result.names.get(change.record_id, "")
        lines += ["", cut(f"{change.record_id}  {name}".rstrip(), WIDTH)]
        lines += [_field_line(name, change, result.formats) for name in change.after if name not in STAMPS]
    if number > top:
        lines += ["", *wrapped(f"and {number - top:,} more: --out FILE or --json has all.", "")]
    return lines


def _priority(change: Change) -> int:
    place = change.after.get("priority")
    return place if isinstance(place, int) else 2**31


def _field_line(name: str, change: Change, form: Formats) -> str:
    field = BY_NAME[name]
    before, after = (_said(field.kind, values[name], form) for values in (change.before, change.after))
    if field.kind is Kind.LONG_TEXT:
        return cut(f"{field.label}: {after}", WIDTH, "  ")
    return cut(f"{field.label}: {before} → {after}", WIDTH, "  ")


def _said(kind: Kind, value: Value, form: Formats) -> str:
    if value is None:
        return NOTHING
    if kind is Kind.PERCENT:
        return f"{form.decimal(float(value) * 100, 1)} %"
    if kind is Kind.MONEY:
        return form.decimal(float(value), 2)
    if kind is Kind.NUMBER:
        return form.count(int(value))
    if kind is Kind.DATE:
        return form.day(date.fromisoformat(str(value)))
    return str(value) if kind is not Kind.INSTANT else f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M} UTC"


def _left_out(result: WritebackResult) -> list[str]:
    """What is not written, and why."""
    plan = result.plan
    lines = [line for why, ids in left_out(result).items() for line in _ids(why, ids)]
    lines += _ids("not there", plan.missing) + _ids("closed there by now", plan.closed)
    lines += _ids("no longer scored, left as they were written", plan.gone)
    for kept in plan.kept[:MOST_IDS]:
        ours, now = (NOTHING if value is None else str(value) for value in (kept.ours, kept.now))
        one = result.deals.get(kept.record_id, kept.record_id)
        said = f"left alone: {one}, {LABELS[kept.field]}, holds {now}; written was {ours}"
        lines += [cut(said, WIDTH)]
    if len(plan.kept) > MOST_IDS:
        lines += [f"and {len(plan.kept) - MOST_IDS:,} more that are left alone: --json has all."]
    return lines


def _ids(what: str, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    more = f" and {len(ids) - MOST_IDS:,} more" if len(ids) > MOST_IDS else ""
    return wrapped(f"{len(ids):,} {what}: {', '.join(ids[:MOST_IDS])}{more}", "")


def _next_step(result: WritebackResult) -> list[str]:
    plan = result.plan
    if not plan.changes:
        return ["There is nothing to write."]
    words = ["undo", plan.run_id] if plan.undoes else [KINDS[result.what], "--sink", result.sink, *result.options]
    command = f"dealcast {shlex.join(words)}"
    over = len(plan.changes) > result.most
    lines = []
    if over:
        lines = wrapped(f"That is more than {result.most:,}, so it must be said: --most {len(plan.changes)}.", "")
    lines += ["Nothing was written. To write this and nothing else:"]
    return [*lines, f"  {command} --apply {plan.hash}" + (f" --most {len(plan.changes)}" if over else "")]


def _applied_lines(applied: Applied, what: What) -> list[str]:
    counted = _records if what is What.ANSWERS else tasks_of_number
    if applied.whole and not applied.written:
        return ["That has been written already; nothing was left to write."]
    lines = wrapped(f"{counted(len(applied.written))} written.", "")
    for became, said in (("refused by the sink", applied.failed), ("left alone", applied.left)):
        lines += wrapped(f"{counted(len(said))} {became}:", "") if said else []
        lines += [cut(f"{one}: {why}", WIDTH, "  ") for one, why in list(said.items())[:MOST_IDS]]
        lines += [f"  and {len(said) - MOST_IDS:,} more: --json has all."] if len(said) > MOST_IDS else []
    lines += _ids("not come to, or without an answer", applied.unprocessed)
    if applied.stopped is not None:
        lines += ["", *str(applied.stopped).splitlines()]
    if not applied.whole:
        lines += ["", *wrapped("The same command again goes on with what is not written yet.", "")]
    return [*lines, f"To take it back: dealcast undo {applied.run_id}"] if applied.written else lines


def _records(number: int) -> str:
    return f"{number:,} {'record' if number == 1 else 'records'}"
