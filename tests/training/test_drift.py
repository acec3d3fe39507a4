"""Drift is found where it was planted, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.training.examples import OPEN, days_after, rows_of
from training.drift import WINDOW_DAYS, Drift, drift, drift_reference, stability_index
from training.rows import Rows

DEALS, DAYS = 3000, 6 * WINDOW_DAYS


def world(seed: int, deals: int = DEALS, days: int = DAYS) -> Rows:
    """Deals at dates over half a year: what stands still, what few know, a count, what grows, the date alone."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, days, deals)
    x = np.column_stack(
        [
            rng.normal(size=deals),
            np.where(rng.random(deals) < 0.3, np.nan, rng.exponential(size=deals)),
            rng.poisson(0.3, deals),
            day + rng.normal(size=deals),
            day % 91,
        ]
    )
    rows = rows_of([OPEN] * deals, [1.0] * deals, x=x, as_of=np.array([days_after(d) for d in day]))
    return replace(rows, names=("still", "few", "count", "grows", "date"))


def scores_of(rows: Rows) -> np.ndarray:
    return 1 / (1 + np.exp(-rows.x[:, 0].astype(float)))


def seen(now: Rows, scores: np.ndarray | None = None) -> Drift:
    """How far rows are from the world of seed 0; through JSON, as the reference is kept."""
    then = world(0)
    reference = json.loads(json.dumps(drift_reference(then, scores_of(then))))
    features = pd.DataFrame(now.x, columns=list(now.names))
    return drift(reference, features, scores_of(now) if scores is None else scores, now.deal)


def gone(found: Drift, threshold: float = 0.25) -> set[str]:
    return {shift.name for shift in found.features if shift.beyond(threshold)}


def later(seed: int = 1, deals: int = 300) -> Rows:
    return world(seed, deals, WINDOW_DAYS)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_same_world_has_not_drifted(seed: int) -> None:
    found = seen(later(seed))
    assert gone(found) == set()
    assert not found.scores.beyond(0.25)
    assert max(found.scores.index, *(s.index for s in found.features if s.name != "grows")) < 0.25


def test_what_is_the_same_for_all_deals_at_a_date_is_not_watched() -> None:
    assert {shift.name for shift in seen(later()).features} == {"still", "few", "count", "grows"}


def test_what_never_stands_still_has_drifted_no_further_than_usual() -> None:
    (grows,) = (shift for shift in seen(later()).features if shift.name == "grows")
    assert grows.usual > 0.25
    assert not grows.beyond(0.25)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("still", lambda values: values + 1.5),
        ("still", lambda values: values * 100),
        ("few", lambda values: np.full_like(values, np.nan)),
        ("few", lambda values: np.nan_to_num(values, nan=1.0)),
        ("count", lambda values: values * 0),
    ],
)
def test_what_has_moved_is_named_and_nothing_else(name: str, change: object) -> None:
    now = later()
    x, column = now.x.copy(), now.names.index(name)
    x[:, column] = change(x[:, column])  # type: ignore[operator]
    found = seen(replace(now, x=x), scores_of(now))
    # Counts that were mostly 0 hide little when all are 0: that is for a lower threshold.
    assert gone(found, 0.1 if name == "count" else 0.25) == {name}
    assert found.features[0].name in (name, "grows")


def test_scores_that_have_moved_are_seen() -> None:
    now = later()
    assert seen(now, np.sqrt(scores_of(now))).scores.beyond(0.25)


def test_few_deals_prove_nothing() -> None:
    """Ten deals lie far from any reference by chance."""
    few = [seen(later(seed, 10)) for seed in range(20)]
    assert max(shift.index for found in few for shift in found.features) > 0.25
    assert {name for found in few for name in gone(found)} == set()


def test_the_index_of_equal_shares_is_zero_and_grows_with_the_distance() -> None:
    then = np.array([0.25, 0.25, 0.5])
    assert stability_index(then, then) == 0
    near, far = np.array([0.3, 0.25, 0.45]), np.array([0.6, 0.25, 0.15])
    assert 0 < stability_index(then, near) < stability_index(then, far)
    # Siddiqi's formula by hand.
    by_hand = 0.05 * np.log(0.3 / 0.25) - 0.05 * np.log(0.45 / 0.5)
    assert stability_index(then, near) == pytest.approx(by_hand)
