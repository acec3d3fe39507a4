"""On later dates: who keeps a promise is found to, who breaks it is found out, and the better model wins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crm.clock import DAY
from tests.training.examples import LOST, OPEN, WON, days_after, rows_of
from training.deal_model import Answers
from training.later import LEAST_DEALS, kept_promise, versus
from training.models.win_curve import Curve
from training.rows import Rows

UNTIL = days_after(60)
EDGES = np.linspace(0, 120, 25)


def world(deals: int = 1500, seed: int = 0) -> tuple[Rows, Answers, np.ndarray]:
    """Deals that are won or lost at a constant pace, and a model that knows their true chances.

    A deal's closing comes after an exponential time of mean 30 days, won with its own chance.
    """
    rng = np.random.default_rng(seed)
    chance, as_of = rng.uniform(0.05, 0.95, deals), rng.integers(0, 60, deals) * DAY
    takes, won = rng.exponential(30, deals), rng.random(deals) < chance
    followed = (UNTIL - as_of) / DAY
    outcome = np.where(takes > followed, OPEN, np.where(won, WON, LOST))
    return rows_of(outcome, np.minimum(takes, followed), as_of=as_of), answers(chance), chance


def answers(chance: np.ndarray) -> Answers:
    closed = 1 - np.exp(-EDGES / 30)
    curve = Curve(EDGES, chance[:, None] * closed, (1 - chance)[:, None] * closed, chance)
    return Answers(chance, curve, np.full(len(chance), np.nan))


@pytest.mark.parametrize("seed", range(4))
def test_true_chances_keep_their_promise_deals_still_open_included(seed: int) -> None:
    rows, true, _ = world(seed=seed)
    found = kept_promise(rows, true, UNTIL)
    assert found is not None
    assert found.rise.low < 0 < found.rise.high or abs(found.rise.value) < 0.02
    assert found.realised.value == pytest.approx(found.promised.value, abs=0.03)
    assert (found.rows, found.deals) == (1500, 1500)
    assert found.closed == int((rows.outcome != OPEN).sum())


def test_a_broken_promise_is_a_rise_beyond_chance() -> None:
    rows, true, chance = world()
    too_sure = answers(np.clip(1 / (1 + ((1 - chance) / chance) ** 4), 0.01, 0.99))
    turned_round = answers(1 - chance)
    for wrong in (too_sure, turned_round):
        found = kept_promise(rows, wrong, UNTIL)
        assert found is not None
        assert found.rise.low > 0.01
    assert kept_promise(rows, true, UNTIL).rise.low < 0.01  # type: ignore[union-attr]


def test_too_few_closed_deals_tell_nothing() -> None:
    rows, true, _ = world()
    closed = np.flatnonzero(rows.outcome != OPEN)
    keep = np.ones(len(rows), dtype=bool)
    keep[closed[LEAST_DEALS - 1 :]] = False
    few, same = rows.where(keep), true.where(keep)
    assert kept_promise(few, same, UNTIL) is None
    assert versus(few, same, same, UNTIL) == ()
    keep[closed[LEAST_DEALS - 1]] = True
    assert kept_promise(rows.where(keep), true.where(keep), UNTIL) is not None


def test_many_rows_of_few_deals_are_few_deals() -> None:
    rows, true, _ = world()
    assert kept_promise(replace(rows, deal=rows.deal % (LEAST_DEALS - 1)), true, UNTIL) is None


def test_the_better_model_saves_log_loss_on_both_questions_whichever_comes_first() -> None:
    rows, true, chance = world()
    blunt = answers(np.full(len(chance), chance.mean()))
    for one in versus(rows, blunt, true, UNTIL):
        assert one.saved.low > 0
        assert one.saved.value == pytest.approx(one.first.value - one.second.value)
    assert all(one.saved.high < 0 for one in versus(rows, true, blunt, UNTIL))
    in_the_end, by_now = versus(rows, true, true, UNTIL)
    assert (in_the_end.saved.value, by_now.saved.value) == (0, 0)
    assert in_the_end.deals == int((rows.outcome != OPEN).sum())
    assert by_now.deals == len(rows)
