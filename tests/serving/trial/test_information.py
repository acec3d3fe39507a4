"""Whether a difference could be told: power that was promised is power that is had, without looking at the arms."""

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks._trials import Made, made
from serving.trial.information import LEAST_UNITS, NEEDED_ERROR, WORTH_KNOWING, Information, information


def of(trial: Made, *, fixed: bool = False, share: float = 0.2) -> Information:
    return information(trial.y, trial.coached, trial.p[:, None], trial.unit, 0.2, share=share, fixed=fixed)


def test_the_needed_error_shows_five_points_eight_times_of_ten():
    assert norm.cdf(WORTH_KNOWING / NEEDED_ERROR - norm.ppf(0.975)) == pytest.approx(0.8)


def test_so_many_deals_as_are_called_needed_find_five_points_eight_times_of_ten():
    rng = np.random.default_rng(1)
    needed = int(np.mean([of(made(rng, 800)).needed for _ in range(50)]))
    found = [made(rng, needed, effect=WORTH_KNOWING).difference(draws=0).low > 0 for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_the_error_foreseen_is_the_error_had():
    rng = np.random.default_rng(2)
    for kind in ("deal", "account", "owner"):
        trials = [made(rng, 1500, kind=kind, share=0.4) for _ in range(60)]
        foreseen = [of(trial).detectable / WORTH_KNOWING * NEEDED_ERROR for trial in trials]
        had = [trial.difference(draws=0).error for trial in trials]
        assert np.mean(foreseen) == pytest.approx(np.mean(had), rel=0.1), kind


def test_the_arms_are_not_looked_at():
    """However the wins lie between the arms, what is needed is the same: nobody can wait for the answer they like."""
    trial = made(np.random.default_rng(3), 1000)
    y = np.sort(trial.y)
    arms = np.arange(1000) >= 200
    flat = np.zeros((1000, 1))
    for_coaching = information(y, arms, flat, trial.unit, 0.2, share=0.2, fixed=False)
    against = information(y[::-1], arms, flat, trial.unit, 0.2, share=0.2, fixed=False)
    assert (for_coaching.needed, for_coaching.enough) == (against.needed, against.enough)


def test_before_anything_is_followed_the_plan_counts():
    nothing = np.zeros(0)
    there = information(nothing, nothing.astype(bool), np.zeros((0, 1)), nothing, 0.21, share=0.3, fixed=False)
    assert there.needed == int(np.ceil(0.21 / (0.3 * 0.7 * NEEDED_ERROR**2)))
    assert (there.followed, there.enough) == (0, False)


@pytest.mark.parametrize("won", [0, 1, 9])
def test_few_wins_never_seem_certain(won):
    y = np.zeros(100_000)
    y[:won] = 1
    coached = np.arange(len(y)) % 5 > 0
    there = information(y, coached, np.zeros((len(y), 1)), np.arange(len(y)), 0.2, share=0.2, fixed=False)
    assert not there.enough
    y[:10] = 1
    assert information(y, coached, np.zeros((len(y), 1)), np.arange(len(y)), 0.2, share=0.2, fixed=False).enough


def test_an_arm_of_few_units_never_seems_certain():
    rng = np.random.default_rng(4)
    y, unit = (rng.random(200_000) < 0.3).astype(float), np.arange(200_000) % 60
    coached = unit >= LEAST_UNITS - 1
    arms = (y, coached, np.zeros((len(y), 1)), unit, 0.2)
    assert not information(*arms, share=0.3, fixed=True).enough
    coached = unit >= LEAST_UNITS
    assert information(y, coached, *arms[2:], share=0.3, fixed=True).enough


def test_more_deals_of_the_same_owners_never_replace_owners():
    rng = np.random.default_rng(5)
    many = of(made(rng, 20_000, kind="owner", alike=1.5), fixed=True)
    assert many.needed is None
    assert many.needed_units > 40
    assert not many.enough
    open_ended = of(made(rng, 20_000, kind="owner", alike=1.5), fixed=False)
    assert open_ended.needed > 20_000
