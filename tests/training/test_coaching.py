"""Owners against their team, teams against the company: one try a stay or a deal, told only beyond chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.examples import LOST, NAN, WON, days_after, rows_of, stages
from training.coaching import Tries, by_owner, by_team, lacking, stalls
from training.landmarks import DAYS_IN_STAGE
from training.rows import Rows


def stay(deal: list[int], stage: list[str | None], days: list[float], day: list[float], stalled: list[float]) -> Rows:
    at = np.array([days_after(one) for one in day])
    rows = rows_of([LOST] * len(deal), [1.0] * len(deal), x=np.array(days), deal=deal, stage=stages(*stage),
                   as_of=at, stalled=np.array(stalled))  # fmt: skip
    return replace(rows, names=(DAYS_IN_STAGE,))


def test_a_stay_is_tried_once_by_its_first_snapshot() -> None:
    rows = stay(
        [1, 1, 1, 1, 2, 2],
        ["A", "A", "B", "A", "A", "A"],
        [1, 8, 1, 2, 9, 3],
        [1, 8, 15, 22, 30, 60],
        [1, 0, 0, NAN, 0, 1],
    )
    names, tries = stalls(rows, np.array([0, 1, 0, 0, 1, 1]), since=0)
    assert names == ["A", "B"]
    # The second stay of deal 1 in A is not known to the end; deal 2 came to A twice.
    assert tries.what.tolist() == [0, 1, 0, 0]
    assert tries.owner.tolist() == [0, 0, 1, 1]
    assert tries.hit.tolist() == [True, False, False, True]


def test_only_stays_since_then_count_and_only_in_stages() -> None:
    rows = stay([1, 2, 3], ["A", "A", None], [1, 1, 1], [1, 100, 100], [1, 1, 1])
    names, tries = stalls(rows, np.array([0, 0, 0]), since=days_after(50))
    assert (names, tries.hit.tolist()) == (["A"], [True])


def test_what_closed_deals_lacked_at_the_landmark() -> None:
    rows = rows_of([WON, WON, LOST, LOST], [1.0] * 4, x=np.array([[1, 0], [8, 1], [9, 0], [9, NAN]]),
                   deal=[1, 1, 2, 3], stage=stages("A", "A", "A", "A"), as_of=np.arange(4) * days_after(7))  # fmt: skip
    rows = replace(rows, names=(DAYS_IN_STAGE, "meetings"))
    owner, missing = lacking(rows, np.array([0, 1, 2, 2]), -1, "A", 5, rows.x[:, 1].astype(float))
    assert owner.tolist() == [1, 2]
    assert missing.tolist() == [False, True]


@pytest.fixture(scope="module")
def people() -> tuple[Tries, np.ndarray]:
    """Twelve owners in three teams, 60 tries each of two things; owner 0 fails twice as often at the second."""
    rng = np.random.default_rng(3)
    owner, what = np.repeat(np.arange(12), 120), np.tile(np.repeat([0, 1], 60), 12)
    rate = np.where((owner == 0) & (what == 1), 0.75, np.where(what == 1, 0.35, 0.5))
    return Tries(what, owner, rng.random(len(owner)) < rate), np.repeat([0, 1, 2], 4)


def test_whom_to_coach_on_what(people: tuple[Tries, np.ndarray]) -> None:
    tries, team = people
    teams = by_team(tries, 2, team, 3)
    owners = by_owner(tries, 2, team, teams)
    assert owners.told[1, 0] == 1
    others = owners.told.copy()
    others[1, 0] = 0
    assert (others <= 0).all()  # one of the same team may fail less often than a team that has such an owner
    assert (others[:, team != 0] == 0).all()
    assert (owners.tries == 60).all()
    hit = (tries.owner == 0) & (tries.what == 1) & tries.hit
    assert owners.hits[1, 0] == hit.sum()
    # Drawn towards the team's, which is drawn towards the company's.
    assert owners.whole[1, 0] < owners.share[1, 0] < hit.sum() / 60
    assert teams.share[1, 0] < tries.hit[(tries.what == 1) & (team[tries.owner] == 0)].mean()


def test_who_tried_nothing_is_not_told_of() -> None:
    tries = Tries(np.zeros(4, int), np.array([0, 0, 0, 0]), np.array([True, True, True, False]))
    team = np.array([0, 0])
    owners = by_owner(tries, 1, team, by_team(tries, 1, team, 1))
    assert owners.tries.tolist() == [[4, 0]]
    assert owners.told[0, 1] == 0
