"""A million deals: time against sorting the same events once, memory, and how both grow."""

from __future__ import annotations

import numpy as np

from benchmarks._children import child

TITLE = "Features at scale"
SIZES = (10_000, 20_000, 100_000, 300_000, 1_000_000)
EVENTS_A_DEAL = 20
FAMILIES = {
    "the deal's own changes and activities": "stage,amount,close_date,engagement,age,company",
    "changes, owner, account, segment, intent": (
        "stage,amount,close_date,owner,account,segment,intent,age,company,calendar"
    ),
}


def run() -> str:
    """The kernel at several sizes, each in a process of its own."""
    child("_scale", "touch")
    kernel = [child("_scale", "kernel", deals) for deals in SIZES]
    parts = {what: child("_scale", "kernel", SIZES[-1], families) for what, families in FAMILIES.items()}
    return "\n".join([*_kernel_section(kernel), "", *_families_section(parts)])


def _kernel_section(kernel: list[dict[str, float]]) -> list[str]:
    slope = np.polyfit(*(np.log([one[name] for one in kernel]) for name in ("deals", "features_seconds")), 1)[0]
    last = kernel[-1]
    lines = [
        f"Weekly snapshots of simulated companies, {EVENTS_A_DEAL} events a deal (changes, activities, roles) in "
        f"random order, {last['features']:.0f} features, two threads. *Sort once*: all these events packed as "
        "(deal, time), argsorted and put in order, in the same process. *Features*: sorting every stream and "
        "answering every question for every snapshot, from events in memory. *Coding*: text tables to events (ids to "
        "numbers, value histories, closings of owners and accounts), before that. The machine's memory was written to "
        "once before, as virtual machines hand it out lazily.",
        "",
        "| deals | events | snapshots | sort once | features | as a multiple | coding | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['deals']:,.0f} | {one['events']:,.0f} | {one['snapshots']:,.0f} | {one['sort_seconds']:.2f} s "
        f"| {one['features_seconds']:.1f} s | {one['features_seconds'] / one['sort_seconds']:.1f} "
        f"| {one['coding_seconds']:.1f} s | {one['peak_gib']:.1f} GiB |"
        for one in kernel
    ]
    return [
        *lines,
        "",
        f"Slope of log time over log deals: {slope:.2f}. Peak memory is that of the whole process: tables, events, "
        f"streams and the {last['snapshots']:,.0f} × {last['features']:.0f} answers "
        f"({last['snapshots'] * last['features'] * 4 / 2**30:.1f} GiB).",
    ]


def _families_section(parts: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        f"Some families alone, {SIZES[-1]:,} deals:",
        "",
        "| families | features | sort once | features | as a multiple | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {what} | {one['features']:.0f} | {one['sort_seconds']:.2f} s | {one['features_seconds']:.1f} s "
        f"| {one['features_seconds'] / one['sort_seconds']:.1f} | {one['peak_gib']:.1f} GiB |"
        for what, one in parts.items()
    ]
    return lines
