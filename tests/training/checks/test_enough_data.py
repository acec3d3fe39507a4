"""Enough closed deals of both outcomes, and later ones to judge by."""

from __future__ import annotations

import pytest

from tests.training.checks.pipeline import TRUTH, evidence, nothing_judged
from training.checks.enough_data import check
from training.gate import Outcome
from training.settings import Thresholds


def test_passes_at_the_published_minimum() -> None:
    found = check(evidence(TRUTH, won=40, lost=160))
    assert found.outcome is Outcome.PASSED
    assert "200 closed deals (40 won, 160 lost)" in found.says


@pytest.mark.parametrize(("won", "lost"), [(40, 159), (39, 500), (500, 39)])
def test_fails_below_it(won: int, lost: int) -> None:
    assert check(evidence(TRUTH, won=won, lost=lost)).outcome is Outcome.FAILED


def test_fails_where_the_history_is_too_short_to_judge() -> None:
    found = check(nothing_judged())
    assert found.outcome is Outcome.FAILED
    assert "too short" in found.says


def test_the_minimum_can_be_set() -> None:
    few = Thresholds(least_closed=20, least_each=5)
    assert check(evidence(TRUTH, won=5, lost=15, thresholds=few)).outcome is Outcome.PASSED
