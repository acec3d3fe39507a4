"""The command `dealcast features` on a million deals: time and memory, in one process and within a budget."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks._children import child

TITLE = "The command on a million deals"
DEALS = 1_000_000
BUDGET = "4GiB"


def run() -> str:
    """Reading, computing and writing, each in a process of its own."""
    ways: dict[str, list[str]] = {f"`--memory {BUDGET}`": ["--memory", BUDGET], "in one process": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "data", Path(scratch) / "set.parquet"
        child("_scale", "write", DEALS, folder)
        whole = {what: child("_scale", "command", DEALS, folder, out, *more) for what, more in ways.items()}
    return "\n".join(_command_section(whole))


def _command_section(whole: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        f"`dealcast features` on Parquet files of the {DEALS:,} deals, from reading to the written set:",
        "",
        "| | time | peak memory | rows | parts | fingerprint |",
        "|---|---|---|---|---|---|",
    ]
    for what, one in whole.items():
        lines.append(
            f"| {what} | {one['seconds']:.0f} s | {one['peak_gib']:.1f} GiB | {one['rows']:,.0f} | {one['parts']:.0f} "
            f"| `{str(one['fingerprint'])[:16]}` |"
        )
    return lines
