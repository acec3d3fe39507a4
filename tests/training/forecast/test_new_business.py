"""Deals yet to come: what earlier periods won so, for as many deals as came then."""

import numpy as np
import pytest

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.forecast.ledger import Ledger
from training.forecast.moments import in_periods
from training.forecast.new_business import like_moments, new_business

QUARTERS = FiscalCalendar("quarter")
FIRST = int(np.datetime64("2024-01-01", "ms").astype(np.int64))


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def steady(a_day: int, until: str, wait_days: int = 30, won_every: int = 2, owners: int = 2, amount: float = 100.0):
    """So many deals a day from 2024 on, owned in turn; every second one is won after so many days."""
    opened = FIRST + np.repeat(np.arange(0, (day(until) - FIRST) // DAY), a_day) * DAY + DAY // 2
    owner = np.arange(len(opened)) // won_every % owners
    won = np.arange(len(opened)) % won_every == 0
    at = opened[won] + wait_days * DAY
    return Ledger(opened, owner, at, opened[won], owner[won], np.full(won.sum(), amount))


def expected_at(text: str, facts: Ledger, owners: int = 3):
    moment = in_periods(QUARTERS, day(text))
    known = facts.known_by(moment.at)
    return moment, new_business(known, owners, moment, like_moments(QUARTERS, moment, known), FIRST)


def truth(facts: Ledger, moment, number: int) -> int:
    wins = facts.wins(*moment.window(number))
    return int((facts.won_opened[wins] > moment.at).sum())


def test_a_steady_company_goes_on_as_it_did() -> None:
    facts = steady(6, "2026-12-31")
    moment, arrivals = expected_at("2025-10-20", facts)
    for number in (0, 1):
        assert arrivals.expected[:, number].sum() == pytest.approx(truth(facts, moment, number), rel=0.05)
    assert arrivals.revenue().sum(axis=0) == pytest.approx(100 * arrivals.expected.sum(axis=0))


def test_twice_the_deals_win_twice_as_much() -> None:
    before, after = steady(4, "2025-07-01"), steady(8, "2026-12-31")
    later = after.opened >= day("2025-07-01")
    won_later = after.won_opened >= day("2025-07-01")
    joined = Ledger(
        np.concatenate([before.opened, after.opened[later]]),
        np.concatenate([before.opened_owner, after.opened_owner[later]]),
        *(np.concatenate([getattr(before, n), getattr(after, n)[won_later]]) for n in ("won_at", "won_opened")),
        *(np.concatenate([getattr(before, n), getattr(after, n)[won_later]]) for n in ("won_owner", "won_amount")),
    )
    order = np.argsort(joined.won_at, kind="stable")
    joined = Ledger(
        joined.opened,
        joined.opened_owner,
        *(getattr(joined, n)[order] for n in ("won_at", "won_opened", "won_owner", "won_amount")),
    )
    moment, arrivals = expected_at("2026-01-10", joined)
    # Of the moments learned from one lay before the change and its window behind it: a little too much.
    assert arrivals.expected[:, 0].sum() == pytest.approx(truth(joined, moment, 0), rel=0.25)


def test_what_came_later_changes_nothing() -> None:
    whole = steady(6, "2026-12-31")
    _, once = expected_at("2025-10-20", whole)
    _, again = expected_at("2025-10-20", steady(6, "2025-10-25", amount=100.0))
    np.testing.assert_allclose(once.revenue(), again.revenue())


def test_who_creates_more_and_wins_more_wins_more_of_them() -> None:
    facts = steady(6, "2026-12-31", owners=3)
    mine = facts.won_owner == 0
    amount = np.where(mine, 300.0, 100.0)
    _, even = expected_at("2025-10-20", facts, 4)
    rich = Ledger(facts.opened, facts.opened_owner, facts.won_at, facts.won_opened, facts.won_owner, amount)
    _, found = expected_at("2025-10-20", rich, 4)
    assert even.expected[:3, 0] == pytest.approx(np.full(3, even.expected[:3, 0].mean()), rel=0.01)
    assert even.expected[3].tolist() == [0, 0]  # who has created nothing lately
    share = found.revenue()[:, 0] / found.revenue()[:, 0].sum()
    assert share[0] == pytest.approx(0.6, abs=0.03)
    assert found.revenue()[:, 0].sum() == pytest.approx(found.expected[:, 0].sum() * amount.mean(), rel=0.02)


def test_a_young_company_learns_from_weeks() -> None:
    facts = steady(6, "2026-12-31", wait_days=5)
    moment = in_periods(QUARTERS, FIRST + 60 * DAY)
    known = facts.known_by(moment.at)
    earlier = like_moments(QUARTERS, moment, known)
    assert {(moment.at - one.at) % (7 * DAY) for one in earlier} == {0}
    found = new_business(known, 3, moment, earlier, FIRST).expected[:, 0].sum()
    assert found == pytest.approx(truth(facts, moment, 0), rel=0.35)


def test_without_anything_known_nothing_is_expected() -> None:
    none = np.zeros(0, np.int64)
    facts = Ledger(none, none, none, none, none, np.zeros(0))
    moment = in_periods(QUARTERS, FIRST)
    found = new_business(facts, 2, moment, like_moments(QUARTERS, moment, facts), FIRST)
    assert found.revenue().tolist() == [[0, 0], [0, 0]]
