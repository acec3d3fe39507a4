"""What a check found, as text and as JSON."""

from __future__ import annotations

import json

from pipelines.check import CheckResult
from pipelines.reports.leakage import audit_json, audit_lines
from pipelines.terminal import settings_lines, wrapped, wrapped_all


def check_summary(result: CheckResult) -> str:
    """The quality report, readiness, fields and features."""
    report, ready = result.company.report, result.readiness
    rows_in, accepted, aside = report.balance
    lines = [
        f"Tables ({result.company.shape} shape)",
        f"  {'file':32} {'rows in':>10} {'accepted':>10} {'set aside':>10}",
    ]
    for file in report.files:
        lines.append(f"  {file.file[:32]:32} {file.rows_in:10,} {file.accepted:10,} {sum(file.set_aside.values()):10,}")
        for rule, count in file.set_aside.items():
            lines += wrapped(f"{count:,} set aside: {rule}", "      ")
        for what, count in file.normalised.items():
            lines += wrapped(f"{count:,} taken with a note: {what}", "      ")
    for table, count in result.deleted.items():
        lines += wrapped(f"{table}: {count:,} rows have gone at the source since it was first synced", "  ")
    lines += [f"  {'together':32} {rows_in:10,} {accepted:10,} {aside:10,}", ""]
    lines += [f"Deals: {ready.deals:,}, of which {ready.won:,} won, {ready.lost:,} lost, {ready.open:,} open."]
    lines += wrapped_all(ready.messages)
    lines += ["", *audit_lines(result.leakage, result.findings)]
    lines += ["", f"Features: {result.features} can be built."]
    for why, names in result.absent.items():
        lines += wrapped(f"left out, because {why}: {', '.join(names)}", "  ")
    lines += ["", *settings_lines(result.time, known=ready.won + ready.lost > 0)]
    return "\n".join(lines)


def check_json(result: CheckResult) -> str:
    """A machine's summary of a check."""
    rows_in, accepted, aside = result.company.report.balance
    ready = result.readiness
    return json.dumps(
        {
            "rows_in": rows_in,
            "accepted": accepted,
            "set_aside": aside,
            "deleted_at_source": result.deleted,
            "deals": ready.deals,
            "won": ready.won,
            "lost": ready.lost,
            "open": ready.open,
            "enough": ready.enough,
            "fields": {one.field: one.verdict for one in result.leakage.fields},
            "leakage": audit_json(result.leakage, result.findings),
            "features": result.features,
            "absent_features": result.absent,
            "notes": list(result.company.notes),
        },
        ensure_ascii=False,
    )
