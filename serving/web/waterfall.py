"""Reasons as a waterfall: from the chance of a typical deal, step by step, to the chance of this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 200.0
"""The width of the drawing, from 0 to the highest chance that the steps come to."""


@dataclass(frozen=True)
class Step:
    """One step: what it says, why that counts, its probability points (None: a total), and its bar.

    :param start, end: the chance before and after it, of a total 0 and the total.
    """

    says: str
    evidence: str
    points: float | None
    start: float
    end: float
    x: float = 0.0
    width: float = 0.0


def waterfall(reasons: Mapping[str, Any], probability: float) -> tuple[Step, ...]:
    """The steps from the base to the probability; what is not told by name comes last before the end."""
    told = [(one["says"], one["evidence"], one["points"]) for one in (*reasons["for"], *reasons["against"])]
    told.append(("Everything else together.", "", reasons["rest"]))
    at, steps = reasons["base"], [Step("A typical open deal", "", None, 0.0, reasons["base"])]
    for says, evidence, points in told:
        steps.append(Step(says, evidence, points, at, at + points))
        at += points
    steps.append(Step("This deal", "", None, 0.0, probability))
    highest = max(max(step.start, step.end) for step in steps)
    scale = WIDTH / max(highest, 1e-9)
    return tuple(_drawn(step, scale) for step in steps)


def _drawn(step: Step, scale: float) -> Step:
    low, high = (min(max(scale * one, 0.0), WIDTH) for one in sorted((step.start, step.end)))
    return Step(
        step.says, step.evidence, step.points, step.start, step.end, round(low, 1), round(max(high - low, 0.5), 1)
    )
