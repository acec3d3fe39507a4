"""How a company's time is cut: grid, horizons, periods. Proposed from its data, settable by its people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from crm.clock import DAY
from crm.periods import FiscalCalendar
from features.histories import Histories

GRIDS = (1, 2, 3, 7)


@dataclass(frozen=True)
class TimeSettings:
    """How snapshots are taken and what is asked of the future; all in days.

    :param grid_days: distance between two snapshots of a deal.
    :param horizon_days: "won within": how far ahead the headline probability of winning soon looks.
    :param stall_days: a deal is stalled when it stays open so long without a forward move.
    :param cycle_days: the median days from opening to closing of closed deals (information only).
    :param calendar: fiscal periods.
    """

    grid_days: int = 7
    horizon_days: int = 90
    stall_days: int = 30
    cycle_days: float = 60.0
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)


class Spans(Protocol):
    """Spans in which deals were open: :class:`crm.history.Episodes`, or a part of what they tell; shape (n,) each."""

    @property
    def opened(self) -> np.ndarray:
        """Milliseconds."""

    @property
    def closed(self) -> np.ndarray:
        """Milliseconds; NEVER while open."""

    @property
    def won(self) -> np.ndarray:
        """1 won, 0 lost, -1 still open."""


@dataclass(frozen=True)
class TimeWishes:
    """What the configuration says of :class:`TimeSettings`; None = propose it from the data."""

    grid_days: int | None = None
    horizon_days: int | None = None
    stall_days: int | None = None
    period: str | None = None
    year_starts_in: int = 1
    weeks: str | None = None
    week_starts_on: str = "monday"

    def calendar(self, proposed: str = "quarter") -> FiscalCalendar:
        """The fiscal calendar; `proposed` is its period where none is wished for. Raises WrongUse for what is off."""
        return FiscalCalendar(self.period or proposed, self.year_starts_in, self.weeks, self.week_starts_on)


def propose(histories: Histories, wishes: TimeWishes | None = None) -> TimeSettings:
    """Settings that fit how long the company's deals take, overridden by what the configuration says."""
    return propose_for(histories.episodes, wishes)


def propose_for(spans: Spans, wishes: TimeWishes | None = None) -> TimeSettings:
    """Settings that fit how long deals were open, overridden by what the configuration says."""
    wishes = wishes or TimeWishes()
    cycle = median_cycle(spans)
    proposed = TimeSettings(
        grid_days=max(grid for grid in GRIDS if grid <= max(cycle / 6, 1)),
        horizon_days=90 if cycle >= 45 else max(7, round(cycle / 7) * 7),
        stall_days=30 if cycle >= 45 else 14 if cycle >= 12 else 7,
        cycle_days=cycle,
        calendar=wishes.calendar("quarter" if cycle >= 45 else "month" if cycle >= 10 else "week"),
    )
    said = {
        name: value
        for name in ("grid_days", "horizon_days", "stall_days")
        if (value := getattr(wishes, name)) is not None
    }
    return replace(proposed, **said)


def median_cycle(spans: Spans) -> float:
    """Median days from opening to closing, deals still open counted as taking longer (60 where none closed).

    The median of the Kaplan-Meier curve; where fewer than half have closed, that of the closed ones.
    """
    lasting = spans.closed > spans.opened  # not entered when all was over
    opened, closed_at = spans.opened[lasting], spans.closed[lasting]
    closed = spans.won[lasting] >= 0
    if not closed.any():
        return 60.0
    end = max(int(closed_at[closed].max()), int(opened.max()))
    took = (np.where(closed, closed_at, end) - opened) / DAY
    order = np.lexsort((~closed, took))  # who closed after as long was open still when one that is open was last seen
    at_risk = len(took) - np.arange(len(took))
    still_open = np.cumprod(np.where(closed[order], 1 - 1 / at_risk, 1.0))
    below = np.flatnonzero(still_open <= 0.5)
    return float(took[order][below[0]] if len(below) else np.median(took[closed]))
