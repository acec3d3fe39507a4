"""Draws: on the average what is expected, spread by shocks that deals share, added up by owner."""

from dataclasses import replace

import numpy as np
import pytest

from training.forecast import draws
from training.forecast.draws import Arrivals, Book, Shocks, arrival_draws, pipeline_draws
from training.models.amount import LEVELS

NO_SHOCKS = Shocks(0.0, 0.0, 0.0, 0.0)
WIDE = Shocks(0.6, 0.6, 0.3, 0.3)
OWNERS, DRAWS = 6, 4000
ARRIVALS = Arrivals(np.array([[4.0, 12.0], [0.0, 0.0], [0.3, 0.0]]), np.array([1.0, 2.0, 9.0]), np.array([1.0, 1, 2]))


def a_book(deals: int = 300, seed: int = 1) -> Book:
    random = np.random.default_rng(seed)
    chance = np.stack([random.uniform(0, 0.6, deals), random.uniform(0, 0.3, deals)], axis=1)
    ratios = np.sort(random.lognormal(0, 0.3, (3, len(LEVELS))), axis=1)
    owner = random.integers(0, OWNERS, deals)
    return Book(owner, chance, random.lognormal(8, 0.7, deals), random.integers(0, 3, deals), ratios)


def equal_deals(deals: int, chance: tuple[float, ...], owner: int = 0) -> Book:
    """Deals that are worth 1 and won for that."""
    each = np.tile(np.array(chance), (deals, 1))
    return Book(np.full(deals, owner), each, np.ones(deals), np.zeros(deals, np.int64), np.ones((1, len(LEVELS))))


def standard_error(drawn: np.ndarray) -> np.ndarray:
    """Of the mean of draws."""
    return np.asarray(drawn.std(axis=-1) / np.sqrt(drawn.shape[-1]))


@pytest.mark.parametrize("shocks", [NO_SHOCKS, Shocks(), WIDE], ids=["none", "usual", "wide"])
def test_the_mean_of_draws_is_what_is_expected_by_owner_and_window(shocks):
    book = a_book()
    drawn, expected = pipeline_draws(book, OWNERS, shocks, DRAWS, 7), book.expected(OWNERS)
    # The odds of a shocked deal are set right by an approximation (MacKay), good to about 1 % of the chance.
    slack = 0.0 if shocks == NO_SHOCKS else 0.01
    assert (np.abs(drawn.mean(axis=-1) - expected) < 4 * standard_error(drawn) + slack * expected).all()


def test_a_mean_that_is_off_is_found():
    book = a_book()
    drawn = pipeline_draws(book, OWNERS, NO_SHOCKS, DRAWS, 7)
    wrong = replace(book, amount=book.amount * 1.2).expected(OWNERS)
    assert (np.abs(drawn.mean(axis=-1) - wrong) > 4 * standard_error(drawn)).all()


def test_without_shocks_deals_are_independent():
    book = equal_deals(500, (0.3, 0.2))
    drawn = pipeline_draws(book, 1, NO_SHOCKS, DRAWS, 7)[0]
    np.testing.assert_allclose(drawn.var(axis=1), [500 * 0.3 * 0.7, 500 * 0.2 * 0.8], rtol=0.1)
    assert np.corrcoef(drawn)[0, 1] == pytest.approx(-np.sqrt(0.3 * 0.2 / (0.7 * 0.8)), abs=0.05)


def spread(book: Book, owners: int, shocks: Shocks) -> tuple[float, float]:
    """Standard deviation ÷ mean of the company's sum and (on the average) of its owners'."""
    drawn = pipeline_draws(book, owners, shocks, DRAWS, 7).sum(axis=1)
    whole = drawn.sum(axis=0)
    return float(whole.std() / whole.mean()), float((drawn.std(axis=1) / drawn.mean(axis=1)).mean())


def test_shocks_widen_the_company_more_than_an_owner():
    book = equal_deals(1000, (0.3,))
    book = replace(book, owner=np.repeat(np.arange(20), 50))
    alone, shocked = spread(book, 20, NO_SHOCKS), spread(book, 20, Shocks(company=0.4, owner=0.2))
    assert shocked[0] / alone[0] > 3
    assert 1 < shocked[1] / alone[1] < 2
    owners_only = spread(book, 20, Shocks(company=0.0, owner=0.4))
    assert owners_only[0] / alone[0] < shocked[0] / alone[0]


def test_an_owners_shock_is_shared_by_the_owners_deals_alone():
    book = equal_deals(1000, (0.3,))
    book = replace(book, owner=np.repeat([0, 1], 500))
    both = pipeline_draws(book, 2, Shocks(company=0.0, owner=0.5), DRAWS, 7)[:, 0]
    assert abs(np.corrcoef(both)[0, 1]) < 0.06
    both = pipeline_draws(book, 2, Shocks(company=0.5, owner=0.0), DRAWS, 7)[:, 0]
    assert np.corrcoef(both)[0, 1] > 0.7


@pytest.mark.parametrize("cells", [1, 997, 10_000])
@pytest.mark.parametrize("count", [400, 401])
def test_the_same_seed_gives_the_same_draws_however_they_are_worked_off(monkeypatch, count, cells):
    book = a_book()

    def drawn(seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
        return pipeline_draws(book, OWNERS, WIDE, count, seed), arrival_draws(ARRIVALS, WIDE, count, seed)

    whole, again, another = drawn(), drawn(), drawn(8)
    monkeypatch.setattr(draws, "BLOCK_CELLS", cells)
    for first, second, part, other in zip(whole, again, drawn(), another, strict=True):
        np.testing.assert_array_equal(second, first)
        np.testing.assert_allclose(part, first, rtol=1e-12)
        assert not np.allclose(other, first)


def test_owners_add_up_to_the_company_in_each_draw():
    """Whoever owns the deals: without shocks of owners the company's draws are the same."""
    book = equal_deals(400, (0.2, 0.3))
    company = pipeline_draws(book, 1, NO_SHOCKS, 300, 7)
    apart = pipeline_draws(replace(book, owner=np.repeat(np.arange(4), 100)), 4, NO_SHOCKS, 300, 7)
    np.testing.assert_array_equal(apart.sum(axis=0), company[0])


def test_what_is_certain_comes_in_each_draw_and_what_cannot_be_never():
    for shocks in (NO_SHOCKS, WIDE):
        sure = pipeline_draws(equal_deals(50, (1.0, 0.0)), 1, shocks, 500, 7)[0]
        np.testing.assert_array_equal(sure[0], 50)
        np.testing.assert_array_equal(sure[1], 0)
        later = pipeline_draws(equal_deals(50, (0.0, 1.0)), 1, shocks, 500, 7)[0]
        np.testing.assert_array_equal(later[1], 50)
        assert not pipeline_draws(equal_deals(50, (0.0, 0.0)), 1, shocks, 500, 7).any()


def test_each_win_falls_into_one_window_as_often_as_its_chance_says():
    drawn = pipeline_draws(equal_deals(400, (0.1, 0.2, 0.3, 0.0)), 1, NO_SHOCKS, DRAWS, 7)[0]
    np.testing.assert_allclose(drawn.mean(axis=1), [40, 80, 120, 0], rtol=0.02)
    assert drawn.sum(axis=0).max() <= 400


def test_amounts_are_those_of_the_ratios_each_as_often():
    ratios = np.stack([np.linspace(0.5, 1.5, len(LEVELS)), np.full(len(LEVELS), 3.0)])
    one = replace(equal_deals(1, (0.5, 0.25)), amount=np.array([10.0]), ratios=ratios)
    drawn = pipeline_draws(one, 1, NO_SHOCKS, 40_000, 7)[0]
    for window in drawn:
        values, counts = np.unique(window[window > 0], return_counts=True)
        np.testing.assert_allclose(values, 10 * ratios[0])
        assert counts.std() / counts.mean() < 0.15
    other = pipeline_draws(replace(one, ratio=np.array([1])), 1, NO_SHOCKS, 100, 7)
    assert set(np.unique(other)) == {0.0, 30.0}


def test_without_deals_nothing_is_drawn():
    nothing = replace(equal_deals(0, (0.5, 0.5)), chance=np.zeros((0, 2)))
    np.testing.assert_array_equal(pipeline_draws(nothing, 3, Shocks(), 50, 7), np.zeros((3, 2, 50)))
    np.testing.assert_array_equal(nothing.expected(3), np.zeros((3, 2)))


def test_nobody_is_an_owner_too():
    """Of a company without owners all deals belong to the one code that stands for nobody."""
    book = equal_deals(200, (0.4, 0.1))
    assert pipeline_draws(book, 1, Shocks(), 100, 7).shape == (1, 2, 100)
    behind = pipeline_draws(replace(book, owner=np.full(200, 2)), 3, Shocks(), 100, 7)
    assert not behind[:2].any()
    assert behind[2].any()


@pytest.mark.parametrize("shocks", [NO_SHOCKS, Shocks(), WIDE], ids=["none", "usual", "wide"])
def test_deals_to_come_bring_on_the_average_what_is_expected(shocks):
    drawn = arrival_draws(ARRIVALS, shocks, DRAWS, 7)
    some = ARRIVALS.expected > 0
    off = np.abs(drawn.mean(axis=-1) - ARRIVALS.revenue())
    assert (off[some] < 4 * standard_error(drawn)[some]).all()
    assert not drawn[~some].any()


def test_wins_to_come_are_drawn_one_by_one_and_shared_shocks_spread_them():
    quiet = arrival_draws(ARRIVALS, NO_SHOCKS, DRAWS, 7)[0, 1]
    assert quiet.var() == pytest.approx(12 * np.mean(ARRIVALS.amounts**2), rel=0.1)
    assert arrival_draws(ARRIVALS, Shocks(new_company=0.5), DRAWS, 7)[0, 1].var() > 1.5 * quiet.var()


@pytest.mark.parametrize(
    "nothing",
    [
        replace(ARRIVALS, amounts=np.zeros(0)),
        replace(ARRIVALS, expected=np.zeros((3, 2))),
        Arrivals(np.zeros((0, 2)), np.ones(3), np.zeros(0)),
    ],
    ids=["no amounts", "none expected", "nobody"],
)
def test_where_nothing_is_to_come_nothing_is_drawn(nothing):
    drawn = arrival_draws(nothing, Shocks(), 50, 7)
    assert drawn.shape == (*nothing.expected.shape, 50)
    assert not drawn.any()
