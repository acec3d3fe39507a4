"""No stage in which far too much or too little is promised."""

from __future__ import annotations

import numpy as np

from tests.training.checks.pipeline import DEAL, STAGE_RATE, STAGES, TRUTH, Y, evidence, nothing_judged
from tests.training.examples import evidence_of, judged_of, stages
from training.checks.segments import check
from training.gate import Outcome
from training.segments import segments


def test_passes_where_every_stage_gets_what_it_keeps() -> None:
    found = check(evidence(TRUTH))
    assert found.outcome is Outcome.PASSED
    assert "2 stages and segments" in found.says


def test_fails_where_one_stage_is_promised_too_much() -> None:
    shifted = np.where(STAGES == "Propose", np.minimum(TRUTH + 0.3, 0.99), TRUTH)
    found = check(evidence(shifted))
    assert found.outcome is Outcome.FAILED
    assert "stage Propose is" in found.says
    assert "too high" in found.says
    assert "Qualify" not in found.says


def test_fails_where_one_stage_is_promised_too_little() -> None:
    shifted = np.where(STAGES == "Qualify", TRUTH * 0.2, TRUTH)
    found = check(evidence(shifted))
    assert found.outcome is Outcome.FAILED
    assert "stage Qualify is" in found.says
    assert "too low" in found.says


def test_does_not_apply_where_stages_have_too_few_deals() -> None:
    many_stages = stages(*(f"Stage {deal // 40}" for deal in DEAL))
    judged = judged_of(Y, DEAL, many_stages, model=TRUTH + 0.5, stage_win_rates=STAGE_RATE)
    found = segments(judged, {"stage": many_stages})
    assert len(found) == len(set(many_stages))
    assert check(evidence_of(judged, segments=found)).outcome is Outcome.NOT_APPLICABLE


def test_whose_deals_they_are_is_no_reason_to_keep_a_model_back() -> None:
    shifted = np.where(STAGES == "Propose", np.minimum(TRUTH + 0.3, 0.99), TRUTH)
    judged = judged_of(Y, DEAL, STAGES, model=shifted, stage_win_rates=STAGE_RATE)
    by_owner, by_region = (segments(judged, {field: STAGES}) for field in ("owner", "region"))
    assert check(evidence_of(judged, segments=by_region)).outcome is Outcome.FAILED
    assert check(evidence_of(judged, segments=by_owner)).outcome is Outcome.NOT_APPLICABLE


def test_does_not_apply_without_later_deals() -> None:
    assert check(nothing_judged()).outcome is Outcome.NOT_APPLICABLE
