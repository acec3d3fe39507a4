"""Judging by time: fit on what was known at a date, judge on later dates, never a group on both sides.

Two cuts split the history. Models are fitted on what was known at the first cut, once for each fold of
groups, and predict the fold they have not seen at dates behind the cut. The calibrator is fitted on those
predictions up to the second cut, with outcomes as known there; what lies behind the second cut judges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from crm.clock import DAY, utc_day
from crm.errors import DataRefused
from features.settings import TimeSettings
from training.calibration import Calibrator, fit_calibrator
from training.deal_model import Boosters, Rounds, fit_boosters, rounds_of
from training.models import boosting
from training.models.rates import stall_rates, win_rates
from training.models.win_curve import Curve, timing_of
from training.rows import COLUMNS, Rows, known_at
from training.settings import BoostingSettings

FOLDS = 3


@dataclass(frozen=True)
class Cuts:
    """Milliseconds: models know what was known at `fit`, the calibrator at `calibrate`; `end` is now."""

    fit: int
    calibrate: int
    end: int


@dataclass(frozen=True)
class Judged:
    """Rows behind the first cut with predictions of models that had not seen their groups; shape (n,) each."""

    rows: Rows
    win_margin: np.ndarray
    stall_margin: np.ndarray
    curve: Curve
    base_rate: np.ndarray
    stage_rate: np.ndarray
    logistic: np.ndarray
    stall_base: np.ndarray
    stall_stage: np.ndarray

    def where(self, keep: np.ndarray) -> Judged:
        """The rows that a boolean mask keeps."""
        rest = (getattr(self, name)[keep] for name in _COLUMNS[2:])
        win, stall, curve = self.win_margin[keep], self.stall_margin[keep], self.curve.where(keep)
        return Judged(self.rows.where(keep), win, stall, curve, *rest)


_COLUMNS = ("win_margin", "stall_margin", "base_rate", "stage_rate", "logistic", "stall_base", "stall_stage")


def choose_cuts(rows: Rows, until: int, cycle_days: float) -> Cuts:
    """Keep the last two and a half cycles for judging, but between a quarter and two fifths of the history."""
    start = int(rows.as_of.min())
    span = until - start
    kept = int(np.clip(2.5 * cycle_days * DAY, 0.25 * span, 0.4 * span))
    return Cuts(until - kept, until - kept // 2, until)


def fold_of(group: np.ndarray) -> np.ndarray:
    """The fold that each group belongs to: the one whose models never see it. Shape (n,), 0 to FOLDS - 1."""
    return (group // 3) % FOLDS


def out_of_fold(rows: Rows, cuts: Cuts, time: TimeSettings, settings: BoostingSettings) -> Judged:
    """Predictions for every row behind the first cut, each from models that never saw its group.

    Raises DataRefused where nothing to learn from was known at the first cut.
    """
    fold = fold_of(rows.group)
    timing = timing_of(known_at(rows, cuts.fit, time.stall_days), time)
    parts, order = [], []
    rounds: Rounds | None = None
    for k in range(FOLDS):
        later = (fold == k) & (rows.as_of > cuts.fit)
        seen = known_at(rows.where(fold != k), cuts.fit, time.stall_days)
        if not (seen.outcome >= 0).any():
            raise DataRefused(
                f"too few deals had closed by {utc_day(cuts.fit)} to learn from them and be judged on later dates",
                expected="deals that closed in the first half of the history",
                remedy="give a longer history; until then score works without a model (model_version = baseline)",
            )
        # The first fold chooses the rounds, on what was known at the cut; nothing of the judged dates enters.
        boosters = fit_boosters(seen, timing, settings, rounds)
        rounds = rounds or rounds_of(boosters)
        parts.append(_predicted(boosters, seen, rows.where(later)))
        order.append(np.flatnonzero(later))
    return _joined(parts, np.argsort(np.concatenate(order), kind="stable"))


def _predicted(boosters: Boosters, seen: Rows, later: Rows) -> Judged:
    wins, stalls = win_rates(seen), stall_rates(seen)
    n = len(later)
    margin = np.full(n, np.nan) if boosters.stall is None else boosting.margin(boosters.stall, later.x)
    return Judged(
        later,
        boosters.win.margin(later.x),
        margin,
        boosters.curve.curve(later.x, later.as_of),
        np.full(n, wins.overall),
        wins.probability(later.stage),
        expit(boosters.win.line.margin(later.x)),
        np.full(n, stalls.overall),
        stalls.probability(later.stage),
    )


def calibrators(judged: Judged, at: int, stall_days: int) -> tuple[Calibrator, Calibrator]:
    """Win and stall calibrators from predictions at dates up to `at`, outcomes as known at `at`."""
    early = judged.where(judged.rows.as_of <= at)
    rows = known_at(early.rows, at, stall_days)
    if not len(rows):
        return Calibrator(), Calibrator()
    soft = np.where(rows.outcome >= 0, rows.outcome.astype(float), early.curve.won_after(rows.days))
    win = fit_calibrator(early.win_margin, soft, len(np.unique(rows.deal)))
    known = ~np.isnan(rows.stalled) & ~np.isnan(early.stall_margin)
    stall = fit_calibrator(early.stall_margin[known], rows.stalled[known]) if known.any() else Calibrator()
    return win, stall


def censoring_weight(rows: Rows, until: int) -> np.ndarray:
    """Weight of each row so that deals that close slowly count in full; 0 for those still open.

    A closing after d days is seen only in rows followed for d days; its weight is 1 ÷ the share of rows so
    followed (inverse probability of censoring, Robins & Rotnitzky 1992), at most 10.
    """
    followed = np.sort((until - rows.as_of) / DAY)
    seen = 1 - np.searchsorted(followed, rows.days, side="left") / max(len(followed), 1)
    return np.where(rows.outcome >= 0, np.minimum(1 / np.maximum(seen, 0.1), 10.0), 0.0)


def _joined(parts: list[Judged], order: np.ndarray) -> Judged:
    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    columns = {name: np.concatenate([getattr(part.rows, name) for part in parts])[order] for name in COLUMNS}
    rows = replace(parts[0].rows, **columns)
    won, lost, tail = (
        np.concatenate([getattr(part.curve, name) for part in parts])[order] for name in ("won", "lost", "tail_won")
    )
    curve = Curve(parts[0].curve.edges, won, lost, tail, rows.as_of, parts[0].curve.pace)
    win, stall, *rest = (column(name) for name in _COLUMNS)
    return Judged(rows, win, stall, curve, *rest)
