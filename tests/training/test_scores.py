"""Scores say what their definitions say, and their intervals are as wide as the deals behind them allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from tests.training.examples import judged_of
from training.scorecard import card
from training.scores import (
    EPSILON,
    Interval,
    auc,
    auc_interval,
    brier_losses,
    calibration_error,
    entropies,
    equal_bins,
    log_losses,
    mean_interval,
)

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Outcomes of both kinds, probabilities on a coarse scale so that many are equal, and weights."""
    n = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(0, 2, n).astype(float)
    y[:2] = 0.0, 1.0
    p = rng.integers(1, draw(st.sampled_from((3, 10, 1000))), n) / 1000
    return y, p, rng.choice([0.5, 1.0, 3.0], n)


def test_log_loss_and_brier_score_by_hand() -> None:
    y, p = np.array([1.0, 0.0, 1.0]), np.array([0.8, 0.4, 0.5])
    np.testing.assert_allclose(log_losses(y, p), [-np.log(0.8), -np.log(0.6), np.log(2)])
    np.testing.assert_allclose(brier_losses(y, p), [0.04, 0.16, 0.25])


def test_a_certainty_that_fails_costs_much_but_not_endlessly_much() -> None:
    np.testing.assert_allclose(log_losses(np.array([1.0, 0.0]), np.array([0.0, 1.0])), -np.log(EPSILON), rtol=1e-6)


@settings(max_examples=40)
@given(samples())
def test_scores_agree_with_scikit_learn_with_weights_and_ties(sample: Sample) -> None:
    y, p, weight = sample
    assert np.average(log_losses(y, p), weights=weight) == pytest.approx(log_loss(y, p, sample_weight=weight))
    assert np.average(brier_losses(y, p), weights=weight) == pytest.approx(brier_score_loss(y, p, sample_weight=weight))
    assert auc(y, p, weight) == pytest.approx(roc_auc_score(y, p, sample_weight=weight))
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p))


def test_the_auc_of_one_outcome_alone_is_not_known() -> None:
    assert np.isnan(auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_a_perfect_predictor_scores_zero_and_sorts_perfectly() -> None:
    y = np.array([1.0, 0.0, 0.0, 1.0])
    assert log_losses(y, y).max() < 2 * EPSILON
    assert brier_losses(y, y).max() == 0
    assert calibration_error(y, y, np.ones(4)) == 0
    assert auc(y, y) == 1


def test_calibration_error_by_hand() -> None:
    y, p = np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.2, 0.3, 0.6, 0.7])
    # Two bins: promised 0.25 and kept 0.5; promised 0.65 and kept 1.
    assert calibration_error(y, p, np.ones(4), bins=2) == pytest.approx((0.25 + 0.35) / 2)
    # The last row counts three times, so that it has the upper bin for itself.
    weighted = calibration_error(y, p, np.array([1.0, 1.0, 1.0, 3.0]), bins=2)
    assert weighted == pytest.approx((3 * abs(2 - 1.1) / 3 + 3 * 0.3) / 6)


def test_the_same_promise_to_all_is_judged_as_one() -> None:
    """However the rows are ordered: half are won, and half is what was promised."""
    y = np.repeat([1.0, 0.0], 50)
    assert calibration_error(y, np.full(100, 0.5), np.ones(100)) == 0


@given(samples(), st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(sample: Sample, seed: int) -> None:
    y, p, weight = sample
    order = np.random.default_rng(seed).permutation(len(y))
    here, there = calibration_error(y, p, weight), calibration_error(y[order], p[order], weight[order])
    assert here == pytest.approx(there, abs=1e-12)


def test_bins_are_equally_filled_where_probabilities_differ() -> None:
    p = np.random.default_rng(0).permutation(100) / 100
    which = equal_bins(p, np.ones(100), 10)
    assert np.bincount(which).tolist() == [10] * 10
    assert (which == (p * 10 + 1e-9).astype(int)).all()


@given(samples(), st.integers(0, 1000))
def test_intervals_contain_their_value(sample: Sample, seed: int) -> None:
    y, p, weight = sample
    deal = np.random.default_rng(seed).integers(0, 8, len(y))
    mean = mean_interval(log_losses(y, p), weight, deal, draws=300)
    assert mean.value == pytest.approx(np.average(log_losses(y, p), weights=weight))
    assert mean.low <= mean.high
    if len(np.unique(deal)) > 5:  # a resample of one or two deals alone need not reach the whole
        assert mean.low - 1e-12 <= mean.value <= mean.high + 1e-12


def test_nine_in_ten_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(300):
        deal = np.repeat(np.arange(60), 5)
        values = rng.normal(size=60)[deal] + rng.normal(size=300)
        found = mean_interval(values, np.ones(300), deal, draws=200)
        inside.append(found.low <= 0 <= found.high)
    assert 0.84 < np.mean(inside) < 0.95


def test_rows_that_repeat_a_deal_do_not_make_an_interval_narrower() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 80).astype(float)
    p = np.clip(0.3 * y + rng.random(80) * 0.6, 0.01, 0.99)
    deal = np.repeat(np.arange(80), 20)
    y20, p20, weight = y[deal], p[deal], np.ones(1600)

    def width(interval: Interval) -> float:
        return interval.high - interval.low

    once = mean_interval(log_losses(y, p), np.ones(80), np.arange(80))
    by_deal = mean_interval(log_losses(y20, p20), weight, deal)
    by_row = mean_interval(log_losses(y20, p20), weight, np.arange(1600))
    assert width(by_deal) == pytest.approx(width(once), rel=0.15)
    assert width(by_deal) > 3 * width(by_row)
    assert width(auc_interval(y20, p20, weight, deal)) > 3 * width(auc_interval(y20, p20, weight, np.arange(1600)))


def test_the_auc_lies_within_its_interval() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 400).astype(float)
    p = np.clip(0.2 * y + rng.random(400) * 0.8, 0, 1)
    found = auc_interval(y, p, np.ones(400), np.arange(400) // 2)
    assert found.value == pytest.approx(roc_auc_score(y, p))
    assert 0.5 < found.low < found.value < found.high < 1


def test_an_interval_reads_as_people_write_it() -> None:
    assert str(Interval(0.5961, 0.58, 0.6131)) == "0.596 (0.580 to 0.613)"


def test_a_card_sets_the_model_beside_its_baselines() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(600)
    y = (rng.random(600) < truth).astype(float)
    found = card(
        "won in the end", judged_of(y, model=truth, deal=np.arange(600) // 3, stage_win_rates=np.full(600, 0.4))
    )
    assert found is not None
    assert found.model.name == "model"
    assert [line.name for line in found.lines] == ["model", "base rate", "stage win rates"]
    assert (found.rows, found.deals, found.kept) == (600, 200, pytest.approx(y.mean()))
    assert found.better_than("base rate") == pytest.approx(found.model.gain.value)
    assert found.line("base rate").gain == Interval(0.0, 0.0, 0.0)
    with pytest.raises(KeyError):
        found.line("astrology")


def test_one_outcome_alone_makes_no_card() -> None:
    assert card("won in the end", judged_of(np.ones(5), model=np.full(5, 0.9))) is None


def test_the_promised_loss_is_the_mean_one_of_probabilities_that_are_right() -> None:
    p = np.array([0.0, 0.1, 0.5, 0.97, 1.0])
    y = (np.arange(10_000) + 0.5)[:, None] / 10_000 < p
    come = log_losses(y.astype(float), p).mean(axis=0)
    np.testing.assert_allclose(entropies(p), come, atol=1e-5)
    assert entropies(np.array([0.5])) == pytest.approx(np.log(2))
