"""Rows of one deal together weigh what the power says."""

from __future__ import annotations

import numpy as np
import pytest

from training.models.weights import per_deal


@pytest.mark.parametrize(("power", "together"), [(0.0, [3, 1]), (0.5, [3**0.5, 1]), (1.0, [1, 1])])
def test_the_rows_of_a_deal_together(power: float, together: list[float]) -> None:
    deal = np.array([7, 4, 7, 7])
    weight = per_deal(deal, power)
    assert [weight[deal == 7].sum(), weight[deal == 4].sum()] == pytest.approx(together)
    assert len(set(weight[deal == 7])) == 1


def test_of_no_rows_no_weights() -> None:
    assert per_deal(np.array([], dtype=int)).shape == (0,)
