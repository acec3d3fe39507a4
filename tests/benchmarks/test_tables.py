"""Figures of the benchmark tables, by hand and against what they must agree with."""

import numpy as np
import pytest

from benchmarks._simulated import expected_auc
from benchmarks._tables import auc_gained, brier_skill, saved, share_interval
from training.scores import auc

Y = np.array([1.0, 1.0, 0.0, 0.0])
DEAL = np.arange(4)


def test_brier_skill_of_the_truth_of_the_base_rate_and_in_between():
    base = np.full(4, 0.5)
    assert brier_skill(Y, Y, base, DEAL).value == 1
    assert brier_skill(Y, base, base, DEAL).value == 0
    assert brier_skill(Y, np.array([0.75, 0.75, 0.25, 0.25]), base, DEAL).value == pytest.approx(0.75)
    assert brier_skill(Y, 1 - Y, base, DEAL).value < 0


def test_share_is_of_sums_and_its_interval_over_deals():
    part, whole = np.array([1.0, 3.0, 0.0, 0.0]), np.array([2.0, 2.0, 2.0, 2.0])
    found = share_interval(part, whole, np.array([0, 0, 1, 1]))
    assert found.value == 0.5
    assert (found.low, found.high) == (0, 1)  # of two deals, one has all


def test_gains_are_against_the_other():
    good, bad = np.array([0.9, 0.6, 0.4, 0.1]), np.array([0.9, 0.4, 0.6, 0.1])
    assert auc_gained(Y, good, bad, DEAL).value == pytest.approx(0.25)
    assert saved(Y, good, bad, DEAL).value == pytest.approx(np.log(0.6 / 0.4) / 2)
    assert saved(Y, bad, good, DEAL).value == pytest.approx(-np.log(0.6 / 0.4) / 2)


def test_expected_auc_is_the_mean_auc_of_drawn_outcomes():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, 4000)
    p = np.clip(truth + rng.normal(0, 0.2, 4000), 0, 1)
    drawn = [auc((rng.uniform(size=4000) < truth).astype(float), p) for _ in range(20)]
    assert expected_auc(truth, p) == pytest.approx(np.mean(drawn), abs=0.005)
