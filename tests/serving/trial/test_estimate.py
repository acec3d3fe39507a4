"""The difference between arms: against closed forms, another way of computing it, and trials whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks._trials import Made, made
from serving.trial.estimate import difference


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def nothing(n: int) -> np.ndarray:
    return np.zeros((n, 0))


def test_without_covariates_it_is_the_t_test_of_unequal_variances(rng):
    y, coached = rng.normal(size=60), np.arange(60) < 45
    y[coached] *= 3
    found = difference(y, coached, nothing(60), np.arange(60))
    assert found.value == pytest.approx(y[coached].mean() - y[~coached].mean())
    assert found.error == pytest.approx(np.sqrt(y[coached].var(ddof=1) / 45 + y[~coached].var(ddof=1) / 15))
    # The degrees of freedom of Bell & McCaffrey for two samples (Imbens & Kolesár 2016).
    assert found.freedom == pytest.approx(60**2 * 44 * 14 / (45**2 * 44 + 15**2 * 14))
    reach = student.ppf(0.975, found.freedom) * found.error
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))


def test_it_is_the_difference_of_two_regressions_at_the_mean_of_the_covariates(rng):
    x = rng.normal(size=(80, 2))
    y, coached = x @ [1.0, -2.0] + rng.normal(size=80), rng.random(80) < 0.7
    at_mean = []
    for arm in (coached, ~coached):
        beta = np.linalg.lstsq(np.column_stack([np.ones(arm.sum()), x[arm]]), y[arm], rcond=None)[0]
        at_mean.append(beta @ np.append(1, x.mean(axis=0)))
    assert difference(y, coached, x, np.arange(80), draws=0).value == pytest.approx(at_mean[0] - at_mean[1])


def naive_error(y, coached, x, unit):
    """CR2 and its degrees of freedom with whole matrices, as the definition reads."""
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    t = coached.astype(float)
    design = np.column_stack([np.ones(len(y)), t, x, x * t[:, None]])
    bread = np.linalg.inv(design.T @ design)
    hat = design @ bread @ design.T
    residual = y - hat @ y
    vectors, score = [], []
    for one in np.unique(unit):
        rows = np.flatnonzero(unit == one)
        level, turned = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        root = turned @ np.diag(level**-0.5) @ turned.T
        a = root @ (design @ bread[:, 1])[rows]
        score.append(a @ residual[rows])
        vectors.append((np.eye(len(y)) - hat)[:, rows] @ a)
    gram = np.array(vectors) @ np.array(vectors).T
    return np.sqrt(np.sum(np.square(score))), np.trace(gram) ** 2 / np.trace(gram @ gram)


@pytest.mark.parametrize("of_unit", [1, 2, 5])
def test_errors_and_degrees_of_freedom_are_those_of_the_definition(rng, of_unit):
    n = 60
    unit = np.arange(n) // of_unit
    x = rng.normal(size=(n, 1)) + rng.normal(size=n // of_unit)[unit][:, None]
    coached = (rng.permutation(n // of_unit) % 3 > 0)[unit]
    y = x[:, 0] + rng.normal(size=n // of_unit)[unit] + rng.normal(size=n) * (1 + coached)
    found = difference(y, coached, x, unit, draws=0)
    assert (found.error, found.freedom) == pytest.approx(naive_error(y, coached, x, unit))


def test_the_order_of_rows_and_the_names_of_units_do_not_matter(rng):
    trial = made(rng, 300, kind="account")
    shuffled = rng.permutation(300)
    first = trial.difference()
    names = np.array([f"account {unit * 7919 % 1009}" for unit in trial.unit])
    second = difference(trial.y[shuffled], trial.coached[shuffled], trial.p[shuffled][:, None], names[shuffled])
    assert (second.value, second.error, second.freedom) == pytest.approx((first.value, first.error, first.freedom))


def test_a_covariate_that_does_not_vary_tells_nothing(rng):
    trial = made(rng, 200)
    with_it = difference(trial.y, trial.coached, np.column_stack([np.full(200, 0.3), trial.p]), trial.unit, draws=0)
    without = trial.difference(draws=0)
    assert (with_it.value, with_it.error) == pytest.approx((without.value, without.error))


def test_the_p_value_of_the_draw_is_that_of_all_draws_where_they_can_be_counted(rng):
    y = np.array([3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.6, 5.3])
    coached = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=bool)
    every = []
    for bits in range(256):
        arm = np.array([bits >> place & 1 for place in range(8)], dtype=bool)
        if arm.sum() == 4:
            one, other = y[arm], y[~arm]
            every.append(abs(one.mean() - other.mean()) / np.sqrt(one.var() / 4 + other.var() / 4))
    came = abs(y[4:].mean() - y[:4].mean()) / np.sqrt(y[4:].var() / 4 + y[:4].var() / 4)
    exact = np.mean(np.array(every) >= came - 1e-9)
    assert difference(y, coached, nothing(8), np.arange(8), draws=20_000).chance == pytest.approx(exact, abs=0.015)


REPLICATIONS = 500


def replications(seed: int, n: int, effect: float, kind: str) -> list[Made]:
    rng = np.random.default_rng(seed)
    return [made(rng, n, effect=effect, kind=kind) for _ in range(REPLICATIONS)]


@pytest.mark.parametrize(("kind", "n"), [("deal", 800), ("account", 600), ("owner", 1000)])
def test_without_an_effect_the_interval_holds_none_in_95_of_100_trials(kind, n):
    covered = [trial.difference(draws=0).low <= 0 <= trial.difference(draws=0).high
               for trial in replications(1, n, 0.0, kind)]  # fmt: skip
    assert 0.92 <= np.mean(covered) <= 0.98, "within three standard errors of 95 %"


def test_an_effect_of_ten_points_is_found_without_bias_and_as_often_as_its_error_says():
    found = [trial.difference(draws=0) for trial in replications(2, 800, 0.10, "deal")]
    value, error = (np.array([getattr(one, name) for one in found]) for name in ("value", "error"))
    assert value.mean() == pytest.approx(0.10, abs=4 * value.std() / np.sqrt(REPLICATIONS))
    assert error.mean() == pytest.approx(value.std(), rel=0.1)
    promised = norm.cdf(0.10 / error.mean() - norm.ppf(0.975))
    assert np.mean([one.low > 0 for one in found]) == pytest.approx(promised, abs=0.06)
    covered = np.mean([one.low <= 0.10 <= one.high for one in found])
    assert 0.92 <= covered <= 0.98


def test_allowing_for_the_win_chance_narrows_the_interval():
    trials = replications(3, 800, 0.0, "deal")
    errors = [trial.difference(draws=0).error for trial in trials[:100]]
    bare = [difference(t.y, t.coached, nothing(800), t.unit, draws=0).error for t in trials[:100]]
    assert np.mean(errors) < 0.97 * np.mean(bare)


def test_p_values_of_the_draw_are_even_without_an_effect():
    rng = np.random.default_rng(5)
    kinds = ("deal", "owner") * 150
    p = np.array([made(rng, 300, kind=kind).difference(draws=199).chance for kind in kinds])
    assert 0.02 <= np.mean(p <= 0.05) <= 0.09
    assert 0.42 <= np.mean(p <= 0.5) <= 0.58
