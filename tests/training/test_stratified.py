"""Tables within strata: published worked examples, the limits, and what too few deals may not say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.stratified import Tables, after_so_many, association, tables, unlike

# Admissions to the University of California, Berkeley, autumn 1973, by department (Bickel, Hammel & O'Connell 1975).
ADMITTED_MEN, REJECTED_MEN = [512, 353, 120, 138, 53, 22], [313, 207, 205, 279, 138, 351]
ADMITTED_WOMEN, REJECTED_WOMEN = [89, 17, 202, 131, 94, 24], [19, 8, 391, 244, 299, 317]


def berkeley(departments: slice = slice(None)) -> Tables:
    rows = (ADMITTED_MEN, ADMITTED_WOMEN, REJECTED_MEN, REJECTED_WOMEN)
    return Tables(*(np.array([row[departments]], dtype=float) for row in rows))


def test_the_common_odds_ratio_of_berkeley_is_the_published_one() -> None:
    """As R's `mantelhaen.test(UCBAdmissions, correct = FALSE, conf.level = 0.9)` has it."""
    found = association(berkeley())
    assert found.odds[0] == pytest.approx(0.9046968, abs=1e-6)
    # Published at 95 %: 0.7719074 to 1.0603298.
    assert found.error[0] == pytest.approx(np.log(1.0603298 / 0.7719074) / (2 * 1.959964), abs=1e-6)
    assert found.low[0] == pytest.approx(0.9046968 * np.exp(-1.644854 * found.error[0]))
    # Published with the correction for continuity: 1.4269; without it the same deviation, half a case more.
    spread = _spread(berkeley())
    assert (abs(found.score[0]) * np.sqrt(spread) - 0.5) ** 2 / spread == pytest.approx(1.4269, abs=1e-4)
    assert found.told[0]


def _spread(counts: Tables) -> float:
    a, b, c, d, n = counts.won_had, counts.won_not, counts.lost_had, counts.lost_not, counts.deals
    return float(((a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))).sum())


def test_departments_differ_as_published() -> None:
    """As `vcd::woolf_test(UCBAdmissions)` has it: 17.902 with five degrees of freedom."""
    each = [association(berkeley(slice(i, i + 1))) for i in range(6)]
    log_odds, weight = (np.array(values) for values in ([np.log(one.odds[0]) for one in each],
                                                        [one.error[0] ** -2 for one in each]))  # fmt: skip
    middle = np.average(log_odds, weights=weight)
    assert (weight * (log_odds - middle) ** 2).sum() == pytest.approx(17.902, abs=5e-4)


def test_the_first_department_is_unlike_the_others() -> None:
    """Its women were admitted far oftener than its men (odds ratio 0.35); in the others neither."""
    first, others = association(berkeley(slice(0, 1))), association(berkeley(slice(1, None)))
    assert first.odds[0] == pytest.approx(512 * 19 / (313 * 89))
    assert others.low[0] < 1 < others.high[0]
    assert unlike(first, others)[0] < 0.001
    assert unlike(others, others)[0] == pytest.approx(1)


def test_of_one_stratum_it_is_the_plain_odds_ratio_with_woolfs_variance() -> None:
    one = Tables(*(np.array([[count]], dtype=float) for count in (40, 20, 30, 60)))
    found = association(one)
    assert found.odds[0] == pytest.approx(40 * 60 / (20 * 30))
    assert found.error[0] == pytest.approx(np.sqrt(1 / 40 + 1 / 20 + 1 / 30 + 1 / 60))


def test_what_only_the_strata_explain_goes_with_nothing() -> None:
    """Simpson's paradox: hot deals are won and have had it, cold ones are lost and have not."""
    rng = np.random.default_rng(0)
    hot = rng.random(20_000) < 0.5
    won, had = rng.random(20_000) < np.where(hot, 0.7, 0.2), rng.random(20_000) < np.where(hot, 0.8, 0.3)
    plain = association(tables(had[:, None].astype(float), won, np.zeros(20_000, dtype=int)))
    within = association(tables(had[:, None].astype(float), won, hot.astype(int)))
    assert plain.odds[0] > 2
    assert plain.chance_of_more[0] < 1e-9
    assert within.low[0] < 1 < within.high[0]
    assert within.odds[0] == pytest.approx(1, abs=0.1)


def test_what_is_not_asked_does_not_count() -> None:
    had = np.array([[1.0, np.nan], [0, 1], [1, 0], [np.nan, np.nan]])
    found = tables(had, np.array([True, True, False, False]), np.array([0, 1, 0, 1]))
    assert found.deals.tolist() == [[2, 1], [1, 1]]
    assert found.won_had.tolist() == [[1, 0], [0, 1]]
    assert found.lost_had.tolist() == [[1, 0], [0, 0]]


def test_few_deals_tell_nothing() -> None:
    few = Tables(*(np.array([[count]], dtype=float) for count in (8, 1, 1, 8)))
    found = association(few)
    assert not found.told[0]
    assert np.isnan([found.odds[0], found.low[0], found.score[0]]).all()
    assert np.isnan(unlike(found, found)[0])
    twice = Tables(*(np.array([[count]], dtype=float) for count in (16, 4, 4, 16)))
    assert association(twice).told[0]


@pytest.mark.parametrize("counts", [(30, 0, 10, 30), (30, 20, 0, 30), (0, 0, 30, 30), (30, 30, 0, 0)])
def test_where_a_cell_is_empty_no_infinite_odds_are_told(counts: tuple[int, ...]) -> None:
    found = association(Tables(*(np.array([[count]], dtype=float) for count in counts)))
    assert not found.told[0]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    deals, statements, truth = 600, 400, 2.0
    stratum = rng.integers(0, 5, deals)
    won = rng.random(deals) < np.array([0.1, 0.25, 0.4, 0.55, 0.7])[stratum]
    rate = np.where(won, 0.5, 1 / (1 + truth))[:, None]  # odds of having had it: 1 if won, 1/2 if lost
    had = (rng.random((deals, statements)) < rate).astype(float)
    found = association(tables(had, won, stratum))
    assert np.mean((found.low <= truth) & (truth <= found.high)) == pytest.approx(0.9, abs=0.045)
    noise = association(tables((rng.random((deals, statements)) < 0.4).astype(float), won, stratum))
    assert np.mean(noise.chance_of_more < 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(noise.chance_of_other < 0.1) == pytest.approx(0.1, abs=0.045)


@given(st.lists(st.one_of(st.just(float("nan")), st.floats(0, 1)), max_size=30))
def test_the_more_were_tried_the_less_stands_out(chance: list[float]) -> None:
    given_chance = np.array(chance)
    found = after_so_many(given_chance)
    tried = ~np.isnan(given_chance)
    assert (np.isnan(found) == ~tried).all()
    assert (found[tried] >= given_chance[tried] - 1e-12).all()
    assert (found[tried] <= 1).all()
    k = int(tried.sum())
    if k:
        assert found[tried].min() <= given_chance[tried].min() * k + 1e-12


def test_the_example_of_benjamini_and_hochberg() -> None:
    """Their 15 tests of thrombolysis (1995, section 4.1): at 0.05 the four smallest stand out."""
    chance = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
              0.6528, 0.7590, 1.0]  # fmt: skip
    assert (after_so_many(np.array(chance)) <= 0.05).sum() == 4
