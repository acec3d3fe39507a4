"""One snapshot a deal at a common time in the stage: who had left before is not counted, who lived longer not more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.training.examples import LOST, NAN, OPEN, WON, days_after, rows_of, stages
from training.landmarks import DAYS_IN_STAGE, at_landmark, landmarks
from training.rows import Rows

A, B = "A", "B"


def history(*deals: tuple[int, int, list[tuple[str | None, float, float]]]) -> Rows:
    """Deals as (number, outcome, [(stage, days in it, day)])."""
    told = [(deal, outcome, *one) for deal, outcome, seen in deals for one in seen]
    deal, outcome, stage, days, day = zip(*told, strict=True)
    at = np.array([days_after(one) for one in day])
    rows = rows_of(outcome, [1.0] * len(told), x=np.array(days), deal=deal, stage=stages(*stage), as_of=at)
    return replace(rows, names=(DAYS_IN_STAGE,))


def test_the_landmark_is_the_median_stay_and_each_deal_counts_once() -> None:
    rows = history(
        (1, WON, [(A, 1, 1), (A, 8, 8)]),
        (2, LOST, [(A, 3, 3), (A, 10, 10), (A, 17, 17), (A, 24, 24)]),
        (3, LOST, [(A, 2, 2)]),
    )
    found = landmarks(rows)[A]
    assert found.from_day == 8  # stays of 2, 8 and 24 days as last seen
    assert found.rows.tolist() == [1, 3]  # each deal's first snapshot from the 8th day on; the third had left
    assert found.day == 9


def test_deals_still_open_are_not_compared() -> None:
    rows = history((1, WON, [(A, 5, 5)]), (2, OPEN, [(A, 5, 5), (A, 50, 50)]))
    assert rows.deal[landmarks(rows)[A].rows].tolist() == [1]


def test_a_deal_that_came_back_counts_once_the_first_time_that_it_stayed_long_enough() -> None:
    rows = history(
        (1, LOST, [(A, 1, 1), (B, 2, 9), (A, 3, 16), (A, 10, 23), (B, 1, 30)]),
        (2, WON, [(A, 4, 4), (A, 11, 11)]),
    )
    found = landmarks(rows)
    assert found[A].from_day == 10  # stays of 1, 10 and 11 days
    assert found[A].rows.tolist() == [3, 6]
    assert sorted(rows.deal[found[B].rows].tolist()) == [1]


def test_rows_need_not_come_in_order() -> None:
    rows = history((1, WON, [(A, 8, 8), (A, 1, 1)]), (2, LOST, [(A, 9, 9), (A, 2, 2)]))
    found = landmarks(rows)[A]
    assert found.from_day == 8
    assert sorted(found.rows.tolist()) == [0, 2]


def test_without_days_in_the_stage_it_is_the_first_snapshot_there() -> None:
    rows = replace(history((1, WON, [(A, 8, 8), (A, 15, 15)]), (2, LOST, [(B, 1, 1), (A, 2, 2)])), names=("other",))
    found = landmarks(rows)[A]
    assert (found.from_day, found.day) == (None, None)
    assert found.rows.tolist() == [0, 3]


def test_where_no_stage_is_known_there_is_no_landmark() -> None:
    assert landmarks(history((1, WON, [(None, NAN, 1)]))) == {}


def test_a_stage_that_nobody_stayed_in_so_long_has_no_deals() -> None:
    rows = history((1, WON, [(A, 8, 8)]))
    assert len(at_landmark(rows, A, 9).rows) == 0
    assert at_landmark(rows, A, 9).day == 9
    assert len(at_landmark(rows, "elsewhere", 1).rows) == 0
