"""More is known than the base rate, beyond chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from tests.training.checks.pipeline import TRUTH, N, Y, coin, evidence, nothing_judged
from training.checks.signal import check
from training.gate import Outcome


def test_passes_where_the_model_knows_something() -> None:
    assert check(evidence(TRUTH)).outcome is Outcome.PASSED


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fails_where_the_model_knows_nothing(seed: int) -> None:
    found = check(evidence(coin(seed)))
    assert found.outcome is Outcome.FAILED
    assert "better than the base rate" in found.says


def test_fails_where_everyone_gets_the_base_rate() -> None:
    assert check(evidence(np.full(N, Y.mean()))).outcome is Outcome.FAILED


def test_fails_where_the_order_is_right_but_the_promises_cost_more_than_the_base_rate() -> None:
    assert check(evidence(expit(logit(TRUTH) - 3))).outcome is Outcome.FAILED


def test_does_not_apply_without_later_deals() -> None:
    assert check(nothing_judged()).outcome is Outcome.NOT_APPLICABLE
