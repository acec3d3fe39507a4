"""The same features by our kernel and as one would write them in Polars, DuckDB and pandas."""

from __future__ import annotations

import math
import os
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from benchmarks._children import child
from features.questions import AsOf, Count, First, Last, Question, Since, SinceFirst, Sum, log1p

TITLE = "The same features in Polars, DuckDB and pandas"

ASKED: Mapping[str, Question] = {
    "days_since_inbound": Since("replies", "inbound"),
    "inbound_7d": Count("replies", "inbound", days=7),
    "inbound_30d": Count("replies", "inbound", days=30),
    "inbound_90d": Count("replies", "inbound", days=90),
    "inbound_trend": (Count("replies", "inbound", days=14) * 2) - Count("replies", "inbound", days=28),
    "silence_against_rhythm": Since("replies", "inbound")
    / ((SinceFirst("replies", "inbound") - Since("replies", "inbound")) / (Count("replies", "inbound") - 1)),
    "inbound_share": Count("replies", "inbound") / Count("replies"),
    "outbound_30d": Count("replies", "outbound", days=30),
    "outbound_90d": Count("replies", "outbound", days=90),
    "days_since_touch": Since("touches"),
    "touches_7d": Count("touches", days=7),
    "touches_30d": Count("touches", days=30),
    "touches_90d": Count("touches", days=90),
    "touches_total": Count("touches"),
    "meetings": Count("touches", "meeting"),
    "meetings_30d": Count("touches", "meeting", days=30),
    "meetings_90d": Count("touches", "meeting", days=90),
    "calls_30d": Count("touches", "call", days=30),
    "demos": Count("touches", "demo"),
    "proposals": Count("touches", "proposal"),
    "days_since_meeting": Since("touches", "meeting"),
    "stage_position": Last("stages", "rank"),
    "days_in_stage": Since("stages", "entered"),
    "moves_forward": Count("stages", "forward"),
    "moves_forward_90d": Count("stages", "forward", days=90),
    "moves_back": Count("stages", "backward"),
    "stages_skipped": Sum("stages", "skipped"),
    "days_since_forward": Since("stages", "forward"),
    "reopened": Count("stages", "reopened"),
    "amount": Last("amounts", "value"),
    "amount_changes": Count("amounts", "changed"),
    "amount_change_ratio": log1p(Last("amounts", "value")) - log1p(First("amounts", "value", "given")),
    "days_since_amount_change": Since("amounts", "changed"),
    "days_to_close_date": Last("close_dates", "day") - AsOf(),
    "pushes": Count("close_dates", "pushed"),
    "pushes_90d": Count("close_dates", "pushed", days=90),
    "pulls": Count("close_dates", "pulled"),
    "close_date_slip": Last("close_dates", "day") - First("close_dates", "day", "given"),
    "days_since_push": Since("close_dates", "pushed"),
    "mean_push": Sum("close_dates", "pushed_days") / Count("close_dates", "pushed"),
}
"""The features: questions asked of the streams of one deal."""

FEATURES = tuple(ASKED)

SIZES = {20_000: 3, 100_000: 3, 1_000_000: 1}
"""Deals, and how many runs."""

LIMIT = 120.0
"""Seconds beyond which a way is not tried at a size."""

WAYS = {
    "dealcast": "Dealcast",
    "polars": "Polars",
    "polars_by_deal": "Polars, by deal",
    "duckdb": "DuckDB",
    "pandas": "pandas",
    "pandas_by_deal": "pandas, by deal",
}

Seconds = dict[str, list[float] | str]
"""For each way its runs' seconds, or why there are none."""


def run() -> str:
    """Every way at every size; each run in a process of its own, the ways taking turns."""
    found: dict[int, tuple[Mapping[str, int], Seconds]] = {}
    for deals, runs in SIZES.items():
        before = list(found.items())[-1:]
        expected = {way: _expected(s[way], deals / smaller) for smaller, (_, s) in before for way in WAYS}
        with tempfile.TemporaryDirectory() as folder:
            rows = _child("write", deals, folder)
            found[deals] = rows, _timed(folder, runs, expected)
    return "\n".join([_HEAD, "", *_table(found), "", _how()])


def _timed(folder: str, runs: int, expected: Mapping[str, float]) -> Seconds:
    """Runs of all the ways, in turn; those that cannot be had, or would take too long, say so."""
    seconds: Seconds = {}
    for way in WAYS:
        if not _installed(way):
            seconds[way] = "not installed"
        else:
            seconds[way] = [] if expected.get(way, 0) <= LIMIT else "not run"
    for _ in range(runs):
        for way, so_far in seconds.items():
            if isinstance(so_far, list):
                answer = _child("once", way, folder)
                if "failed" in answer:
                    seconds[way] = str(answer["failed"])
                else:
                    so_far.append(float(answer["seconds"]))
    return seconds


def _expected(smaller: list[float] | str, times: float) -> float:
    return math.inf if isinstance(smaller, str) else statistics.median(smaller) * times


def _installed(way: str) -> bool:
    return way == "dealcast" or _version(way) != ""


def _version(way: str) -> str:
    try:
        return version(way.split("_", maxsplit=1)[0])
    except PackageNotFoundError:
        return ""


def _table(found: Mapping[int, tuple[Mapping[str, int], Seconds]]) -> list[str]:
    lines = [f"| deals | events | snapshots | {' | '.join(WAYS.values())} |", "|---" * (3 + len(WAYS)) + "|"]
    for deals, (rows, seconds) in found.items():
        events = sum(count for table, count in rows.items() if table != "snapshots")
        cells = [_cell(seconds[way], seconds["dealcast"]) for way in WAYS]
        lines.append(f"| {deals:,} | {events:,} | {rows['snapshots']:,} | {' | '.join(cells)} |")
    return lines


def _cell(theirs: list[float] | str, ours: list[float] | str) -> str:
    if isinstance(theirs, str) or isinstance(ours, str):
        return str(theirs)
    shown = f"{statistics.median(theirs):.2f} s"
    if theirs is ours:
        return shown
    return f"{shown} ({statistics.median(t / o for t, o in zip(theirs, ours, strict=True)):.1f} ×)"


_HEAD = f"""\
{len(FEATURES)} features of the streams of touches, replies, stages, amounts and close dates, at weekly snapshots of \
simulated companies: counts in windows with and without filters, totals, days since, first and last values, sums, \
shares, trends. All get the same \
coded tables (integer deals, integer milliseconds, boolean and float columns), in memory in their own format, rows in \
random order; the clock runs from there to the features in memory, sorting included. Every answer of every run is held \
against ours (to a millionth: ours are float32, theirs float64). {os.cpu_count()} processors; pandas uses one, the \
others as many as there are. Runs a size: {", ".join(f"{runs} of {deals:,} deals" for deals, runs in SIZES.items())}; \
each in a process of its own, the ways taking turns. Shown are the median time and, in brackets, the median over the \
turns of the time as a multiple of ours in the same turn. What would take more than {LIMIT:.0f} s is not run."""


def _how() -> str:
    return f"""\
How each is written, in the fastest of the forms we tried:

- **Polars** {_version("polars")}: lazy. Deal and time are packed into one integer (deal × 2⁴¹ + milliseconds); each \
stream is sorted by it once and sums and last times run along it; a `join_asof` on that one column, a linear merge, \
finds them at each snapshot, at its deal's begin and at each window's; features are differences. The packing is our \
kernel's own idea. *By deal* is what the manual has instead: sums `over("deal")`, `join_asof(by="deal")`. \
Slower were a join with `group_by`, `search_sorted`, and `rolling_sum_by` over events and snapshots together.
- **DuckDB** {_version("duckdb")}: each stream is joined with its deal's snapshots on `ts <= as_of` and grouped by \
snapshot, all windows and filters in one aggregation (`count_if`, `max`, `arg_max_null`); the five are joined. Its \
work grows with a deal's events × snapshots, and here both are few. Slower were `ASOF JOIN` (by deal, or packed) of \
running counts, window functions over events and snapshots together, and joins on the interval to the next event.
- **pandas** {_version("pandas")}: `groupby.cumsum` and `ffill` along each stream, `merge_asof` on the packed integer \
for the place of the last event at each snapshot and before each window, NumPy's `take` for the columns. *By deal*: \
the same with `merge_asof(by="deal")`."""


def _child(*arguments: object) -> dict[str, float | str]:
    """What a step in a process of its own answers; one that the system ends for want of memory says so."""
    try:
        return child("_peers", *arguments)
    except subprocess.CalledProcessError as failure:
        if failure.returncode in (-signal.SIGKILL, -signal.SIGABRT):
            return {"failed": "out of memory"}
        raise
