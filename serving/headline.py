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


def first_step(coaching: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The step that stands beside a deal in the list: the first of its coaching; None where there is none."""
    return coaching[0] if coaching else None


def next_step(coaching: Sequence[Mapping[str, Any]]) -> str | None:
    """That step in brief."""
    step = first_step(coaching)
    return None if step is None else str(step["brief"])
