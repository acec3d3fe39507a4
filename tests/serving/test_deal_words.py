"""What is said of one deal, wherever it is said."""

import math
from datetime import date

import pytest

from serving.deal_words import Part, moved_of, or_unknown
from serving.formats import HOUSE
from serving.moved import MODEL, REST

TOLD = {
    "since": "2026-08-07",
    "from": 0.331,
    "to": 0.414,
    "facts": 0.083,
    "moves": [{"says": "Moved forward today.", "before": "Moved 24 days ago.", "points": 0.091}],
    "rest": -0.008,
    "late": 0.0,
    "model": 0.0,
}


def test_a_move_is_told_by_its_parts_which_sum_up_to_it():
    moved = moved_of(TOLD)
    assert moved is not None
    assert moved.since == date(2026, 8, 7)
    assert moved.parts == (Part("Moved forward today.", "Moved 24 days ago.", 0.091), Part(REST, "", -0.008))
    assert sum(part.points for part in moved.parts) == pytest.approx(moved.points)


def test_a_move_by_the_model_alone_says_so():
    told = {**TOLD, "facts": 0.001, "moves": [], "rest": 0.001, "model": 0.082}
    moved = moved_of(told)
    assert moved is not None
    assert moved.parts == (Part("The facts did not change, the model did.", "", 0.082),)
    facts_too = moved_of({**TOLD, "model": 0.02})
    assert facts_too is not None
    assert facts_too.parts[-1] == Part(MODEL, "", 0.02)


@pytest.mark.parametrize("told", [None, {**TOLD, "facts": 0.002}])
def test_a_chance_that_stands_where_it_stood_needs_no_words(told):
    assert moved_of(told) is None


def test_what_is_not_known_is_said():
    assert or_unknown(math.nan, HOUSE.percent) == or_unknown(None, HOUSE.percent) == "not known"
    assert or_unknown(0.5, HOUSE.percent) == HOUSE.percent(0.5)
