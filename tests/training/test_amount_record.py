"""The record of amounts on later dates: what had been won by the cut answers for what was won since."""

from __future__ import annotations

import numpy as np
import pytest

from crm.clock import DAY
from tests.training.examples import rows_of
from training.amount_record import amount_record
from training.evaluation import Cuts

CUTS = Cuts(100 * DAY, 150 * DAY, 200 * DAY)
NAN = float("nan")


def ratios(n: int, mean: float, seed: int) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(mean, 0.2, n))


def test_it_tells_how_ranges_and_expectations_held() -> None:
    n = 2000
    as_of = np.repeat([50, 120], n) * DAY
    rows = rows_of([1] * 2 * n, [10.0] * 2 * n, as_of=as_of)
    record = amount_record(rows, np.append(ratios(n, -0.3, 0), ratios(n, -0.3, 1)), CUTS)
    assert record is not None
    assert (record.rows, record.deals) == (n, n)
    assert record.inside.value == pytest.approx(0.8, abs=0.03)
    assert record.bias.low < 0 < record.bias.high
    assert record.loss.high < record.as_it_stands.low
    off = amount_record(rows, np.append(ratios(n, 0.3, 0), ratios(n, -0.3, 1)), CUTS)
    assert off is not None
    assert off.bias.low > 0.3
    assert off.inside.value < 0.2


def test_what_was_won_only_after_the_cut_does_not_help_to_judge_itself() -> None:
    """Deals seen before the cut and won behind it, all at another amount, are on neither side."""
    n = 100
    rows = rows_of([1] * 3 * n, np.repeat([10.0, 80.0, 10.0], n), as_of=np.repeat([50, 50, 120], n) * DAY)
    first, last = ratios(n, 0, 0), ratios(n, 0, 1)
    one, other = (amount_record(rows, np.concatenate([first, np.full(n, x), last]), CUTS) for x in (0.1, 9.0))
    assert one == other


def test_too_few_won_deals_are_not_judged() -> None:
    rows = rows_of([1] * 60, [10.0] * 60, as_of=np.repeat([50, 120], 30) * DAY, deal=np.append([1] * 30, np.arange(30)))
    assert amount_record(rows, np.ones(60), CUTS) is None
    assert amount_record(rows_of([1], [1.0]), np.array([NAN]), CUTS) is None
