"""Of the deals that get 70 %, 70 % are won."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from tests.training.checks.pipeline import DEAL, STAGES, TRUTH, N, Y, evidence, nothing_judged
from tests.training.examples import evidence_of, judged_of
from training.checks.calibrated import check
from training.gate import Outcome
from training.settings import Thresholds


def test_passes_where_promises_are_kept() -> None:
    found = check(evidence(TRUTH))
    assert found.outcome is Outcome.PASSED
    assert "slope" in found.says


@pytest.mark.parametrize("factor", [0.3, 4.0], ids=["too timid", "too sure"])
def test_fails_where_promises_are_too_far_apart_or_too_near(factor: float) -> None:
    assert check(evidence(expit(logit(TRUTH) * factor))).outcome is Outcome.FAILED


@pytest.mark.parametrize("shift", [-1.0, 1.0], ids=["too little", "too much"])
def test_fails_where_too_much_or_too_little_is_promised_on_the_whole(shift: float) -> None:
    assert check(evidence(expit(logit(TRUTH) + shift))).outcome is Outcome.FAILED


def test_the_same_promise_to_all_is_kept_where_its_share_is_won() -> None:
    found = check(evidence(np.full(N, Y.mean())))
    assert found.outcome is Outcome.PASSED
    assert "nan" not in found.says
    assert check(evidence(np.full(N, Y.mean() + 0.2))).outcome is Outcome.FAILED


def test_what_few_deals_cannot_show_is_not_held_against_the_model() -> None:
    few = np.arange(N) < 60
    judged = judged_of(Y[few], DEAL[few], STAGES[few], model=expit(logit(TRUTH[few]) + 0.3))
    found = evidence_of(judged)
    assert found.win is not None
    assert found.win.model.calibration_error > Thresholds().worst_calibration_error
    assert check(found).outcome is Outcome.PASSED


def test_does_not_apply_without_later_deals() -> None:
    assert check(nothing_judged()).outcome is Outcome.NOT_APPLICABLE
