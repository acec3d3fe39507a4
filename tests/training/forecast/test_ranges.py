import numpy as np
import pytest
from scipy.stats import norm

from training.forecast.ranges import Ranges, fit_shape

DRAWN = np.random.default_rng(1).normal(100, 10, (3, 40_000))


def places(true_spread: float, n: int = 400) -> np.ndarray:
    """Where what came lies in ranges of spread 1, if the true one is so many times as wide."""
    return norm.cdf(np.random.default_rng(2).normal(0, true_spread, n))


def test_plain_ranges_are_those_that_were_drawn() -> None:
    low, middle, high = (Ranges().quantile("owner", DRAWN, share)[0] for share in (0.1, 0.5, 0.9))
    assert (low, middle, high) == pytest.approx((100 - 12.8, 100, 100 + 12.8), abs=0.3)


@pytest.mark.parametrize(("spread", "wider"), [(2.0, True), (0.5, False)])
def test_ranges_that_held_too_seldom_are_widened_and_too_often_narrowed(spread: float, wider: bool) -> None:
    shape = fit_shape(places(spread), np.ones(400))
    assert (shape < 1) == wider
    ranges = Ranges({"owner": shape})
    low, high = ranges.quantile("owner", DRAWN, 0.1)[0], ranges.quantile("owner", DRAWN, 0.9)[0]
    held = np.mean(np.abs(np.random.default_rng(3).normal(0, 10 * spread, 4000)) < (high - low) / 2)
    assert held == pytest.approx(0.8, abs=0.06)
    assert ranges.quantile("owner", DRAWN, 0.5)[0] == pytest.approx(100, abs=0.2)
    assert ranges.quantile("company", DRAWN, 0.1)[0] == pytest.approx(Ranges().quantile("owner", DRAWN, 0.1)[0])


def test_few_forecasts_hardly_move_a_range() -> None:
    assert fit_shape(np.array([0.5, 0.5]), np.array([0.3, 0.3])) == pytest.approx(1, abs=0.1)
    assert fit_shape(np.zeros(0), np.zeros(0)) == 1


def test_the_chance_of_a_quota_agrees_with_the_range() -> None:
    ranges = Ranges({"owner": 0.5})
    least = np.array([*(ranges.quantile("owner", DRAWN[:1], share)[0] for share in (0.1, 0.5, 0.9)), np.nan])
    found = ranges.reaching("owner", np.repeat(DRAWN[:1], 4, axis=0), least)
    assert found[:3] == pytest.approx([0.9, 0.5, 0.1], abs=0.01)
    assert np.isnan(found[3])
