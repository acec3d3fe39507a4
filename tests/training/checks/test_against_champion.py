"""Not worse than the champion on dates that neither has learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from tests.training.checks.pipeline import DEAL, DEALS, STAGE_RATE, TRUTH, Y, evidence
from tests.training.examples import NAN
from training.checks.against_champion import check
from training.gate import Outcome


def test_passes_where_the_challenger_is_better_or_the_same() -> None:
    assert check(evidence(TRUTH, champion=STAGE_RATE)).outcome is Outcome.PASSED
    assert check(evidence(TRUTH, champion=TRUTH)).outcome is Outcome.PASSED


def test_fails_where_the_champion_is_better_beyond_chance() -> None:
    found = check(evidence(STAGE_RATE, champion=TRUTH))
    assert found.outcome is Outcome.FAILED
    assert "Log loss saved against the champion -" in found.says


def test_a_champion_that_may_be_better_by_chance_stands_against_nothing() -> None:
    slightly = expit(0.97 * logit(TRUTH))
    assert check(evidence(slightly, champion=TRUTH)).outcome is Outcome.PASSED


def test_only_rows_behind_the_champions_own_training_are_compared() -> None:
    late = DEAL >= DEALS // 2
    cheating = np.where(late, STAGE_RATE, np.where(Y > 0, 0.99, 0.01))
    assert check(evidence(TRUTH, champion=cheating)).outcome is Outcome.FAILED
    only_late = np.where(late, cheating, NAN)
    assert check(evidence(TRUTH, champion=only_late)).outcome is Outcome.PASSED


def test_does_not_apply_without_a_champion() -> None:
    assert check(evidence(TRUTH)).outcome is Outcome.NOT_APPLICABLE


def test_does_not_apply_while_few_deals_have_closed_since() -> None:
    few = np.where(DEAL < 49, TRUTH, NAN)
    found = check(evidence(STAGE_RATE, champion=few))
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert "Fewer than 50 deals" in found.says


def test_the_challenger_of_then_is_what_counts_where_there_is_one() -> None:
    worse_now = evidence(STAGE_RATE, champion=TRUTH)
    assert check(replace(worse_now, challenger_then=TRUTH)).outcome is Outcome.PASSED
    better_now = evidence(TRUTH, champion=TRUTH)
    assert check(replace(better_now, challenger_then=STAGE_RATE)).outcome is Outcome.FAILED
