"""A retraining is due for a reason, and every reason is said."""

from __future__ import annotations

import pytest

from tests.training.examples import days_after
from training.drift import Drift, Shift
from training.due import Due, Says, Tried, judge_due, no_champion
from training.later import Kept
from training.scores import Interval
from training.settings import RetrainWishes

WISHES = RetrainWishes()
STILL = Drift(Shift("scores", 0.05, 0.1, 0.1), tuple(Shift(f"f{i}", 0.02, 0.1, 0.1) for i in range(20)))


def kept(low: float, high: float) -> Kept:
    return Kept(900, 200, 80, Interval(0.4, 0.3, 0.5), Interval(0.35, 0.3, 0.4), Interval((low + high) / 2, low, high))


def drifted(features: int, index: float = 2.0, scores: float = 0.05) -> Drift:
    moved = tuple(Shift(f"f{i}", index, 0.1, 0.1) for i in range(features))
    return Drift(Shift("scores", scores, 0.1, 0.1), (*moved, *STILL.features[features:]))


def due(days: int = 10, **said: object) -> Due:
    given = {"kept": kept(-0.02, 0.02), "drift": STILL, "tried": None, "wishes": WISHES, **said}
    return judge_due(days_after(100), days_after(100 + days), **given)  # type: ignore[arg-type]


def says(found: Due) -> dict[str, Says]:
    return {reason.name: reason.says for reason in found.reasons}


def test_without_a_reason_it_is_not_due_and_each_is_said() -> None:
    found = due()
    assert not found.due
    assert says(found) == {"age": Says.NOT_DUE, "promise": Says.NOT_DUE, "drift": Says.NOT_DUE}
    assert all(reason.found.endswith(".") for reason in found.reasons)


def test_an_old_champion_is_due() -> None:
    assert not due(29).due
    assert due(30).due
    assert says(due(30))["age"] is Says.DUE
    assert not due(30, wishes=RetrainWishes(max_age_days=31)).due
    assert not due(-5).due, "the champion has seen later data than these"


def test_a_promise_broken_beyond_chance_and_tolerance_is_due() -> None:
    assert due(kept=kept(0.02, 0.2)).due
    assert not due(kept=kept(0.005, 0.2)).due, "the lower bound is within the tolerance"
    assert not due(kept=kept(-0.2, -0.1)).due, "better than promised"
    assert due(kept=kept(0.005, 0.2), wishes=RetrainWishes(worst_rise=0)).due


def test_drift_of_the_scores_or_of_many_features_is_due() -> None:
    assert due(drift=drifted(0, scores=0.3)).due
    assert due(drift=drifted(3)).due
    assert not due(drift=drifted(2)).due, "2 of 20 are the share that may"
    assert not due(drift=drifted(3, index=0.2)).due
    assert due(drift=drifted(3, index=0.2), wishes=RetrainWishes(worst_drift=0.15)).due
    assert "f0 2.00, f1 2.00, f2 2.00)" in due(drift=drifted(3)).reasons[-1].found
    assert ", …)" in due(drift=drifted(9)).reasons[-1].found


def test_what_cannot_be_told_is_said_and_is_no_reason() -> None:
    found = due(kept=None, drift=None)
    assert not found.due
    assert says(found) == {"age": Says.NOT_DUE, "promise": Says.UNKNOWN, "drift": Says.UNKNOWN}


@pytest.mark.parametrize("ago", [0, 3, 6])
def test_a_training_in_vain_is_not_repeated_at_once(ago: int) -> None:
    tried = Tried("7", days_after(140 - ago))
    found = due(40, tried=tried)
    assert not found.due
    assert says(found)["age"] is Says.DUE
    assert "Version 7" in found.wait
    assert not no_champion(days_after(140), tried, WISHES).due


def test_but_after_some_days_it_is() -> None:
    tried = Tried("7", days_after(133))
    assert due(40, tried=tried).due
    assert no_champion(days_after(140), tried, WISHES).due


def test_nothing_is_put_off_where_nothing_is_due() -> None:
    assert due(10, tried=Tried("7", days_after(109))).wait == ""


def test_without_a_champion_one_is_wanted() -> None:
    found = no_champion(days_after(0), None, WISHES)
    assert found.due
    assert found.reasons[0].found == "There is no champion yet."
