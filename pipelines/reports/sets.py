"""What `dealcast features` tells of the sets it wrote."""

from __future__ import annotations

import json
from collections import Counter

from crm.clock import utc_day, utc_text
from pipelines.daily import DailyResult
from pipelines.features import TRAINING, FeatureSet
from pipelines.terminal import about, wrapped, wrapped_all


def set_summary(written: FeatureSet) -> str:
    """A training or scoring set, in a few lines."""
    what = "deals and dates, with what came of each" if written.kind == TRAINING else "open deals"
    lines = [
        *about(
            written.out,
            f"{written.rows:,} {what}, {len(written.features)} features, as of {utc_day(written.as_of)}.",
        ),
        f"Fingerprint {written.fingerprint}",
    ]
    if written.parts > 1:
        lines.append(f"Worked off in {written.parts} parts.")
    if written.absent:
        lines.append(f"{len(written.absent)} features cannot be had from these tables:")
        for why, count in Counter(written.absent.values()).most_common():
            lines += wrapped(why, f"  {count:3} because ")
    return "\n".join(lines)


def set_json(written: FeatureSet) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "set": written.kind,
            "as_of": utc_text(written.as_of),
            "rows": written.rows,
            "features": list(written.features),
            "absent": written.absent,
            "fingerprint": written.fingerprint,
            "parts": written.parts,
            "out": str(written.out),
            "notes": list(written.notes),
        },
        indent=2,
        ensure_ascii=False,
    )


def daily_summary(result: DailyResult) -> str:
    """The days that were added, and what the comparison found."""
    rows = sum(result.kept.days[day].rows for day in result.added)
    span = f" ({result.added[0]} to {result.added[-1]})" if result.added else ""
    lines = about(
        result.folder,
        f"{len(result.added)} days added{span}, {rows:,} open deals in them; "
        f"{len(result.kept.days)} days in all, {len(result.kept.names)} features.",
    )
    if result.compared and not result.changed:
        lines.append(f"{len(result.compared)} days computed anew: each the same, to the last bit.")
    if result.changed:
        lines += wrapped_all(
            (
                f"{len(result.changed)} of {len(result.compared)} days computed anew tell something else now: "
                f"{', '.join(result.changed)}.",
                "Rows about these days have come, gone or changed since. The files were left as they are.",
            )
        )
    return "\n".join(lines)


def daily_json(result: DailyResult) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "folder": str(result.folder),
            "features": list(result.kept.names),
            "days": {day: {"rows": w.rows, "fingerprint": w.fingerprint} for day, w in result.kept.days.items()},
            "added": list(result.added),
            "compared": list(result.compared),
            "changed": list(result.changed),
            "notes": list(result.notes),
        },
        indent=2,
        ensure_ascii=False,
    )
