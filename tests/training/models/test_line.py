"""A straight line: what it finds, what it says of values that nobody has had, and that its parts add up."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import expit

from training.models import line as module
from training.models.blend import fit_blend
from training.models.boosting import margin
from training.models.line import FARTHEST, Line, fit_line, line_from
from training.models.tree_shap import contributions
from training.settings import BoostingSettings


def deals(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three features, a twentieth of the values not known, and the chance that the first of them makes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    truth = expit(1.5 * x[:, 0] - 0.5)
    x[rng.random((n, 3)) < 0.05] = np.nan
    return x, truth


@pytest.fixture(scope="module")
def fitted() -> Line:
    x, truth = deals(3000)
    return fit_line(x, truth)


def test_it_finds_what_is_there(fitted: Line) -> None:
    x, truth = deals(1000, seed=1)
    assert np.abs(expit(fitted.margin(x)) - truth).mean() < 0.05
    assert abs(fitted.weight[1]) < 0.1 < fitted.weight[0]


def test_contributions_add_up_and_are_each_features_own(fitted: Line) -> None:
    x, _ = deals(200, seed=2)
    parts = fitted.contributions(x)
    np.testing.assert_allclose(parts.sum(axis=1), fitted.margin(x), atol=1e-12)
    assert np.ptp(parts[:, -1]) == 0
    other = x.copy()
    other[:, 0] = fitted.middle[0]
    moved = np.nan_to_num(fitted.margin(x) - fitted.margin(other))
    np.testing.assert_allclose(parts[:, 0] - fitted.contributions(other)[:, 0], moved, atol=1e-9)
    np.testing.assert_array_equal(parts[:, 1:], fitted.contributions(other)[:, 1:])


def test_on_average_over_what_it_learned_from_a_feature_adds_nothing() -> None:
    x, truth = deals(3000)
    parts = fit_line(x, truth).contributions(x)
    np.testing.assert_allclose(parts[:, :-1].mean(axis=0), 0, atol=0.01)


def test_a_value_that_nobody_has_had_moves_no_further_than_the_farthest(fitted: Line) -> None:
    def at(value: float) -> float:
        return float(fitted.margin(np.array([[value, 0, 0]], np.float32))[0])

    farthest = fitted.middle[0] + FARTHEST * fitted.spread[0]
    assert at(1e12) == pytest.approx(at(farthest * 1.0001))
    assert at(-1e12) < at(0) < at(1e12)


def test_rows_weigh_what_they_are_told() -> None:
    """A hundred rows tell one thing, a thousand the opposite, and weigh a hundredth each."""
    x = np.concatenate([np.tile([[1.0], [-1.0]], (50, 1)), np.tile([[1.0], [-1.0]], (500, 1))]).astype(np.float32)
    target = np.concatenate([np.tile([1.0, 0.0], 50), np.tile([0.0, 1.0], 500)])
    weight = np.concatenate([np.ones(100), np.full(1000, 0.01)])
    assert fit_line(x, target, weight).weight[0] > 0.1
    assert fit_line(x, target).weight[0] < -0.1


def test_what_may_only_rise_never_falls_and_the_rest_is_fitted_without_it() -> None:
    x, truth = deals(2000)
    falling, both = 1 - truth, (True, True, False)
    bound, free = fit_line(x, falling, rising=both), fit_line(x, falling)
    assert free.weight[0] < -0.5
    assert bound.weight[0] == 0
    assert bound.weight[1] >= 0
    left_out = fit_line(np.where(np.isnan(x), np.nan, [[0, 1, 1]] * x).astype(np.float32), falling, rising=both)
    assert bound.weight[2] == pytest.approx(left_out.weight[2], abs=1e-9)
    assert fit_line(x, truth, rising=both).weight[0] == pytest.approx(fit_line(x, truth).weight[0], rel=0.01)


def test_a_soft_target_is_a_row_of_each_outcome() -> None:
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    soft = fit_line(x, np.full(200, 0.25), strength=1.0)
    twice = fit_line(np.tile(x, (4, 1)), np.repeat([1.0, 0.0, 0.0, 0.0], 200), np.full(800, 0.25), strength=1.0)
    np.testing.assert_allclose(soft.margin(x), twice.margin(x), atol=1e-6)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_where_all_went_one_way_it_says_so_for_every_deal(outcome: float) -> None:
    x = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    blend = fit_blend(x, np.full(300, outcome), np.arange(300), np.arange(300), BoostingSettings())
    for said in (fit_line(x, np.full(300, outcome)).margin(x), blend.margin(x)):
        assert np.abs(expit(said) - outcome).max() < 0.1


def test_features_never_known_or_always_the_same_disturb_no_one() -> None:
    x, truth = deals(400)
    x[:, 1], x[:, 2] = np.nan, 7.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_line(x, truth)
        answers = found.margin(deals(50, seed=3)[0])
    assert np.isfinite(answers).all()
    assert np.isfinite(list(asdict(found)["weight"])).all()


def test_of_very_many_rows_some_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    x, truth = deals(4000)
    whole = fit_line(x, truth)
    monkeypatch.setattr(module, "MOST_ROWS", 2000)
    half = fit_line(x, truth)
    assert half != whole
    assert half == fit_line(x, truth)
    later, _ = deals(500, seed=4)
    assert np.abs(expit(half.margin(later)) - expit(whole.margin(later))).mean() < 0.03


def test_it_survives_json(fitted: Line) -> None:
    assert line_from(json.loads(json.dumps(asdict(fitted)))) == fitted


def test_a_blend_is_halfway_between_its_parts_in_log_odds() -> None:
    x, truth = deals(800)
    blend = fit_blend(x, truth, np.arange(800), np.arange(800), BoostingSettings(), rounds=12)
    assert blend.rounds == 12
    np.testing.assert_allclose(blend.margin(x), (blend.line.margin(x) + margin(blend.trees, x)) / 2)
    np.testing.assert_allclose(blend.contributions(x).sum(axis=1), blend.margin(x), atol=1e-9)
    trees = contributions(blend.trees, x)
    np.testing.assert_allclose(blend.contributions(x), (blend.line.contributions(x) + trees) / 2)


def test_on_the_whole_a_blend_keeps_what_the_rows_say() -> None:
    """Deals with many rows are lost, those with one are won: weighed by deal the rows would seem to be won."""
    deal = np.concatenate([np.arange(900), np.repeat(np.arange(900, 1000), 30)])
    target = (deal < 900).astype(float)
    x = np.random.default_rng(5).normal(size=(len(deal), 3)).astype(np.float32)
    blend = fit_blend(x, target, deal, deal, BoostingSettings(), rounds=5)
    assert target.mean() < 0.25
    assert expit(blend.margin(x)).mean() == pytest.approx(target.mean(), abs=1e-6)


def test_a_deal_told_of_many_times_has_less_say_by_row() -> None:
    """A hundred deals tell one thing in a row each; five tell the opposite in a hundred rows each."""
    x = np.tile([[1.0], [-1.0]], (300, 1)).astype(np.float32)
    target = np.concatenate([np.tile([1.0, 0.0], 50), np.tile([0.0, 1.0], 250)])
    deal = np.concatenate([np.arange(100), 100 + np.arange(500) // 100])
    by_deal = fit_blend(x, target, deal, deal, BoostingSettings(), rounds=20)
    by_row = fit_blend(x, target, deal, None, BoostingSettings(), rounds=20)
    assert np.ptp(by_deal.margin(x)) < np.ptp(by_row.margin(x)) / 2
