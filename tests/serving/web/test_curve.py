"""By when a deal closes, as columns: geometry against numbers."""

from datetime import date
from itertools import pairwise

import pytest

from serving.web.curve import HEIGHT, LEFT, WIDTH, months_of

CURVE = {"first": "2026-08-31", "won": [0.1, 0.3, 0.4], "lost": [0.0, 0.2, 0.6]}


def test_each_month_is_a_column_whose_parts_are_the_chances():
    months = months_of(CURVE)
    assert [month.end for month in months] == [date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 31)]
    for month, won, lost in zip(months, CURVE["won"], CURVE["lost"], strict=True):
        assert (month.won, month.lost) == (won, lost)
        assert month.won_height == pytest.approx(won * HEIGHT)
        assert month.lost_height == pytest.approx(lost * HEIGHT)
        assert month.won + month.lost + month.still_open == pytest.approx(1.0)
    assert months[0].x == LEFT
    assert months[1].x - months[0].x == pytest.approx((WIDTH - LEFT) / 3, abs=0.1)
    assert months[-1].x + months[-1].width <= WIDTH


@pytest.mark.parametrize("many", [1, 2, 12, 24])
def test_labels_leave_room_for_each_other(many):
    months = months_of({"first": "2026-12-31", "won": [0.1] * many, "lost": [0.1] * many})
    labelled = [month.x for month in months if month.label]
    assert labelled
    assert all(after - before >= 59 for before, after in pairwise(labelled))
    assert months[0].label == "Dec 2026"


def test_without_a_curve_there_are_no_columns():
    assert months_of({}) == ()
