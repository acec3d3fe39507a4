"""Boosters learn what is there, stop where there is nothing, and explain themselves exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from tests.training.examples import HASTY, QUICK
from training.models import boosting

N = 3000


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of which the first decides, the true probability, and groups of three rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4)).astype(np.float32)
    x[rng.random((N, 4)) < 0.1] = np.nan
    truth = expit(2 * np.nan_to_num(x[:, 0]) - 0.5)
    return x, truth, np.arange(N) // 3


def test_a_booster_finds_what_decides(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    y = (np.random.default_rng(1).random(N) < truth).astype(float)
    booster = boosting.fit(x, y, group, QUICK)
    assert np.abs(expit(boosting.margin(booster, x)) - truth).mean() < 0.08
    assert booster.feature_importance("gain").argmax() == 0


def test_soft_targets_are_learned_as_the_probabilities_they_are(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    soft = expit(boosting.margin(boosting.fit(x, truth, group, QUICK), x))
    assert np.abs(soft - truth).mean() < 0.03
    assert soft.mean() == pytest.approx(truth.mean(), abs=0.01)


def test_rounds_stop_early_where_there_is_nothing_to_find(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    noise = np.random.default_rng(2).integers(0, 2, N).astype(float)
    signal = (np.random.default_rng(2).random(N) < truth).astype(float)
    assert boosting.best_rounds(x, noise, group, QUICK) < boosting.best_rounds(x, signal, group, QUICK)


def test_rounds_are_chosen_on_groups_that_were_held_out(sample: tuple[np.ndarray, ...]) -> None:
    """A column that names the group tells nothing of another group's outcome."""
    x, _, _ = sample
    group = np.arange(N) // 30
    y = np.random.default_rng(3).integers(0, 2, N // 30).astype(float)[group]
    named = np.column_stack([x[:, 1:], group]).astype(np.float32)
    greedy = replace(QUICK, min_data_in_leaf=5, lambda_l2=0.0, feature_fraction=1.0)
    by_row = boosting.best_rounds(named, y, np.arange(N), greedy)
    assert boosting.best_rounds(named, y, group, greedy) < by_row / 2


def test_each_quarter_of_the_groups_has_a_say_in_the_rounds(
    sample: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which quarter comes first does not matter, unless there are so many rows that one decides."""
    x, truth, group = sample
    y = (np.random.default_rng(4).random(N) < truth).astype(float)
    chosen = [boosting.best_rounds(x, y, group + 7 * first, QUICK) for first in range(boosting.FOLDS)]
    assert len(set(chosen)) == 1
    monkeypatch.setattr(boosting, "ROWS_OF_ALL_FOLDS", N)
    assert len({boosting.best_rounds(x, y, group + 7 * first, QUICK) for first in range(boosting.FOLDS)}) > 1


def test_heavy_rows_decide(sample: tuple[np.ndarray, ...]) -> None:
    x, _, group = sample
    target, heavy = np.where(np.arange(N) % 2, 1.0, 0.0), np.where(np.arange(N) % 2, 9.0, 1.0)
    booster = boosting.fit(x, target, group, QUICK, rounds=5, weight=heavy)
    assert expit(boosting.margin(booster, x)).mean() == pytest.approx(0.9, abs=0.01)


def test_what_may_only_rise_never_lowers_an_answer(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    steps = np.linspace(-3, 3, 61)

    def along(booster: object, row: np.ndarray) -> np.ndarray:
        walk = np.tile(row, (len(steps), 1))
        walk[:, 0] = steps
        return boosting.margin(booster, walk)  # type: ignore[arg-type]

    wavy = expit(2 * np.sin(2 * np.nan_to_num(x[:, 0])) + np.nan_to_num(x[:, 1]))
    free, bound = (boosting.fit(x, wavy, group, QUICK, rising=rising) for rising in ((), (True, False, False, False)))
    assert min(np.diff(along(free, row)).min() for row in x[:20]) < -0.1
    assert min(np.diff(along(bound, row)).min() for row in x[:20]) >= 0
    assert np.corrcoef(boosting.margin(bound, x), np.nan_to_num(x[:, 1]))[0, 1] > 0.3, "the others still count"
    assert boosting.best_rounds(x, truth, group, QUICK, rising=(True, False, False, False)) > 1


def test_given_rounds_are_kept(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    assert boosting.fit(x, truth, group, HASTY, rounds=6).num_trees() == 6


def test_one_outcome_alone_is_learned_without_rounds_to_choose(sample: tuple[np.ndarray, ...]) -> None:
    x, _, group = sample
    booster = boosting.fit(x, np.ones(N), group, HASTY)
    assert (expit(boosting.margin(booster, x)) > 0.99).all()


def test_the_same_data_and_seed_give_the_same_trees(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    first, second, other = (
        boosting.fit(x, truth, group, replace(HASTY, seed=seed)).model_to_string() for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_no_rows_get_no_answers(sample: tuple[np.ndarray, ...]) -> None:
    x, truth, group = sample
    assert boosting.margin(boosting.fit(x, truth, group, HASTY), x[:0]).shape == (0,)
