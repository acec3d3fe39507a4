"""The win curve: probability of won, lost, still open by days ahead, from a discrete-time hazard.

Time ahead of a snapshot is cut into intervals that grow with the company's cycle. One model answers
whether a deal that is still open closes in an interval, another whether a deal that closes in it is won;
each is a line and trees together (docs/decisions/0013).
An interval that the data do not see to its end drops out, so deals that are still open are neither dropped
nor counted as lost. The tail behind the last interval closes as its last interval does.

Inside, days are busy days, counted by the company's clock (:mod:`training.models.pace`); who asks speaks of real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit

from features.settings import TimeSettings
from training.models.blend import Blend, fit_blend
from training.models.pace import Pace, fit_pace
from training.rows import Rows
from training.settings import BoostingSettings

EDGES_IN_CYCLES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0)
MOST_ROWS = 150_000


@dataclass(frozen=True)
class Curve:
    """Curves of n deals: `won[:, j]`, `lost[:, j]` are the probabilities of having closed so by `edges[j]`.

    `edges` in busy days, the first 0; what is left behind the last edge closes later, `tail_won` of it as won.

    :param as_of: (n,) milliseconds from which days are counted by the `pace`; None: every day is as busy as another.
    """

    edges: np.ndarray
    won: np.ndarray
    lost: np.ndarray
    tail_won: np.ndarray
    as_of: np.ndarray | None = None
    pace: Pace = field(default_factory=Pace)

    def where(self, keep: np.ndarray) -> Curve:
        """The curves of the deals that a boolean mask keeps."""
        as_of = None if self.as_of is None else self.as_of[keep]
        return Curve(self.edges, self.won[keep], self.lost[keep], self.tail_won[keep], as_of, self.pace)

    @property
    def ever_won(self) -> np.ndarray:
        """Probability of being won at all; shape (n,)."""
        return self.won[:, -1] + self._left * self.tail_won

    @property
    def _left(self) -> np.ndarray:
        return 1 - self.won[:, -1] - self.lost[:, -1]

    def won_within(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being won within so many days (straight between edges); shape (n,)."""
        return _at(self.edges, self.won, self._busy(days))

    def lost_within(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being lost within so many days; shape (n,)."""
        return _at(self.edges, self.lost, self._busy(days))

    def won_after(self, days: np.ndarray) -> np.ndarray:
        """Probability of being won at all, of a deal known to have stayed open so many days; shape (n,)."""
        won, lost = self.won_within(days), self.lost_within(days)
        return np.clip((self.ever_won - won) / np.maximum(1 - won - lost, 1e-9), 0, 1)

    def open_after(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being still open after so many days; shape (n,)."""
        return 1 - self.won_within(days) - self.lost_within(days)

    def days_to_win(self, level: float = 0.5) -> np.ndarray:
        """Days within which that share of the wins comes, given that it is won; shape (n,).

        Infinite where that lies behind the last edge: how far behind is not known.
        """
        share = level * self.ever_won
        reached = self.won >= share[:, None]
        after = reached.argmax(axis=1)
        before = np.maximum(after - 1, 0)
        row = np.arange(len(share))
        low, high = self.won[row, before], self.won[row, after]
        part = np.clip((share - low) / np.maximum(high - low, 1e-12), 0, 1)
        busy = self.edges[before] + part * (self.edges[after] - self.edges[before])
        return self._real(np.where(reached.any(axis=1), busy, np.inf))

    @property
    def farthest(self) -> np.ndarray:
        """Days to the last edge; shape (n,)."""
        return self._real(np.full(len(self.won), self.edges[-1]))

    def _busy(self, days: np.ndarray | float) -> np.ndarray | float:
        return days if self.as_of is None else self.pace.busy(self.as_of, days)

    def _real(self, busy: np.ndarray) -> np.ndarray:
        return busy if self.as_of is None else self.pace.days(self.as_of, busy)

    def share_of_wins_within(self, days: np.ndarray | float) -> np.ndarray:
        """Share of the wins that comes within so many days, given that it is won; shape (n,)."""
        return np.clip(self.won_within(days) / np.maximum(self.ever_won, 1e-9), 0, 1)


@dataclass(frozen=True)
class WinCurve:
    """Two models over (snapshot, interval ahead), the intervals' edges in busy days, and the clock that counts them."""

    closing: Blend
    winning: Blend
    edges: tuple[float, ...]
    pace: Pace = field(default_factory=Pace)

    def curve(self, x: np.ndarray, as_of: np.ndarray | None = None) -> Curve:
        """The curves of snapshots; `x` (n, features) as in training, `as_of` (n,) milliseconds.

        Without `as_of` days ahead are counted as if each were as busy as another.
        """
        n, intervals = len(x), len(self.edges) - 1
        still_open = np.ones(n)
        won, lost = np.zeros((n, intervals + 1)), np.zeros((n, intervals + 1))
        share = np.zeros(n)
        for j in range(intervals):
            ahead = _with_interval(x, np.full(n, j), intervals)
            closes = still_open * expit(self.closing.margin(ahead))
            share = expit(self.winning.margin(ahead))
            won[:, j + 1] = won[:, j] + closes * share
            lost[:, j + 1] = lost[:, j] + closes * (1 - share)
            still_open = still_open - closes
        return Curve(np.asarray(self.edges), won, lost, share, as_of, self.pace)


@dataclass(frozen=True)
class Timing:
    """How a win curve counts time: edges of the intervals ahead in busy days, the first 0, and the clock."""

    edges: np.ndarray
    pace: Pace = field(default_factory=Pace)


def timing_of(rows: Rows, time: TimeSettings) -> Timing:
    """The timing that rows tell, with outcomes as known at one date."""
    pace = fit_pace(rows, time.calendar, time.grid_days)
    return Timing(interval_edges(_by_the_clock(rows, pace), time.cycle_days), pace)


def interval_edges(rows: Rows, cycle_days: float) -> np.ndarray:
    """Edges of the intervals ahead, scaled by the company's cycle, as far as the data can see."""
    edges = np.asarray(EDGES_IN_CYCLES) * max(cycle_days, 2.0)
    longest = rows.days[rows.outcome >= 0].max(initial=edges[1])
    return edges[: max(int(np.searchsorted(edges, longest)) + 1, 2)]


def fit_win_curve(
    rows: Rows, timing: Timing, settings: BoostingSettings, rounds: tuple[int, int] | None = None
) -> WinCurve:
    """Fit on rows with outcomes as known at one date.

    Whether a deal closes in an interval is asked of each interval that it was open in, each counting the same: a
    deal weighing less for having been open longer would make all seem to close sooner.

    :param rounds: of the closing and of the winning model; None chooses them.
    """
    rows, edges = _by_the_clock(rows, timing.pace), timing.edges
    row, interval, closes = _expand(rows, edges, settings.seed)
    ended = _ended(rows, settings.seed)
    intervals = len(edges) - 1
    when = np.clip(np.searchsorted(edges, rows.days[ended], side="left") - 1, 0, len(edges) - 2)
    won = (rows.outcome[ended] == 1).astype(float)
    first, second = rounds or (None, None)
    ahead = _with_interval(rows.x[row], interval, intervals)
    closing = fit_blend(ahead, closes, rows.group[row], None, quicker(settings), first)
    ahead = _with_interval(rows.x[ended], when, intervals)
    winning = fit_blend(ahead, won, rows.group[ended], rows.deal[ended], settings, second)
    return WinCurve(closing, winning, tuple(float(edge) for edge in edges), timing.pace)


def _by_the_clock(rows: Rows, pace: Pace) -> Rows:
    return replace(rows, days=pace.busy(rows.as_of, rows.days))


def _expand(rows: Rows, edges: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row number, interval and whether it closed in it, for each interval that a row is seen through."""
    last = len(edges) - 2
    closed = rows.outcome >= 0
    closing_interval = np.searchsorted(edges, rows.days, side="left") - 1
    seen_through = np.searchsorted(edges, rows.days, side="right") - 1
    count = np.where(closed, np.clip(closing_interval, 0, last + 1) + 1, seen_through)
    count = np.minimum(count, last + 1)
    chosen = np.arange(len(rows))
    if count.sum() > MOST_ROWS:
        keep = np.random.default_rng(seed).random(len(rows)) < MOST_ROWS / count.sum()
        chosen = chosen[keep]
    row = np.repeat(chosen, count[chosen])
    start = np.cumsum(count[chosen]) - count[chosen]
    interval = np.arange(len(row)) - np.repeat(start, count[chosen])
    closes = closed[row] & (interval == np.maximum(closing_interval[row], 0))
    return row, interval, closes.astype(float)


def _ended(rows: Rows, seed: int) -> np.ndarray:
    """Places of the rows with a known outcome, a random choice of them where there are many."""
    ended = np.flatnonzero(rows.outcome >= 0)
    if len(ended) <= MOST_ROWS:
        return ended
    return np.sort(np.random.default_rng(seed).choice(ended, MOST_ROWS, replace=False))


def _with_interval(x: np.ndarray, interval: np.ndarray, intervals: int) -> np.ndarray:
    """The rows with the interval's number, for the trees, and a column for each interval, for the line."""
    each = (interval[:, None] == np.arange(intervals)).astype(np.float32)
    return np.column_stack([x, interval.astype(np.float32), each])


def _at(edges: np.ndarray, cumulated: np.ndarray, days: np.ndarray | float) -> np.ndarray:
    """Straight-line interpolation of each row's cumulated probability at its own number of days."""
    each = np.clip(np.broadcast_to(np.asarray(days, dtype=float), (len(cumulated),)), 0, edges[-1])
    after = np.clip(np.searchsorted(edges, each, side="left"), 1, len(edges) - 1)
    row = np.arange(len(each))
    part = (each - edges[after - 1]) / (edges[after] - edges[after - 1])
    return cumulated[row, after - 1] * (1 - part) + cumulated[row, after] * part


def quicker(settings: BoostingSettings) -> BoostingSettings:
    """Settings for whether deals close, of which the rows are many and the target is smooth."""
    return replace(settings, learning_rate=0.1, most_rounds=min(settings.most_rounds, 200), patience=10, max_bin=63)
