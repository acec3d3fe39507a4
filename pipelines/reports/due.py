"""Whether a retraining was due, as text and as JSON."""

from __future__ import annotations

import json

from pipelines.due import DueResult
from pipelines.reports.training import train_facts
from pipelines.terminal import wrapped
from training.due import Says

_MARK = {Says.DUE: "!", Says.NOT_DUE: "✓", Says.UNKNOWN: "–"}


def due_text(result: DueResult) -> str:
    """The verdict, then every reason that was looked at."""
    due = result.due
    lines = ["A retraining is due." if due.due else "A retraining is not due."]
    for reason in due.reasons:
        lines += wrapped(f"{reason.name}: {reason.found}", f"  {_MARK[reason.says]} ")
    if due.wait:
        lines += wrapped(due.wait, "  … ")
    return "\n".join(lines)


def due_json(result: DueResult) -> str:
    """A machine's summary; `trained` is that of `dealcast train --json`, null where nothing was trained."""
    return json.dumps(
        {
            "due": result.due.due,
            "reasons": {one.name: {"says": one.says.value, "found": one.found} for one in result.due.reasons},
            "wait": result.due.wait,
            "trained": None if result.trained is None else train_facts(result.trained),
        },
        ensure_ascii=False,
    )
