"""Calibration finds how far a margin is off, and shows whether a probability keeps its promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from training.calibration import Calibrator, ReliabilityRow, calibration_line, fit_calibrator, reliability

RNG_SEED = 11


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.2, 0.6), (0.5, 2.5), (-0.3, 0.1)])
def test_a_known_line_is_recovered_from_outcomes(intercept: float, slope: float) -> None:
    rng = np.random.default_rng(RNG_SEED)
    margin = rng.normal(0, 1.5, 60_000)
    y = (rng.random(60_000) < expit(intercept + slope * margin)).astype(float)
    found = fit_calibrator(margin, y)
    assert found.intercept == pytest.approx(intercept, abs=0.05)
    assert found.slope == pytest.approx(slope, abs=0.05)


@given(st.floats(-3, 3), st.floats(0.05, 4))
def test_a_known_line_is_recovered_exactly_from_probabilities(intercept: float, slope: float) -> None:
    margin = np.linspace(-2, 2, 101)
    found = fit_calibrator(margin, Calibrator(intercept, slope).probability(margin))
    assert found.intercept == pytest.approx(intercept, abs=1e-4)
    assert found.slope == pytest.approx(slope, abs=1e-4)


def test_few_deals_move_a_margin_little_and_many_as_far_as_it_is_off() -> None:
    margin = np.linspace(-2, 2, 101)
    promised = Calibrator(0.4, 1.5).probability(margin)
    few, many = fit_calibrator(margin, promised, 50), fit_calibrator(margin, promised, 1_000_000)
    assert 0 < few.intercept < 0.1
    assert 1 < few.slope < 1.2
    assert (many.intercept, many.slope) == pytest.approx((0.4, 1.5), abs=1e-3)


def test_it_is_the_deals_that_count_not_how_often_they_were_seen() -> None:
    margin = np.linspace(-2, 2, 101)
    promised = Calibrator(0.4, 1.5).probability(margin)
    once, often = (fit_calibrator(np.repeat(margin, n), np.repeat(promised, n), 300) for n in (1, 20))
    assert (once.intercept, once.slope) == pytest.approx((often.intercept, often.slope))


def test_a_wrong_way_is_not_trusted_for_being_told_by_few_deals() -> None:
    margin = np.linspace(-2, 2, 101)
    assert fit_calibrator(margin, Calibrator(0.0, -1.0).probability(margin), 10).slope == 0


def test_a_margin_that_tells_the_wrong_way_is_answered_with_the_base_rate() -> None:
    rng = np.random.default_rng(RNG_SEED)
    margin = rng.normal(size=2000)
    y = (rng.random(2000) < expit(-margin - 1)).astype(float)
    found = fit_calibrator(margin, y)
    assert found.slope == 0
    np.testing.assert_allclose(found.probability(margin), y.mean())


def test_a_margin_that_is_the_same_for_all_is_answered_with_the_base_rate() -> None:
    y = np.array([1.0, 0.0, 0.0, 0.0])
    found = fit_calibrator(np.full(4, 2.3), y)
    assert found.slope == 0
    np.testing.assert_allclose(found.probability(np.array([-5.0, 5.0])), 0.25)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_outcome_alone_is_answered_with_it_for_all(outcome: float) -> None:
    found = fit_calibrator(np.arange(5.0), np.full(5, outcome))
    assert found.slope == 0
    np.testing.assert_allclose(found.probability(np.arange(5.0)), outcome, atol=1e-5)


def test_outcomes_that_the_margin_separates_do_not_run_away() -> None:
    margin = np.array([-2.0, -1.0, 1.0, 2.0])
    found = fit_calibrator(margin, np.array([0.0, 0.0, 1.0, 1.0]))
    assert np.isfinite([found.intercept, found.slope]).all()
    assert (np.diff(found.probability(margin)) >= 0).all()


@given(st.integers(0, 2**32 - 1))
def test_calibrated_probabilities_keep_the_order_of_margins_and_the_mean_of_targets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 2, 200)
    target = np.clip(expit(margin) + rng.normal(0, 0.3, 200), 0, 1)
    found = fit_calibrator(margin, target)
    p = found.probability(np.sort(margin))
    assert (np.diff(p) > 0).all()
    assert ((p > 0) & (p < 1)).all()
    assert p.mean() == pytest.approx(target.mean(), abs=1e-6)


def outcomes_of(truth: np.ndarray, seed: int = RNG_SEED) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(truth)) < truth).astype(float)


def test_the_line_of_true_probabilities_is_one() -> None:
    truth = expit(np.random.default_rng(1).normal(-1, 1, 8000))
    slope, low, high = calibration_line(outcomes_of(truth), truth, np.ones(8000), np.arange(8000) // 2)
    assert slope == pytest.approx(1, abs=0.08)
    assert low < 1 < high
    assert high - low < 0.25


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_line_says_who_is_too_sure_and_who_is_too_timid(factor: float) -> None:
    truth = expit(np.random.default_rng(2).normal(-1, 1, 8000))
    said = expit(logit(truth) * factor)
    slope, low, high = calibration_line(outcomes_of(truth), said, np.ones(8000), np.arange(8000))
    assert slope == pytest.approx(1 / factor, rel=0.1)
    assert not low < 1 < high


def test_the_same_probability_for_all_has_no_line() -> None:
    assert np.isnan(calibration_line(np.array([0.0, 1.0]), np.full(2, 0.5), np.ones(2), np.arange(2))).all()


def test_reliability_by_hand() -> None:
    p = np.array([0.1, 0.2, 0.6, 0.8])
    y = np.array([0.0, 1.0, 1.0, 1.0])
    weight = np.array([1.0, 3.0, 1.0, 1.0])
    table = reliability(y, p, weight, np.array([7, 7, 7, 8]), bins=2)
    assert table == (
        ReliabilityRow(pytest.approx(0.175), pytest.approx(0.75), 2, 1),
        ReliabilityRow(pytest.approx(0.7), pytest.approx(1.0), 2, 2),
    )


def test_true_probabilities_are_kept_in_every_row_of_the_table() -> None:
    truth = np.random.default_rng(5).random(20_000)
    table = reliability(outcomes_of(truth), truth, np.ones(20_000), np.arange(20_000))
    assert len(table) == 10
    assert sum(row.rows for row in table) == 20_000
    assert all(abs(row.promised - row.kept) < 0.04 for row in table)
    assert all(here.promised < there.promised for here, there in itertools.pairwise(table))


def test_equal_promises_make_one_row_of_the_table() -> None:
    y = np.repeat([1.0, 0.0, 1.0], [10, 20, 70])
    table = reliability(y, np.repeat([0.5, 0.5, 0.9], [10, 20, 70]), np.ones(100), np.arange(100))
    assert [(row.promised, row.rows) for row in table] == [(pytest.approx(0.5), 30), (pytest.approx(0.9), 70)]


def test_rows_without_weight_make_no_row_of_the_table() -> None:
    assert reliability(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64)) == ()
