"""Why win chances moved over several runs."""

import pytest

from serving.moved import LATE, MODEL, REST, why_moved


def step(moves: dict[str, float], rest: float = 0.0, late: float = 0.0, model: float = 0.0, says: str = "now") -> dict:
    told = [{"group": group, "says": f"{group} {says}", "points": points} for group, points in moves.items()]
    return {"moves": told, "rest": rest, "late": late, "model": model}


def test_steps_add_up_by_reason_and_are_told_as_the_last_one_says():
    told = why_moved([step({"stage": 0.1, "pushes": -0.02}, rest=0.3, says="then"), step({"stage": 0.05}, model=-0.04)])
    assert [(why.says, why.points) for why in told if why.points] == [
        ("stage now", 0.15),
        (MODEL, -0.04),
        ("pushes then", -0.02),
        (REST, 0.3),  # what has no name comes last, however much it is
    ]


def test_all_that_is_told_comes_to_the_whole_move():
    steps = [step({"a": 0.02, "b": -0.3}, 0.01, 0.02, 0.03), step({"b": 0.1}, -0.02), step({}, late=0.5)]
    whole = sum(sum(m["points"] for m in one["moves"]) + one["rest"] + one["late"] + one["model"] for one in steps)
    told = why_moved(steps)
    assert sum(why.points for why in told) == pytest.approx(whole)
    assert next(why.points for why in told if why.says == LATE) == pytest.approx(0.52)


def test_where_a_step_is_not_explained_nothing_is():
    assert why_moved([step({"stage": 0.1}), None]) == ()
    assert why_moved([]) == ()
