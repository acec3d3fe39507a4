"""Shares of few tries are drawn to the whole's, by as much as such shares differ no more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from training.shrinkage import LEAST_STRENGTH, MOST_STRENGTH, drawn, inside, strength


def cells(rng: np.random.Generator, spread: float, groups: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of groups whose own shares are spread around 0.4 as if so many tries told them."""
    tries = rng.integers(5, 60, groups)
    own = np.full(groups, 0.4) if np.isinf(spread) else rng.beta(0.4 * spread, 0.6 * spread, groups)
    return rng.binomial(tries, own), tries, np.full(groups, 0.4)


@pytest.mark.parametrize("spread", [5.0, 20.0])
def test_how_much_groups_differ_is_found(spread: float) -> None:
    rng = np.random.default_rng(0)
    found = [strength(*cells(rng, spread, 400)) for _ in range(5)]
    assert np.median(found) == pytest.approx(spread, rel=0.35)


def test_where_groups_do_not_differ_nothing_stands_out() -> None:
    rng, told = np.random.default_rng(1), 0
    for _ in range(60):
        hits, tries, whole = cells(rng, np.inf)
        one = drawn(hits, tries, whole, strength(hits, tries, whole))
        told += int(((one.low > whole) | (one.high < whole)).sum())
    assert told <= 0.005 * 60 * 60
    # The shares themselves would have one in ten stand out.
    loose = drawn(hits, tries, whole, LEAST_STRENGTH)
    assert ((loose.low > whole) | (loose.high < whole)).mean() > 0.03


def test_few_tries_are_drawn_far_and_many_hardly() -> None:
    one = drawn(np.array([2, 200]), np.array([2, 200]), np.array([0.4, 0.4]), 20.0)
    assert one.share.tolist() == pytest.approx([(2 + 8) / 22, (200 + 8) / 220])
    assert one.low[1] > one.low[0]


def test_where_nothing_was_tried_it_is_the_wholes_share() -> None:
    one = drawn(np.array([0]), np.array([0]), np.array([0.3]), 10.0)
    assert one.share[0] == pytest.approx(0.3)
    assert one.low[0] < 0.3 < one.high[0]
    assert strength(np.zeros(3), np.zeros(3), np.full(3, 0.3)) == MOST_STRENGTH


def test_shares_of_nought_and_all_are_no_trouble() -> None:
    hits, tries, whole = np.array([0, 5, 9, 0]), np.array([5, 5, 9, 5]), np.array([0.0, 1.0, 1.0, 0.05])
    found = drawn(hits, tries, whole, strength(hits, tries, whole))
    assert (found.low <= inside(whole)).all()
    assert (inside(whole) <= found.high).all()
    assert ((found.low >= 0) & (found.low <= found.share) & (found.share <= found.high) & (found.high <= 1)).all()


def test_intervals_hold_what_they_say() -> None:
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(20):
        tries = rng.integers(5, 60, 80)
        own = rng.beta(4, 6, 80)
        hits = rng.binomial(tries, own)
        whole = np.full(80, 0.4)
        found = drawn(hits, tries, whole, strength(hits, tries, whole))
        inside.append(((found.low <= own) & (own <= found.high)).mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)
