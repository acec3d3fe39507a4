"""More is known than the stage."""

from __future__ import annotations

import numpy as np

from tests.training.checks.pipeline import DEAL, STAGE_RATE, STAGES, TRUTH, N, Y, evidence, nothing_judged
from tests.training.examples import evidence_of, judged_of
from training.checks.beats_stage_rates import check
from training.gate import Outcome


def test_passes_where_the_model_knows_more_than_the_stage() -> None:
    assert check(evidence(TRUTH)).outcome is Outcome.PASSED


def test_fails_where_the_model_knows_only_the_stage() -> None:
    assert check(evidence(STAGE_RATE)).outcome is Outcome.FAILED


def test_fails_where_the_advantage_may_be_chance() -> None:
    few = np.arange(N) < 60
    judged = judged_of(Y[few], DEAL[few], STAGES[few], model=TRUTH[few], stage_win_rates=STAGE_RATE[few])
    found = check(evidence_of(judged))
    assert found.outcome is Outcome.FAILED
    assert "saved against stage win rates 0." in found.says  # it did save something


def test_does_not_apply_without_a_stage_history() -> None:
    without = judged_of(Y, DEAL, model=TRUTH, stage_win_rates=np.full(N, Y.mean()))
    assert check(evidence_of(without)).outcome is Outcome.NOT_APPLICABLE


def test_does_not_apply_without_later_deals() -> None:
    assert check(nothing_judged()).outcome is Outcome.NOT_APPLICABLE
