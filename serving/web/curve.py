"""By when a deal is won, lost or still open, as stacked columns, one a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from serving.win_curves import month_ends

WIDTH, HEIGHT, LEFT, FOOT, TOP = 340.0, 150.0, 40.0, 18.0, 6.0
LABEL = 60.0
"""The room that a month's label takes."""


@dataclass(frozen=True)
class Month:
    """A column: chances at a month's end, and where their parts stand; `label` where there is room for one."""

    end: date
    won: float
    lost: float
    x: float
    width: float
    won_height: float
    lost_height: float
    label: str

    @property
    def still_open(self) -> float:
        """The chance that the deal is still open then."""
        return max(1 - self.won - self.lost, 0.0)


def months_of(curve: Mapping[str, Any]) -> tuple[Month, ...]:
    """The columns of a curve as the store keeps it; none where there is no curve."""
    if not curve:
        return ()
    won, lost = curve["won"], curve["lost"]
    ends = month_ends(date.fromisoformat(curve["first"]) - timedelta(days=1), len(won))
    wide = (WIDTH - LEFT) / len(ends)
    every = max(-(-LABEL // wide), 1)
    return tuple(
        Month(
            end,
            w,
            gone,
            round(LEFT + place * wide, 1),
            round(max(wide - 2, 1.0), 1),
            round(w * HEIGHT, 1),
            round(gone * HEIGHT, 1),
            f"{end:%b %Y}" if place % every == 0 and LEFT + place * wide + LABEL <= WIDTH + wide else "",
        )
        for place, (end, w, gone) in enumerate(zip(ends, won, lost, strict=True))
    )
