"""Judging by time: never a group on both sides, nothing known that came after the cut, slow deals in full."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from crm.clock import DAY, utc_day
from crm.errors import DATA_REFUSED, DataRefused
from features.dataset import TrainingSet
from tests.training.examples import HASTY, LOST, OPEN, WON, days_after, rows_of
from training import evaluation
from training.calibration import Calibrator
from training.deal_model import Boosters
from training.evaluation import (
    Cuts,
    Judged,
    calibrators,
    censoring_weight,
    choose_cuts,
    out_of_fold,
)
from training.rows import Rows, all_rows, known_at
from training.scorecard import judged_stall, judged_win, judged_win_within


@pytest.fixture(scope="module")
def some(light: TrainingSet) -> Rows:
    return all_rows(light)


@pytest.fixture(scope="module")
def cuts(training: TrainingSet, some: Rows) -> Cuts:
    return choose_cuts(some, training.until, training.time.cycle_days)


@dataclass(frozen=True)
class Fold:
    """What one fold's models had seen, and the rows that they were then asked about."""

    seen: Rows
    asked: Rows


@dataclass(frozen=True)
class Run:
    """An evaluation and what its folds looked at."""

    judged: Judged
    folds: list[Fold]


@pytest.fixture(scope="module")
def run(some: Rows, cuts: Cuts, training: TrainingSet) -> Run:
    folds: list[Fold] = []
    predicted = evaluation._predicted

    def watched(boosters: Boosters, seen: Rows, later: Rows) -> Judged:
        folds.append(Fold(seen, later))
        return predicted(boosters, seen, later)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_predicted", watched)
        judged = out_of_fold(some, cuts, training.time, HASTY)
    return Run(judged, folds)


@pytest.mark.parametrize(
    ("span", "cycle", "kept"),
    [(1000, 60, 250), (1000, 120, 300), (1000, 200, 400), (400, 60, 150)],
    ids=["at least a quarter", "two and a half cycles", "at most two fifths", "short history"],
)
def test_the_last_cycles_are_kept_for_judging(span: int, cycle: float, kept: int) -> None:
    rows = rows_of([WON, LOST], [1.0, 1.0], as_of=[0, days_after(span)])
    cuts = choose_cuts(rows, days_after(span), cycle)
    assert cuts.end == days_after(span)
    assert cuts.end - cuts.fit == days_after(kept)
    assert cuts.end - cuts.calibrate == days_after(kept / 2)


def test_cuts_stand_in_order_within_the_history(some: Rows, cuts: Cuts, training: TrainingSet) -> None:
    assert some.as_of.min() < cuts.fit < cuts.calibrate < cuts.end == training.until


def test_no_group_stands_on_both_sides(run: Run) -> None:
    assert len(run.folds) == evaluation.FOLDS
    for fold in run.folds:
        assert len(fold.seen)
        assert len(fold.asked)
        assert not set(fold.seen.group) & set(fold.asked.group)
        assert not set(fold.seen.deal) & set(fold.asked.deal)


def test_models_have_seen_nothing_that_came_after_the_first_cut(run: Run, cuts: Cuts) -> None:
    for fold in run.folds:
        assert fold.seen.as_of.max() <= cuts.fit < fold.asked.as_of.min()
        assert (fold.seen.as_of + fold.seen.days * DAY <= cuts.fit + 1).all()
        stall_known = ~np.isnan(fold.seen.stalled)
        assert (fold.seen.as_of[stall_known] + 30 * DAY <= cuts.fit).all()


def test_every_row_behind_the_first_cut_is_judged_once_in_its_place(run: Run, some: Rows, cuts: Cuts) -> None:
    later = some.where(some.as_of > cuts.fit)
    for name in ("x", "deal", "as_of", "outcome", "days", "stage"):
        np.testing.assert_array_equal(getattr(run.judged.rows, name), getattr(later, name), err_msg=name)
    assert len(run.judged.win_margin) == len(run.judged.curve.won) == len(later)


def test_predictions_belong_to_their_rows(run: Run) -> None:
    """Each fold's base rate is that of the groups it had seen, row by row in the order of the rows."""
    fold_of = (run.judged.rows.group // 3) % evaluation.FOLDS
    rates = [np.unique(run.judged.base_rate[fold_of == k]) for k in range(evaluation.FOLDS)]
    assert all(len(rate) == 1 for rate in rates)
    closed = [fold.seen.outcome[fold.seen.outcome >= 0] for fold in run.folds]
    np.testing.assert_allclose([rate[0] for rate in rates], [(known == WON).mean() for known in closed])


def test_what_happened_after_the_first_cut_changes_no_prediction(
    run: Run, some: Rows, cuts: Cuts, training: TrainingSet
) -> None:
    """Every later outcome turned round, every later stall label thrown away, half of the later rows made strange."""
    followed = (cuts.fit - some.as_of) / DAY
    later = (some.outcome < 0) | (some.days > followed)
    behind = some.as_of > cuts.fit
    strange = behind & (some.deal % 2 == 0)
    other = replace(
        some,
        outcome=np.where(later & (some.outcome >= 0), 1 - some.outcome, some.outcome).astype(np.int8),
        stalled=np.where(followed < training.time.stall_days, np.nan, some.stalled),
        x=np.where(strange[:, None], -some.x, some.x),
    )
    judged = out_of_fold(other, cuts, training.time, HASTY)
    same = ~strange[behind]
    assert 0.2 < same.mean() < 0.8
    for name in ("win_margin", "stall_margin", "base_rate", "stage_rate", "logistic", "stall_base", "stall_stage"):
        np.testing.assert_array_equal(getattr(judged, name)[same], getattr(run.judged, name)[same], err_msg=name)
    np.testing.assert_array_equal(judged.curve.won[same], run.judged.curve.won[same])
    assert (judged.win_margin != run.judged.win_margin)[~same].any()


def test_what_was_known_at_the_first_cut_does_change_predictions(
    run: Run, some: Rows, cuts: Cuts, training: TrainingSet
) -> None:
    """The counterpart: outcomes turned round before the cut are learned from."""
    known = (some.outcome >= 0) & (some.days <= (cuts.fit - some.as_of) / DAY)
    other = replace(some, outcome=np.where(known, 1 - some.outcome, some.outcome).astype(np.int8))
    judged = out_of_fold(other, cuts, training.time, HASTY)
    assert np.corrcoef(judged.win_margin, run.judged.win_margin)[0, 1] < 0


def test_calibrators_know_nothing_that_came_after_their_date(run: Run, cuts: Cuts, training: TrainingSet) -> None:
    stall_days = training.time.stall_days
    rows = run.judged.rows
    followed = (cuts.calibrate - rows.as_of) / DAY
    later = (rows.outcome >= 0) & (rows.days > followed)
    other = replace(
        rows,
        outcome=np.where(later, 1 - rows.outcome, rows.outcome).astype(np.int8),
        stalled=np.where(followed < stall_days, 0.0, rows.stalled),
    )
    assert later.any()
    assert calibrators(replace(run.judged, rows=other), cuts.calibrate, stall_days) == calibrators(
        run.judged, cuts.calibrate, stall_days
    )
    assert calibrators(replace(run.judged, rows=other), cuts.end, stall_days) != calibrators(
        run.judged, cuts.end, stall_days
    )


def test_calibrators_bring_the_promise_towards_what_was_known(run: Run, cuts: Cuts, training: TrainingSet) -> None:
    win, stall = calibrators(run.judged, cuts.end, training.time.stall_days)
    rows = run.judged.rows
    soft = np.where(rows.outcome >= 0, rows.outcome, run.judged.curve.won_after(rows.days))
    promised, raw = (one.probability(run.judged.win_margin).mean() for one in (win, Calibrator()))
    assert abs(promised - soft.mean()) < max(abs(raw - soft.mean()) / 2, 1e-3)
    known = ~np.isnan(rows.stalled)
    mean_risk = stall.probability(run.judged.stall_margin)[known].mean()
    assert mean_risk == pytest.approx(rows.stalled[known].mean(), abs=1e-3)


def test_without_predictions_to_calibrate_on_probabilities_stay_as_they_are(run: Run, cuts: Cuts) -> None:
    win, stall = calibrators(run.judged, cuts.fit, 30)
    assert (win.intercept, win.slope, stall.intercept, stall.slope) == (0, 1, 0, 1)


def test_a_closing_that_few_were_watched_long_enough_for_counts_for_those_who_were_not() -> None:
    until = days_after(100)
    watched = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    as_of = [days_after(100 - days) for days in watched]
    outcome = [WON, OPEN, LOST, OPEN, WON, OPEN, LOST, WON, OPEN, WON]
    days = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 61.0, 5.0, 90.0, 100.0]
    weight = censoring_weight(rows_of(outcome, days, as_of=as_of), until)
    # Watched for 10, 30, 50, 61, 5 and 100 days: ten, eight, six, four, ten and one in ten.
    np.testing.assert_allclose(weight, [1, 0, 10 / 8, 0, 10 / 6, 0, 10 / 4, 1, 0, 10])


def test_weights_are_bounded() -> None:
    as_of = np.where(np.arange(1000) == 0, 0, days_after(99))
    outcome, days = np.full(1000, OPEN), np.full(1000, 1.0)
    outcome[0], days[0] = WON, 100.0
    assert censoring_weight(rows_of(outcome, days, as_of=as_of), days_after(100)).max() == pytest.approx(10)


def test_weighted_closings_show_the_share_won_that_closings_alone_hide() -> None:
    rng = np.random.default_rng(0)
    won = rng.random(20_000) < 0.3
    took = np.where(won, rng.uniform(5, 40, 20_000), rng.uniform(30, 90, 20_000))
    as_of = rng.integers(0, days_after(100), 20_000)
    watched = 100 - as_of / DAY
    rows = rows_of(np.where(took <= watched, won, OPEN), np.minimum(took, watched), as_of=as_of)
    weight = censoring_weight(rows, days_after(100))
    closed = rows.outcome >= 0
    assert rows.outcome[closed].mean() > 0.4
    assert np.average(rows.outcome == WON, weights=weight) == pytest.approx(0.3, abs=0.03)


def test_wins_are_judged_only_behind_the_second_cut(run: Run, cuts: Cuts, training: TrainingSet) -> None:
    won = judged_win(run.judged, cuts, training.time.stall_days)
    assert (won.as_of > cuts.calibrate).all()
    assert (won.weight > 0).all()
    late = run.judged.rows.as_of > cuts.calibrate
    assert won.kept.sum() == len(won.y) == (late & (run.judged.rows.outcome >= 0)).sum()
    stall = judged_stall(run.judged, cuts, training.time.stall_days)
    assert (stall.as_of + 30 * DAY <= cuts.end).all()


def test_wins_within_a_horizon_are_judged_only_where_it_has_passed(run: Run, cuts: Cuts, training: TrainingSet) -> None:
    time = replace(training.time, horizon_days=45)
    within = judged_win_within(run.judged, cuts, time)
    assert len(within.y)
    assert ((within.as_of > cuts.calibrate) & (within.as_of + 45 * DAY <= cuts.end)).all()
    rows = run.judged.rows.where(within.kept)
    np.testing.assert_array_equal(within.y, (rows.outcome == WON) & (rows.days <= 45))
    # What the base rate knows, it knew at the second cut.
    early = known_at(run.judged.rows.where(run.judged.rows.as_of <= cuts.calibrate), cuts.calibrate, 30)
    seen = (cuts.calibrate - early.as_of) / DAY >= 45
    expected = ((early.outcome == WON) & (early.days <= 45))[seen].mean()
    np.testing.assert_allclose(within.probabilities["base rate"], expected)


def test_a_history_in_which_nothing_had_closed_by_the_first_cut_is_refused(training: TrainingSet) -> None:
    n = 300
    rng = np.random.default_rng(0)
    rows = rows_of(
        rng.integers(0, 2, n), rng.uniform(60, 65, n), as_of=rng.integers(0, days_after(35), n), x=rng.random((n, 2))
    )
    cuts = Cuts(days_after(60), days_after(80), days_after(100))
    with pytest.raises(DataRefused, match=utc_day(cuts.fit)) as refused:
        out_of_fold(rows, cuts, training.time, HASTY)
    assert refused.value.exit_code == DATA_REFUSED
    assert "score works without a model" in refused.value.remedy
