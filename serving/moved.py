"""Why win chances moved over several scoring runs: the steps from run to run, summed by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REST = "Other facts together."
LATE = "What was entered or corrected since about the time before."
MODEL = "Another model answers now; of the same facts it says this much else."


@dataclass(frozen=True)
class Why:
    """One reason of a move, with the probability points that it brought."""

    says: str
    points: float


def why_moved(steps: Sequence[Mapping[str, Any] | None]) -> tuple[Why, ...]:
    """The reasons of a move, the weightiest first, what has no name last; none where a step is not explained.

    :param steps: what each run says of its own step (`moved` of its reasons), the first run first.
    """
    points: dict[str, float] = {}
    says: dict[str, str] = {}
    for step in steps:
        if step is None:
            return ()
        for move in step["moves"]:
            key = f"group {move['group']}"
            points[key] = points.get(key, 0.0) + move["points"]
            says[key] = move["says"]
        for key, text in (("rest", REST), ("late", LATE), ("model", MODEL)):
            points[key] = points.get(key, 0.0) + step[key]
            says[key] = text
    found = [Why(says[key], round(value, 6)) for key, value in points.items()]
    return tuple(sorted(found, key=lambda why: (why.says == REST, -abs(why.points))))
