"""Who is held back: by chance, alike everywhere, never redrawn."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import WrongUse
from serving.trial import assignment
from serving.trial.assignment import COACHED, HELD_BACK, Drawn, TrialWishes, arm_of, units

DAY = date(2026, 8, 14)
ON = TrialWishes(0.2, "pilot")


def deals(*ids: str, **columns: list) -> pd.DataFrame:
    given = {"account_id": [None] * len(ids), "owner_id": [None] * len(ids), **columns}
    return pd.DataFrame({"opportunity_id": list(ids), **given}).astype("str")


def draw(table: pd.DataFrame, wishes: TrialWishes, recorded: dict, day: date, enters=None) -> Drawn:
    return assignment.draw(table, wishes, recorded, day, np.ones(len(table), bool) if enters is None else enters)


def test_the_draw_is_the_same_on_every_machine():
    """By hand: printf '["pilot", "deal D3"]' | sha256sum begins with 1e, and 0x1e / 0x100 is below 0.2."""
    held = {number for number in range(1, 15) if arm_of("pilot", 0.2, f"deal D{number}") == HELD_BACK}
    assert held == {3, 5, 9, 11}
    assert arm_of("pilot", 0x1E / 0x100, "deal D3") == COACHED
    assert arm_of("pilot", 0x1F / 0x100, "deal D3") == HELD_BACK


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_the_share_held_back_is_the_share_that_was_set(share):
    count = 20_000
    held = np.mean([arm_of("any", share, f"deal {number}") == HELD_BACK for number in range(count)])
    assert abs(held - share) < 4 * np.sqrt(share * (1 - share) / count)


@given(st.text(max_size=20), st.text(max_size=20), st.floats(0.01, 0.98))
def test_a_larger_share_holds_back_all_that_a_smaller_one_does(seed, unit, share):
    if arm_of(seed, share, unit) == HELD_BACK:
        assert arm_of(seed, share + 0.01, unit) == HELD_BACK


def test_another_seed_draws_independently():
    arms = np.array([[arm_of(seed, 0.5, f"deal {n}") == HELD_BACK for n in range(5_000)] for seed in ("a", "b")])
    assert abs(np.corrcoef(arms)[0, 1]) < 4 / np.sqrt(5_000)


def test_a_trial_is_told_by_seed_share_and_unit_and_not_by_its_last_day():
    ids = {
        TrialWishes(*settings).trial_id
        for settings in ((0.2, "a"), (0.3, "a"), (0.2, "b"), (0.2, "a", None, "owner"), (0.2, "a", DAY))
    }
    assert len(ids) == 4


def test_units_are_deals_accounts_or_owners_and_the_deal_where_there_is_none():
    two = deals("D1", "D2", account_id=["A1", None], owner_id=["U1", "U1"])
    assert list(units(two, "deal")) == ["deal D1", "deal D2"]
    assert list(units(two, "account")) == ["account A1", "deal D2"]
    assert list(units(two, "owner")) == ["owner U1", "owner U1"]


def test_deals_of_one_unit_share_an_arm():
    many = deals(*(f"D{n}" for n in range(400)), owner_id=[f"U{n % 40}" for n in range(400)])
    drawn = draw(many, TrialWishes(0.5, "x", None, "owner"), {}, DAY)
    by_owner = pd.Series(drawn.held_back).groupby(many["owner_id"]).nunique()
    assert (by_owner == 1).all()
    assert 0 < drawn.held_back.mean() < 1


def test_a_recorded_arm_stays_whoever_owns_the_deal_later():
    many = deals(*(f"D{n}" for n in range(50)))
    other = {
        row: COACHED if arm_of("pilot", 0.2, f"deal {row}") == HELD_BACK else HELD_BACK
        for row in many["opportunity_id"][:25]
    }
    drawn = draw(many, ON, other, DAY)
    assert [HELD_BACK if held else COACHED for held in drawn.held_back[:25]] == list(other.values())
    assert list(drawn.new) == list(range(25, 50))
    assert list(drawn.arms()) == [arm_of("pilot", 0.2, unit) for unit in drawn.units[25:]]


def test_who_does_not_enter_yet_is_drawn_all_the_same():
    many = deals(*(f"D{n}" for n in range(50)))
    enters = np.arange(50) % 2 == 0
    every, some = draw(many, ON, {}, DAY), draw(many, ON, {}, DAY, enters)
    assert (every.held_back == some.held_back).all()
    assert every.held_back.any()
    assert (len(every.new), list(some.new)) == (50, list(range(0, 50, 2)))


def test_after_the_last_day_who_is_in_stays_and_nobody_comes_in():
    ends = TrialWishes(0.2, "pilot", DAY)
    many = deals(*(f"D{n}" for n in range(50)))
    assert len(draw(many, ends, {}, DAY).new) == 50
    later = draw(many, ends, {"D0": HELD_BACK}, date(2026, 8, 15))
    assert len(later.new) == 0
    assert list(np.flatnonzero(later.held_back)) == [0]


@pytest.mark.parametrize(
    ("wishes", "where"),
    [
        ({"share": 1.0}, "share"),
        ({"share": -0.1}, "share"),
        ({"share": float("nan")}, "share"),
        ({"unit": "x"}, "unit"),
    ],
)
def test_what_is_no_trial_is_refused(wishes, where):
    with pytest.raises(WrongUse) as refused:
        TrialWishes(**wishes)
    assert refused.value.where == f"[trial] {where}"


def test_a_run_without_deals_draws_none():
    drawn = draw(deals(), ON, {}, DAY)
    assert (len(drawn.held_back), len(drawn.new), len(drawn.arms())) == (0, 0, 0)
