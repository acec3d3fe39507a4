"""Naive Bayes against figures worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks._naive_bayes import LEAST, fit_naive_bayes

# Deals 1 and 2 were won, 3, 4 and 5 lost; deal 1 is seen in "new" twice, which counts once.
DEAL = np.array([1, 1, 1, 2, 3, 4, 5])
OUTCOME = np.array([1, 1, 1, 1, 0, 0, 0])
VALUES = pd.DataFrame(
    {"stage": ["new", "new", "offer", "offer", "new", "new", "offer"], "owner": ["x", "x", "x", "y", "y", "y", "x"]}
)


def test_by_hand():
    model = fit_naive_bayes(VALUES, OUTCOME, DEAL)
    found = model.probability(pd.DataFrame({"stage": ["new", "offer"], "owner": ["x", "y"]}))
    # new: 1 of 2 won deals, 2 of 3 lost; x: 1 of 2 won, 1 of 3 lost; offer: 2 of 2, 1 of 3; y: 1 of 2, 2 of 3.
    won = [2 / 5 * (1.1 / 2) * (1.1 / 2), 2 / 5 * (2.1 / 2) * (1.1 / 2)]
    lost = [3 / 5 * (2.1 / 3) * (1.1 / 3), 3 / 5 * (1.1 / 3) * (2.1 / 3)]
    assert found == pytest.approx([w / (w + o) for w, o in zip(won, lost, strict=True)])


def test_a_value_never_seen_says_nothing():
    model = fit_naive_bayes(VALUES, OUTCOME, DEAL)
    assert model.probability(pd.DataFrame({"stage": ["?"], "owner": ["?"]})) == pytest.approx([2 / 5])


def test_no_answer_is_never_or_always():
    n = 20_000
    values = pd.DataFrame({"stage": ["good"] * n + ["bad"] * n})
    model = fit_naive_bayes(values, np.repeat([1, 0], n), np.arange(2 * n))
    assert model.probability(pd.DataFrame({"stage": ["bad", "good"]})) == pytest.approx([LEAST, 1 - LEAST])
