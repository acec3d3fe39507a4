"""The one reason that matters most on a deal, and the one next step: what fits in a line of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.wording import points


def top_reason(reasons: Mapping[str, Any]) -> dict[str, Any] | None:
    """The weightiest reason against (one that a rep can act on before others), else for; None where there is none."""
    found = sorted(reasons["against"] or reasons["for"], key=lambda reason: not reason["actionable"])
    return dict(found[0]) if found else None


def reason_line(reason: Mapping[str, Any]) -> str:
    """A reason with its sign before it and its weight behind it."""
    return f"{'−' if reason['points'] < 0 else '+'} {reason['says']} ({points(reason['points'])})"


def next_step(coaching: Sequence[Mapping[str, Any]]) -> str | None:
    """The first step of coaching in brief; None where there is none."""
    return str(coaching[0]["brief"]) if coaching else None
