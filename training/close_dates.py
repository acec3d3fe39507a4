"""When deals are won, given that they are won: the span that is promised, and how spans and medians did later.

A deal that is won after the end of the data is not seen to be won, so that a record of the wins that are seen favours
fast ones. Here each snapshot is judged over the days for which it was followed: the share of its wins that came within
the span is held against the share that the curve promises of wins that come so soon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from crm.clock import DAY
from training.evaluation import Cuts, Judged
from training.rows import Rows, known_at
from training.scores import EPSILON, Interval, mean_interval

LEAST_DEALS = 20
SPAN = (0.1, 0.9)
"""8 of 10 wins come between these shares of all wins."""

PLAIN = 1.0
"""The shape that leaves the curve's own shares as they are."""

_SHAPES = (0.25, 4.0)
_DAYS_TO_CLOSE_DATE = "days_to_close_date"
_LEAST_LEFT = 1 / 1440


@dataclass(frozen=True)
class Coverage:
    """Share of the wins seen that came within the span, and the share promised of wins so soon.

    :param shape: of the shares of wins (see :func:`level_of`).
    """

    shape: float
    inside: Interval
    promised: float

    @property
    def off(self) -> float:
        """How far from its promise."""
        return abs(self.inside.value - self.promised)


@dataclass(frozen=True)
class CloseDateRecord:
    """Of snapshots behind the second cut, over the days for which each was followed.

    :param rows, deals: those that were won, and seen to be.
    :param span, other: by the curve's own shares, and by a shape fitted on what was known at the second cut; `span` is
        the one that kept its promise better.
    :param horizon_days: how far days are counted in the errors, which are means of the days between the win and the
        median, the planned close date (None where there is none ahead), the median of won deals from that stage.
    """

    rows: int
    deals: int
    span: Coverage
    other: Coverage
    horizon_days: float
    error: Interval
    error_of_plan: Interval | None
    error_of_stage: Interval


def level_of(share: float, shape: float) -> float:
    """The curve's own share of wins at which that share of them has come; `shape` above 1 draws both ends in.

    Recalibration by a symmetric beta distribution: it moves the ends and leaves the median where it is.
    """
    return float(beta.ppf(share, shape, shape))


def days_to_planned_end(rows: Rows) -> np.ndarray:
    """Days to the end of the planned close date known then; NaN where none was, or where it had passed. Shape (n,)."""
    if _DAYS_TO_CLOSE_DATE not in rows.names:
        return np.full(len(rows), np.nan)
    return ahead(rows.x[:, rows.names.index(_DAYS_TO_CLOSE_DATE)].astype(float) + 1)


def ahead(days_left: np.ndarray) -> np.ndarray:
    """Days that are left, NaN where there is not a minute left: the end of a day is the last millisecond of it."""
    return np.where(days_left >= _LEAST_LEFT, days_left, np.nan)


def fit_shape(judged: Judged, at: int, stall_days: int) -> float:
    """The shape of the shares of wins, from predictions at dates up to `at`, outcomes as known at `at`.

    The likeliest one, given of each snapshot that only wins within the days that it was followed are seen. PLAIN where
    too few deals were won.
    """
    early = judged.where(judged.rows.as_of <= at)
    rows, followed = known_at(early.rows, at, stall_days), (at - early.rows.as_of) / DAY
    won = rows.outcome == 1
    if len(np.unique(rows.deal[won])) < LEAST_DEALS:
        return PLAIN
    curve = early.curve.where(won)
    share = np.clip(curve.share_of_wins_within(rows.days[won]), EPSILON, 1 - EPSILON)
    seen = np.clip(curve.share_of_wins_within(followed[won]), EPSILON, 1 - EPSILON)

    def loss(logarithm: float) -> float:
        shape = math.exp(logarithm)
        likelihood = beta.logpdf(share, shape, shape) - beta.logcdf(seen, shape, shape)
        return -float(likelihood.mean())

    bounds = tuple(math.log(shape) for shape in _SHAPES)
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)


def close_date_record(rows: Rows, judged: Judged, cuts: Cuts, stall_days: int) -> CloseDateRecord | None:
    """None where too few deals are seen to be won behind the second cut, or before the first.

    :param rows: all snapshots, for how long deals took from each stage by the first cut.
    """
    late = judged.where(judged.rows.as_of > cuts.calibrate)
    followed = (cuts.end - late.rows.as_of) / DAY
    horizon = (cuts.end - cuts.calibrate) / DAY / 2
    before = known_at(rows, cuts.fit, stall_days)
    before = before.where(before.outcome == 1)
    won = late.rows.outcome == 1
    counted = won & (followed >= horizon)
    if min(len(np.unique(deals)) for deals in (before.deal, late.rows.deal[counted])) < LEAST_DEALS:
        return None
    fitted = fit_shape(judged, cuts.calibrate, stall_days)
    plain, shaped = (_coverage(late.where(won), followed[won], shape) for shape in (PLAIN, fitted))
    span, other = (shaped, plain) if shaped.off < plain.off else (plain, shaped)
    return CloseDateRecord(
        int(won.sum()),
        len(np.unique(late.rows.deal[won])),
        span,
        other,
        horizon,
        *_errors(late.where(followed >= horizon), before, horizon),
    )


def shape_now(record: CloseDateRecord | None, judged: Judged, cuts: Cuts, stall_days: int) -> float:
    """The shape to answer with: fitted on everything known now where one has helped, else the curve's own shares."""
    if record is None or record.span.shape == PLAIN:
        return PLAIN
    return fit_shape(judged, cuts.end, stall_days)


def _coverage(won: Judged, followed: np.ndarray, shape: float) -> Coverage:
    low, high = (level_of(share, shape) for share in SPAN)
    came = won.curve.share_of_wins_within(won.rows.days)
    seen = beta.cdf(np.maximum(won.curve.share_of_wins_within(followed), EPSILON), shape, shape)
    promised = (np.minimum(seen, SPAN[1]) - np.minimum(seen, SPAN[0])) / seen
    inside = ((came >= low) & (came <= high)).astype(float)
    return Coverage(shape, mean_interval(inside, np.ones(len(came)), won.rows.deal), float(promised.mean()))


def _errors(followed: Judged, before: Rows, horizon: float) -> tuple[Interval, Interval | None, Interval]:
    """Mean days between the win and the median, the plan and the stage's median, all counted up to the horizon.

    All on the same rows, those with a planned close date ahead where there are such. A deal that is still open weighs
    as much as its curve gives it to be won, at a day behind the horizon or behind the end of the data.
    """
    plan = days_to_planned_end(followed.rows)
    planned = ~np.isnan(plan)
    if len(np.unique(followed.rows.deal[planned & (followed.rows.outcome == 1)])) < LEAST_DEALS:
        planned = np.ones(len(plan), dtype=bool)
    rows, curve, plan = followed.rows.where(planned), followed.curve.where(planned), plan[planned]
    weight = np.where(rows.outcome == 1, 1.0, np.where(rows.outcome < 0, curve.won_after(rows.days), 0.0))

    def error(days: np.ndarray) -> Interval:
        return mean_interval(np.abs(np.minimum(days, horizon) - np.minimum(rows.days, horizon)), weight, rows.deal)

    of_plan = None if np.isnan(plan).any() else error(plan)
    return error(curve.days_to_win()), of_plan, error(_stage_median(before, rows.stage))


def _stage_median(won: Rows, stage: np.ndarray) -> np.ndarray:
    """Median days that won deals still took from each row's stage; of all stages where it has too few. Shape (n,)."""
    inside = {name: won.stage == name for name in {name for name in stage if name is not None}}
    enough = {name: here for name, here in inside.items() if len(np.unique(won.deal[here])) >= LEAST_DEALS}
    medians = {name: float(np.median(won.days[here])) for name, here in enough.items()}
    overall = float(np.median(won.days))
    return np.array([medians.get(name, overall) for name in stage], dtype=float)
