import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from pipelines.reports.record import record_sentence
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


def test_a_baseline_that_says_less_is_held_against_ours_of_the_same() -> None:
    """Ours was far off only where the baseline could say nothing."""
    ours = rows(OURS, [300, 110, 100, 90], [100.0] * 4, crps=[9.0] * 4, p10=[80.0] * 4, p90=[120.0] * 4)
    last_year = rows("same period last year", [120, 120, 120], [100.0] * 3)
    last_year[["as_of", "period_end"]] += 100
    found = {score.method: score for score in summary(pd.concat([ours, last_year], ignore_index=True))}
    assert found[OURS].wape == found[OURS].beside == pytest.approx(220 / 400)
    assert found["same period last year"].wape == pytest.approx(60 / 300)
    assert found["same period last year"].beside == pytest.approx(20 / 300)
    said = record_sentence(list(found.values()), 4.0, "quarter").replace("\u00a0", " ")
    assert said.endswith(
        "(same period last year, the nearest of others: 20 %, against 7 % in the 3 that it could make)"
    )


def test_rows_that_bear_the_same_number_are_rows_of_their_own() -> None:
    """As in a record put together from parts."""
    parts = [
        pd.concat([rows(OURS, [110], [100.0], crps=[4.0]), rows("run rate", [said], [100.0])], ignore_index=True)
        for said in (90, 120, 60, 105, 95)
    ]
    for number, part in enumerate(parts):
        part[["as_of", "period_end"]] += number * 100
    apart, together = (summary(pd.concat(parts, ignore_index=fresh)) for fresh in (False, True))
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_equal(vars(one), vars(other))
    assert {score.method: score.ours for score in together}["run rate"] == pytest.approx(0.04)
