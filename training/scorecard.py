"""The scores of a model beside what it has to beat, on dates later than anything it has learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from features.settings import TimeSettings
from training.calibration import ReliabilityRow, calibration_line, reliability
from training.close_dates import days_to_planned_end
from training.deal_model import Answers
from training.evaluation import Cuts, Judged, calibrators, censoring_weight
from training.models.rates import stage_rates
from training.rows import Rows, known_at
from training.scores import (
    Interval,
    auc_interval,
    brier_losses,
    calibration_error,
    log_losses,
    mean_interval,
)


@dataclass(frozen=True)
class Line:
    """One model's scores on one question; `gain` is the log loss it saves against the base rate."""

    name: str
    log_loss: Interval
    brier: Interval
    auc: Interval
    gain: Interval
    calibration_error: float
    mean: float


@dataclass(frozen=True)
class Card:
    """One question (win, win within, stall, slip): the model's line first, then the baselines'.

    `slope` is the calibration slope with its interval; `kept` the share that came true.
    """

    question: str
    rows: int
    deals: int
    kept: float
    lines: tuple[Line, ...]
    slope: tuple[float, float, float]
    reliability: tuple[ReliabilityRow, ...]

    @property
    def model(self) -> Line:
        """The model's own line."""
        return self.lines[0]

    def line(self, name: str) -> Line:
        """The line of that name; KeyError where there is none."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(name)

    def better_than(self, name: str) -> float:
        """Log loss saved against a baseline; positive is better."""
        return self.line(name).log_loss.value - self.model.log_loss.value


@dataclass(frozen=True)
class JudgedRows:
    """What a card was computed from: outcomes, weights, deals and each line's probabilities; shape (n,).

    `kept` marks which of the rows that it was chosen from these are.
    """

    y: np.ndarray
    weight: np.ndarray
    deal: np.ndarray
    stage: np.ndarray
    as_of: np.ndarray
    kept: np.ndarray
    probabilities: Mapping[str, np.ndarray]


def judged_win(judged: Judged, cuts: Cuts, stall_days: int) -> JudgedRows:
    """Won or lost in the end, of rows behind the second cut; slow deals weighted to count in full."""
    calibrator, _ = calibrators(judged, cuts.calibrate, stall_days)
    late = judged.where(judged.rows.as_of > cuts.calibrate)
    return _kept(
        late,
        (late.rows.outcome == 1).astype(float),
        censoring_weight(late.rows, cuts.end),
        {
            "model": calibrator.probability(late.win_margin),
            "base rate": late.base_rate,
            "stage win rates": late.stage_rate,
            "logistic regression": late.logistic,
        },
    )


def judged_win_within(judged: Judged, cuts: Cuts, time: TimeSettings) -> JudgedRows:
    """Won within the horizon, of rows behind the second cut that were followed through it: nothing censored."""
    early = judged.where(judged.rows.as_of <= cuts.calibrate)
    before = known_at(early.rows, cuts.calibrate, time.stall_days)
    horizon = float(time.horizon_days)
    seen = (cuts.calibrate - before.as_of) / DAY >= horizon
    raw = _answers(judged, cuts, time).win_within(horizon)
    base = np.full(len(judged.rows), _share(before.where(seen), horizon))
    late = judged.rows.as_of > cuts.calibrate
    followed = late & ((cuts.end - judged.rows.as_of) / DAY >= horizon)
    won = (judged.rows.outcome == 1) & (judged.rows.days <= horizon)
    return _kept(judged, won.astype(float), followed.astype(float), {"model": raw, "base rate": base})


def judged_slip(judged: Judged, cuts: Cuts, time: TimeSettings) -> JudgedRows:
    """Still open at the end of the planned close date, of rows behind the second cut that were followed through it."""
    before = known_at(judged.rows, cuts.calibrate, time.stall_days)
    left = days_to_planned_end(before)
    before = before.where((cuts.calibrate - before.as_of) / DAY >= left)
    rates = stage_rates(before, _slipped(before))
    left = days_to_planned_end(judged.rows)
    followed = (judged.rows.as_of > cuts.calibrate) & ((cuts.end - judged.rows.as_of) / DAY >= left)
    return _kept(
        judged,
        _slipped(judged.rows),
        followed.astype(float),
        {
            "model": _answers(judged, cuts, time).open_after(left),
            "base rate": np.full(len(left), rates.overall),
            "stage slip rates": rates.probability(judged.rows.stage),
        },
    )


def judged_stall(judged: Judged, cuts: Cuts, stall_days: int) -> JudgedRows:
    """Stalled or not, of rows behind the second cut whose horizon has passed."""
    _, calibrator = calibrators(judged, cuts.calibrate, stall_days)
    late = judged.where(judged.rows.as_of > cuts.calibrate)
    known = ~np.isnan(late.rows.stalled) & ~np.isnan(late.stall_margin)
    return _kept(
        late,
        np.nan_to_num(late.rows.stalled),
        known.astype(float),
        {
            "model": calibrator.probability(late.stall_margin),
            "base rate": late.stall_base,
            "stage stall rates": late.stall_stage,
        },
    )


def card(question: str, judged: JudgedRows) -> Card | None:
    """The scores; None where no row can judge (too short a history, or one outcome only)."""
    y, weight, deal = judged.y, judged.weight, judged.deal
    if len(np.unique(y)) < 2:
        return None
    base = log_losses(y, judged.probabilities["base rate"])
    lines = tuple(_line(name, y, p, weight, deal, base) for name, p in judged.probabilities.items())
    model = judged.probabilities["model"]
    return Card(
        question,
        len(y),
        len(np.unique(deal)),
        float(np.average(y, weights=weight)),
        lines,
        calibration_line(y, model, weight, deal),
        reliability(y, model, weight, deal),
    )


def _line(name: str, y: np.ndarray, p: np.ndarray, weight: np.ndarray, deal: np.ndarray, base: np.ndarray) -> Line:
    losses = log_losses(y, p)
    return Line(
        name,
        mean_interval(losses, weight, deal),
        mean_interval(brier_losses(y, p), weight, deal),
        auc_interval(y, p, weight, deal),
        mean_interval(base - losses, weight, deal),
        calibration_error(y, p, weight),
        float(np.average(p, weights=weight)),
    )


def _kept(judged: Judged, y: np.ndarray, weight: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> JudgedRows:
    keep = weight > 0
    rows = judged.rows
    return JudgedRows(
        y[keep],
        weight[keep],
        rows.deal[keep],
        rows.stage[keep],
        rows.as_of[keep],
        keep,
        {name: p[keep] for name, p in probabilities.items()},
    )


def _answers(judged: Judged, cuts: Cuts, time: TimeSettings) -> Answers:
    """What the model would have said, calibrated on what was known at the second cut; without stall."""
    calibrator, _ = calibrators(judged, cuts.calibrate, time.stall_days)
    return Answers(calibrator.probability(judged.win_margin), judged.curve, np.full(len(judged.rows), np.nan))


def _slipped(rows: Rows) -> np.ndarray:
    """1 where a deal was still open at the end of its planned close date, for rows that were followed through it."""
    return ((rows.outcome < 0) | (rows.days > days_to_planned_end(rows))).astype(float)


def _share(rows: Rows, horizon: float) -> float:
    return float(((rows.outcome == 1) & (rows.days <= horizon)).mean()) if len(rows) else 0.5
