"""Reasons as a waterfall: geometry against numbers."""

from itertools import pairwise

import pytest

from serving.web.waterfall import WIDTH, waterfall


def why(points: float) -> dict:
    return {"says": f"Because of {points}.", "evidence": "", "points": points}


REASONS = {"base": 0.2, "for": [why(0.3), why(0.1)], "against": [why(-0.25)], "rest": -0.05}


def test_the_steps_lead_from_the_base_to_the_probability():
    steps = waterfall(REASONS, 0.3)
    assert [step.points for step in steps] == [None, 0.3, 0.1, -0.25, -0.05, None]
    assert [round(step.end, 6) for step in steps] == [0.2, 0.5, 0.6, 0.35, 0.3, 0.3]
    for before, step in pairwise(steps[:-1]):
        assert step.start == before.end
        assert step.end - step.start == pytest.approx(step.points)
    assert steps[0].end + sum(step.points or 0 for step in steps) == pytest.approx(steps[-1].end)


def test_bars_reach_from_the_chance_before_to_the_chance_after_on_one_scale():
    steps = waterfall(REASONS, 0.3)
    a_point = WIDTH / 0.6  # the highest chance that the steps come to fills the width
    for step in steps:
        assert step.x == pytest.approx(min(step.start, step.end) * a_point, abs=0.06)
        assert step.width == pytest.approx(abs(step.end - step.start) * a_point, abs=0.06)
        assert 0 <= step.x <= step.x + step.width <= WIDTH + 0.1


def test_without_a_reason_the_remainder_is_the_whole_way():
    (base, rest, end) = waterfall({"base": 0.2, "for": [], "against": [], "rest": 0.1}, 0.3)
    assert (base.end, rest.start, round(rest.end, 6), end.end) == (0.2, 0.2, 0.3, 0.3)


def test_a_step_below_nothing_stays_within_the_drawing():
    steps = waterfall({"base": 0.05, "for": [], "against": [why(-0.1)], "rest": 0.07}, 0.02)
    assert all(step.x >= 0 and step.x + step.width <= WIDTH + 0.5 for step in steps)
