"""What was known at a date: outcomes after it are censored, labels need their horizon, nothing later leaks."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY
from crm.history import known_by
from crm.simulator import Simulation
from features.dataset import TrainingSet, training_set
from features.histories import Histories
from tests.training.examples import LOST, NAN, OPEN, WON, days_after, rows_of
from training.rows import Rows, all_rows, known_at

CUT = days_after(100)
STALL_DAYS = 30


def at(*days: float) -> np.ndarray:
    """Instants so many days after the first."""
    return np.array([days_after(day) for day in days], dtype=np.int64)


def assert_equal(one: Rows, other: Rows) -> None:
    for field in fields(Rows):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_a_closing_after_the_date_is_not_known_yet() -> None:
    rows = rows_of([WON, WON, LOST, OPEN], [30.0, 60.0, 60.1, 300.0], as_of=at(40, 40, 40, 40))
    known = known_at(rows, CUT, STALL_DAYS)
    assert known.outcome.tolist() == [WON, WON, OPEN, OPEN]
    np.testing.assert_allclose(known.days, [30, 60, 60, 60])  # those still open: for how long that is known


def test_snapshots_after_the_date_are_not_there_yet() -> None:
    rows = rows_of([WON] * 3, [5.0] * 3, as_of=at(99, 100, 100.001))
    known = known_at(rows, CUT, STALL_DAYS)
    assert known.as_of.tolist() == at(99, 100).tolist()
    assert known.deal.tolist() == [0, 1]


def test_a_stall_is_known_only_when_its_horizon_has_passed() -> None:
    rows = rows_of([OPEN] * 4, [500.0] * 4, as_of=at(60, 70, 70.01, 100), stalled=[1.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(known_at(rows, CUT, STALL_DAYS).stalled, [1, 0, NAN, NAN])


def test_a_label_that_is_never_known_stays_unknown() -> None:
    rows = rows_of([OPEN], [500.0], as_of=at(10), stalled=[NAN])
    assert np.isnan(known_at(rows, CUT, STALL_DAYS).stalled).all()


@st.composite
def histories(draw: st.DrawFn) -> Rows:
    """Random snapshots around the date, deals of several snapshots."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = 60
    as_of = rng.integers(0, 2 * CUT, n)
    return rows_of(
        rng.integers(-1, 2, n),
        rng.uniform(0, 150, n),
        as_of=as_of,
        stalled=rng.choice([0.0, 1.0, NAN], n),
        deal=rng.integers(0, 15, n),
    )


@given(histories(), st.integers(0, 2**32 - 1))
def test_whatever_comes_after_the_date_changes_nothing_of_what_was_known(rows: Rows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    followed = (CUT - rows.as_of) / DAY
    later = (rows.outcome < 0) | (rows.days > followed)
    other_outcome = np.where(later, rng.integers(-1, 2, len(rows)), rows.outcome).astype(np.int8)
    other_days = np.where(later, np.maximum(followed, 0) + rng.uniform(0.001, 90, len(rows)), rows.days)
    other_stall = np.where(followed < STALL_DAYS, rng.choice([0.0, 1.0, NAN], len(rows)), rows.stalled)
    behind = rows.as_of > CUT
    other = replace(
        rows,
        outcome=other_outcome,
        days=other_days,
        stalled=other_stall,
        x=np.where(behind[:, None], 99, rows.x),
        stage=np.where(behind, "Later", rows.stage),
    )
    # Rows that were open to the end of the data had at least to be open at the date.
    seen = rows.where((rows.outcome >= 0) | (rows.days >= followed))
    assert_equal(
        known_at(seen, CUT, STALL_DAYS),
        known_at(other.where((rows.outcome >= 0) | (rows.days >= followed)), CUT, STALL_DAYS),
    )


@given(histories(), st.floats(0, 100))
def test_what_was_known_earlier_can_be_told_from_what_was_known_later(rows: Rows, day: float) -> None:
    earlier = days_after(day)
    twice = known_at(known_at(rows, CUT, STALL_DAYS), earlier, STALL_DAYS)
    assert_equal(twice, known_at(rows, earlier, STALL_DAYS))


def test_rows_know_what_the_tables_of_that_date_would_have_told(simulation: Simulation, training: TrainingSet) -> None:
    """Two roads to a date: forget the later outcomes, or read the tables as they stood then."""
    as_of = all_rows(training).as_of
    cut = int(np.quantile(as_of, 0.6))
    forgotten = known_at(all_rows(training), cut, training.time.stall_days)
    histories = Histories(known_by(simulation.tables, cut))
    then = all_rows(training_set(histories, training.time, cut))
    ids = np.append(training.ids[as_of <= cut], [])
    order_then = histories.deals["opportunity_id"].to_numpy(object)[then.deal]
    assert ids.tolist() == order_then.tolist()
    for name in ("as_of", "outcome", "stalled", "group"):
        np.testing.assert_array_equal(getattr(forgotten, name), getattr(then, name), err_msg=name)
    np.testing.assert_allclose(forgotten.days, then.days)
    assert forgotten.stage.tolist() == then.stage.tolist()


def test_all_rows_hold_what_the_training_set_says(training: TrainingSet) -> None:
    rows = all_rows(training)
    assert len(rows) == len(training.features) == len(training.ids)
    assert rows.names == tuple(training.features.columns)
    assert rows.x.dtype == np.float32
    np.testing.assert_array_equal(rows.outcome, training.labels.outcome)


def test_a_mask_keeps_rows_whole() -> None:
    rows = rows_of([WON, LOST, OPEN], [1.0, 2.0, 3.0])
    kept = rows.where(np.array([True, False, True]))
    assert len(kept) == 2
    assert kept.deal.tolist() == [0, 2]
    assert kept.x[:, 0].tolist() == [0, 2]
    assert kept.days == pytest.approx([1, 3])
