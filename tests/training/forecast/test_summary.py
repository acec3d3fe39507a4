import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from training.forecast.record import OURS, crps, pinball
from training.forecast.summary import summary

NAN = math.nan


def test_the_crps_of_many_normal_draws_is_the_one_that_is_known() -> None:
    drawn = np.random.default_rng(1).normal(3, 2, (1, 200_000))
    for actual in (3.0, 5.5, -4.0):
        z = (actual - 3) / 2
        known = 2 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
        assert crps(drawn, np.array([actual]))[0] == pytest.approx(known, abs=0.02)
    assert crps(np.full((2, 5), 4.0), np.array([4.0, 7.0])).tolist() == pytest.approx([0, 3])


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    came = np.random.default_rng(1).normal(0, 1, 20_000)
    losses = [pinball(came, np.full(len(came), q), 0.9).mean() for q in (0.9, norm.ppf(0.9), 1.7)]
    assert losses[1] == min(losses)
    assert pinball(np.array([2.0, 0.0]), np.array([1.0, 1.0]), 0.9).tolist() == pytest.approx([0.9, 0.1])


def rows(
    method: str, said: list[float], came: list[float], level: str = "company", **more: list[float]
) -> pd.DataFrame:
    n = len(said)
    nothing = {name: np.full(n, NAN) for name in ("p10", "p50", "p90", "crps", "pinball")}
    return pd.DataFrame(
        {
            "as_of": np.arange(n) * 100 + 50,
            "period_end": (np.arange(n) + 1) * 100,
            "window": 0,
            "weeks_left": 4.0,
            "level": level,
            "key": "company",
            "method": method,
            "forecast": said,
            "actual": came,
            **nothing,
            **more,
        }
    )


def test_scores_are_what_they_say() -> None:
    came = [100.0, 100.0, 200.0, 100.0]
    ours = rows(
        OURS,
        [110, 90, 200, 120],
        came,
        p10=[90, 95, 150, 50],
        p90=[120, 99, 250, 90],
        p50=[1] * 4,
        crps=[5.0, 5, 5, 10],
        pinball=[1.0] * 4,
    )
    naive = rows("run rate", [200, 50, 100, 100], came)
    found = {score.method: score for score in summary(pd.concat([ours, naive], ignore_index=True))}
    score = found[OURS]
    assert (score.periods, score.forecasts, score.weeks_left) == (4, 4, 4)
    assert score.wape == pytest.approx(40 / 500)
    assert score.bias == pytest.approx(20 / 500)
    assert score.bias_low <= score.bias <= score.bias_high
    assert score.inside == 0.5
    assert score.crps == pytest.approx(25 / 500)
    other = found["run rate"]
    assert other.wape == pytest.approx(250 / 500)
    assert math.isnan(other.inside)
    # Of the last forecast alone three periods were over: 100 × (1/2, 2, 2) against 100.
    assert other.crps == pytest.approx(crps(np.array([[50.0, 200, 200]]), np.array([100.0]))[0] / 100)
    assert other.ours == pytest.approx(10 / 100)


def test_keys_with_nothing_at_all_do_not_count() -> None:
    none = rows(
        OURS,
        [0.0, 10.0, 10.0],
        [0.0, 10.0, 10.0],
        level="owner",
        p10=[0.0, 0, 0],
        p90=[0.0, 5, 20],
        p50=[0.0] * 3,
        crps=[0.0] * 3,
        pinball=[0.0] * 3,
    )
    (score,) = summary(none)
    assert (score.forecasts, score.inside) == (2, 0.5)
