"""By when each deal is won, lost or still open, by the ends of months."""

import json
from datetime import date

import numpy as np
import pytest

from serving.win_curves import MOST_MONTHS, month_ends, win_curves
from tests.histories import crm, deal
from tests.serving.companies import linear_model, scoring_of
from training.deal_model import Answers
from training.models.win_curve import Curve

EDGES = np.array([0.0, 10.0, 40.0, 100.0])
MODEL = linear_model({"demos": 1.0})


def curves(won: list, lost: list, edges: np.ndarray = EDGES, as_of: str = "2026-08-14T23:59:59.999") -> dict:
    scoring = scoring_of(crm([deal("A", "2026-07-01")]), MODEL, as_of)
    curve = Curve(edges, np.array([won]), np.array([lost]), np.array([0.5]))
    return json.loads(win_curves(scoring, Answers(np.array([0.4]), curve, np.array([np.nan])))["A"])


def test_a_curve_is_the_models_own_at_the_ends_of_months_as_far_as_it_sees():
    won, lost = [0.0, 0.1, 0.2, 0.3], [0.0, 0.2, 0.3, 0.5]
    found = curves(won, lost)
    assert found["first"] == "2026-08-31"
    # The ends of August, September and October lie 17, 47 and 78 days ahead; the model sees 100.
    ever_won, share = 0.3 + 0.2 * 0.5, 0.4
    by_then = np.interp([17, 47, 78], EDGES, won)
    assert found["won"] == pytest.approx((share * by_then / ever_won).round(4), abs=1e-4)
    lost_by_then = np.interp([17, 47, 78], EDGES, lost)
    assert found["lost"] == pytest.approx(((1 - share) * lost_by_then / (1 - ever_won)).round(4), abs=1e-4)


def test_a_curve_ends_when_hardly_any_chance_is_left_that_the_deal_is_still_open():
    found = curves([0.0, 0.2, 0.4, 0.4], [0.0, 0.2, 0.6, 0.6], np.array([0.0, 10.0, 40.0, 1000.0]))
    assert len(found["won"]) == len(found["lost"]) == 2
    assert found["won"][-1] + found["lost"][-1] == pytest.approx(1.0)


def test_a_long_curve_ends_after_so_many_months():
    found = curves([0.0, 0.0, 0.1, 0.2], [0.0, 0.0, 0.1, 0.2], np.array([0.0, 1000.0, 2000.0, 3000.0]))
    assert len(found["won"]) == MOST_MONTHS


def test_months_end_on_their_last_days_and_later_than_the_day():
    assert month_ends(date(2027, 12, 30), 3) == [date(2027, 12, 31), date(2028, 1, 31), date(2028, 2, 29)]
    assert month_ends(date(2027, 12, 31), 1) == [date(2028, 1, 31)]
