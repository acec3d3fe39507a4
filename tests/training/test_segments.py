"""Kinds of deals that are promised too much or too little are named; what may be chance is not."""

from __future__ import annotations

import numpy as np
import pytest

from training.scorecard import JudgedRows
from training.segments import LEAST_DEALS, segments, sizes


def judged(truth: np.ndarray, promised: np.ndarray, deals_of: int = 1, seed: int = 0) -> JudgedRows:
    """One outcome a deal, drawn with its true probability; `deals_of` snapshots each."""
    rng = np.random.default_rng(seed)
    won = (rng.random(len(truth)) < truth).astype(float)
    y, p = np.repeat(won, deals_of), np.repeat(promised, deals_of)
    n = len(y)
    deal = np.repeat(np.arange(len(truth)), deals_of)
    return JudgedRows(
        y, np.ones(n), deal, np.full(n, None), np.zeros(n, np.int64), np.ones(n, dtype=bool), {"model": p}
    )


def test_a_kind_that_is_off_is_named_with_its_direction() -> None:
    n = 600
    region = np.repeat(np.array(["East", "North", "West"], dtype=object), n)
    truth = np.repeat([0.2, 0.4, 0.6], n)
    found = segments(judged(truth, np.full(3 * n, 0.4)), {"region": region})
    assert [(one.value, one.off) for one in found] == [("East", "too high"), ("West", "too low"), ("North", "")] or [
        (one.value, one.off) for one in found
    ] == [("West", "too low"), ("East", "too high"), ("North", "")]
    east = next(one for one in found if one.value == "East")
    assert (east.field, east.rows, east.deals) == ("region", n, n)
    assert east.promised == pytest.approx(0.4)
    assert east.kept == pytest.approx(0.2, abs=0.04)
    assert east.gap.low < east.promised - east.kept < east.gap.high


def test_of_many_kinds_that_are_right_hardly_any_is_named() -> None:
    """Of 200 kinds looked at one by one, some 20 gaps would lie outside their 90 % interval."""
    kinds = np.repeat(np.array([f"rep {k}" for k in range(200)], dtype=object), 40)
    outside, named = 0, 0
    for seed in range(5):
        found = segments(judged(np.full(8000, 0.3), np.full(8000, 0.3), seed=seed), {"owner": kinds})
        outside += sum(one.gap.low > 0 or one.gap.high < 0 for one in found)
        named += sum(one.off != "" for one in found)
    assert outside > 50
    assert named <= 5


def test_many_snapshots_of_few_deals_are_no_evidence() -> None:
    region = np.full(30 * 50, "North", dtype=object)
    one = segments(judged(np.full(30, 0.3), np.full(30, 0.42), deals_of=50), {"region": region})[0]
    assert (one.rows, one.deals, one.off) == (1500, 30, "")


def test_kinds_with_too_few_deals_and_unknown_ones_are_left_out() -> None:
    kinds = np.array(["few"] * (LEAST_DEALS - 1) + ["enough"] * LEAST_DEALS + [None] * 50, dtype=object)
    found = segments(judged(np.full(len(kinds), 0.5), np.full(len(kinds), 0.5)), {"type": kinds})
    assert [one.value for one in found] == ["enough"]
    assert segments(judged(np.full(5, 0.5), np.full(5, 0.5)), {"type": np.full(5, "a", dtype=object)}) == ()


def test_sizes_are_fifths_told_by_their_bounds() -> None:
    amount = np.append(np.arange(1, 101) * 1000.0, np.nan)
    found = sizes(amount)
    assert found.categories[0] == "1,000 to 20,800"
    assert found.value_counts().tolist() == [20] * 5
    assert found.isna().tolist() == [False] * 100 + [True]
    assert sizes(np.linspace(0.1, 0.9, 50)).value_counts().tolist() == [10] * 5
    assert sizes(np.full(3, np.nan)).isna().all()
    assert sizes(np.full(30, 5.0)).isna().all()
