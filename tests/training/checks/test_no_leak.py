"""Nothing looks too good to have been known at the time."""

from __future__ import annotations

import numpy as np

from tests.training.checks.pipeline import TRUTH, Y, evidence, nothing_judged
from training.checks.no_leak import check
from training.gate import Outcome


def test_passes_where_nothing_sorts_won_from_lost_almost_perfectly() -> None:
    assert check(evidence(TRUTH, single_auc={"age": 0.98})).outcome is Outcome.PASSED


def test_fails_where_a_single_feature_is_the_outcome() -> None:
    found = check(evidence(TRUTH, single_auc={"age": 0.6, "invoice_date": 0.999}))
    assert found.outcome is Outcome.FAILED
    assert "invoice_date alone 0.999" in found.says
    assert "age" not in found.says


def test_fails_where_the_model_knows_the_outcome() -> None:
    found = check(evidence(np.where(Y > 0, 0.97, 0.03)))
    assert found.outcome is Outcome.FAILED
    assert "the model 1.000" in found.says


def test_features_are_looked_at_even_without_later_deals() -> None:
    assert check(nothing_judged(single_auc={"invoice_date": 0.999})).outcome is Outcome.FAILED
    assert check(nothing_judged()).outcome is Outcome.PASSED
