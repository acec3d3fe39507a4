"""The answer without a model: shrunken win and stall rates by stage, and how long deals took.

Used where deals are too few, or where no model has passed the gate. Every deal of a stage gets the same
answer; nothing finer is pretended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.deal_model import Answers
from training.models.rates import StageRates, stall_rates, win_rates
from training.models.win_curve import Curve
from training.rows import Rows

QUANTILES = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Baseline:
    """Rates by stage; `won_days`, `lost_days`: deciles of the days that won and lost deals still took."""

    wins: StageRates
    stalls: StageRates
    knows_stalls: bool
    won_days: np.ndarray
    lost_days: np.ndarray

    def answer(self, stage: np.ndarray) -> Answers:
        """Answers by each deal's stage (text or None); shape (n,)."""
        win = self.wins.probability(stage)
        stall = self.stalls.probability(stage) if self.knows_stalls else np.full(len(stage), np.nan)
        edges = np.unique(np.concatenate([[0.0], self.won_days, self.lost_days]))
        won = win[:, None] * np.interp(edges, self.won_days, QUANTILES)[None, :]
        lost = (1 - win)[:, None] * np.interp(edges, self.lost_days, QUANTILES)[None, :]
        return Answers(win, Curve(edges, won, lost, win), stall)


def fit_baseline(rows: Rows) -> Baseline:
    """From snapshots with outcomes as known at one date; needs at least one closed deal."""
    closed = rows.outcome >= 0
    return Baseline(
        win_rates(rows),
        stall_rates(rows),
        bool((~np.isnan(rows.stalled)).any()),
        _deciles(rows.days[rows.outcome == 1], rows.days[closed]),
        _deciles(rows.days[rows.outcome == 0], rows.days[closed]),
    )


def _deciles(days: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    """Deciles of days to closing, beginning at 0 and strictly rising; those of all closings where none."""
    found = np.quantile(days if len(days) else fallback, QUANTILES)
    found[0] = 0.0
    return np.maximum.accumulate(found + np.arange(len(found)) * 1e-6)
