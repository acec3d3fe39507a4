"""The record of the day of winning: over the days that snapshots were followed, by what was known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY
from features.settings import TimeSettings
from tests.training.examples import LOST, NAN, OPEN, days_after, rows_of, stages
from training.close_dates import (
    PLAIN,
    ahead,
    close_date_record,
    days_to_planned_end,
    fit_shape,
    level_of,
    shape_now,
)
from training.evaluation import Cuts, Judged
from training.models.win_curve import Curve
from training.rows import Rows
from training.scorecard import card, judged_slip

CUTS = Cuts(days_after(100), days_after(200), days_after(300))
EDGES = np.linspace(0, 200, 41)
SLOWEST = 200.0


def judged_of(rows: Rows) -> Judged:
    """Predictions of which each says: half are won, half lost, evenly over 200 days."""
    n = len(rows)
    half = np.tile(EDGES / SLOWEST / 2, (n, 1))
    nothing = np.zeros(n)
    curve = Curve(EDGES, half, half, np.full(n, 0.5))
    return Judged(rows, nothing, nothing + NAN, curve, *[nothing + 0.5] * 5)


def company(share_of_days: np.ndarray, seed: int = 0, plan: np.ndarray | None = None) -> Rows:
    """Deals looked at over 300 days, half of them won, after that share of 200 days each; as known at the end."""
    rng = np.random.default_rng(seed)
    n = len(share_of_days)
    as_of = rng.integers(0, CUTS.end, n)
    took, followed = share_of_days * SLOWEST, (CUTS.end - as_of) / DAY
    closed = took <= followed
    rows = rows_of(
        np.where(closed, rng.integers(0, 2, n), OPEN), np.minimum(took, followed), as_of=as_of, x=np.zeros((n, 1))
    )
    if plan is not None:
        rows = replace(rows, x=plan.reshape(-1, 1).astype(np.float32), names=("days_to_close_date",))
    return rows


def later(rows: Rows) -> Judged:
    return judged_of(rows.where(rows.as_of > CUTS.fit))


EVEN = np.random.default_rng(1).random(12_000)
MIDDLE = np.random.default_rng(1).beta(2, 2, 12_000)


def test_of_wins_seen_so_soon_a_curve_that_is_right_keeps_what_it_promises() -> None:
    rows = company(EVEN)
    record = close_date_record(rows, later(rows), CUTS, 30)
    assert record is not None
    plain, shaped = sorted((record.span, record.other), key=lambda one: one.shape != PLAIN)
    assert shaped.shape == pytest.approx(1, abs=0.1)
    assert plain.inside.low <= plain.promised <= plain.inside.high
    assert shaped.off < 0.06
    # Within 100 days no win is later than the 90 % day, and those before the 10 % day are a fifth or more.
    assert plain.promised < 0.75


def test_a_span_that_is_too_wide_is_drawn_in_by_what_was_known_and_both_are_told() -> None:
    rows = company(MIDDLE)
    record = close_date_record(rows, later(rows), CUTS, 30)
    assert record is not None
    assert record.span.shape == pytest.approx(2, abs=0.25)
    assert record.span.off < 0.03
    assert record.other.shape == PLAIN
    assert record.other.inside.low > record.other.promised + 0.05
    assert shape_now(record, later(rows), CUTS, 30) == pytest.approx(2, abs=0.2)


def test_a_shape_that_did_not_help_is_not_used() -> None:
    """Until the second cut wins came in the middle of the span, since then evenly."""
    early, late = company(MIDDLE), company(EVEN)
    since = np.concatenate([np.zeros(len(early), bool), late.as_of > CUTS.calibrate])
    before = np.concatenate([early.as_of <= CUTS.calibrate, np.zeros(len(late), bool)])
    columns = ("x", "outcome", "days", "stalled", "as_of", "group", "stage")
    both = {name: np.concatenate([getattr(early, name), getattr(late, name)]) for name in columns}
    rows = replace(early, **both, deal=np.arange(len(since))).where(before | since)
    record = close_date_record(rows, later(rows), CUTS, 30)
    assert record is not None
    assert record.other.shape == pytest.approx(2, abs=0.25)
    assert record.other.off > record.span.off + 0.03
    assert record.span.shape == shape_now(record, later(rows), CUTS, 30) == PLAIN
    assert shape_now(None, later(rows), CUTS, 30) == PLAIN


def test_the_shape_knows_nothing_that_came_after_its_date() -> None:
    rows = company(MIDDLE)
    known = (rows.outcome >= 0) & (rows.as_of + rows.days * DAY <= CUTS.calibrate)
    other = replace(rows, outcome=np.where(known, rows.outcome, LOST).astype(np.int8))
    assert fit_shape(later(other), CUTS.calibrate, 30) == fit_shape(later(rows), CUTS.calibrate, 30)
    assert fit_shape(later(other), CUTS.end, 30) != fit_shape(later(rows), CUTS.end, 30)


def test_few_wins_tell_no_shape_and_are_not_judged() -> None:
    rows = company(MIDDLE[:60])
    assert fit_shape(later(rows), CUTS.calibrate, 30) == PLAIN
    assert close_date_record(rows, later(rows), CUTS, 30) is None
    rows = company(MIDDLE)
    one_deal = replace(rows, deal=np.where(rows.as_of > CUTS.fit, 0, rows.deal))
    assert close_date_record(one_deal, later(one_deal), CUTS, 30) is None


def test_the_median_is_held_against_the_plan_and_the_stage_on_the_same_deals() -> None:
    days = EVEN * SLOWEST
    good, bad = (company(EVEN, plan=plan) for plan in (days - 1, np.full(len(days), 190.0)))
    right, wrong = (close_date_record(rows, later(rows), CUTS, 30) for rows in (good, bad))
    assert right is not None
    assert right.error_of_plan is not None
    assert right.horizon_days == 50
    assert right.error_of_plan.value == pytest.approx(0, abs=0.01)
    # Counted up to 50 days, a median of 100 is off by 50 - d for the quarter of wins that take d < 50 days.
    assert right.error.value == pytest.approx(6.25, abs=0.5)
    assert wrong is not None
    assert wrong.error_of_plan == wrong.error
    # By the first cut, after 100 days, only fast wins are known.
    assert wrong.error_of_stage.low > wrong.error.high


def test_plans_that_have_passed_are_none() -> None:
    rows = company(EVEN, plan=np.full(len(EVEN), -3.0))
    assert np.isnan(days_to_planned_end(rows)).all()
    record = close_date_record(rows, later(rows), CUTS, 30)
    assert record is not None
    assert record.error_of_plan is None


def test_a_planned_day_ends_with_its_last_millisecond() -> None:
    plan = np.array([[0.5, -1 + 1e-8, NAN, -1.5, 10.0]], np.float32).T
    rows = replace(rows_of([OPEN] * 5, [0.0] * 5, x=plan), names=("days_to_close_date",))
    np.testing.assert_allclose(days_to_planned_end(rows), [1.5, NAN, NAN, NAN, 11.0])
    assert np.isnan(days_to_planned_end(rows_of([OPEN], [0.0]))).all()
    np.testing.assert_allclose(ahead(np.array([0.5, 0.0, -1.0, NAN])), [0.5, NAN, NAN, NAN])


def test_a_stage_with_few_won_deals_is_held_against_all() -> None:
    rows = company(EVEN)
    stage = np.where(np.arange(len(rows)) < 30, "Rare", "Usual").astype(object)
    record = close_date_record(replace(rows, stage=stage), later(replace(rows, stage=stage)), CUTS, 30)
    none = replace(rows, stage=stages(*[None] * len(rows)))
    overall = close_date_record(none, later(none), CUTS, 30)
    assert record is not None
    assert overall is not None
    assert record.error_of_stage.value == pytest.approx(overall.error_of_stage.value, abs=0.2)


@given(st.floats(0.01, 0.99), st.floats(0.25, 4))
def test_a_shape_moves_both_ends_alike_and_leaves_the_median(share: float, shape: float) -> None:
    assert level_of(share, PLAIN) == pytest.approx(share)
    assert level_of(0.5, shape) == pytest.approx(0.5)
    assert level_of(share, shape) + level_of(1 - share, shape) == pytest.approx(1, abs=1e-6)
    assert level_of(share / 2, shape) < level_of(share, shape)


def test_slips_are_judged_where_the_planned_date_has_passed_and_kept_where_the_curve_is_right() -> None:
    rng = np.random.default_rng(2)
    rows = company(EVEN, plan=rng.uniform(-20, 90, len(EVEN)))
    judged = later(rows)
    slip = judged_slip(judged, CUTS, TimeSettings())
    left = days_to_planned_end(judged.rows)[slip.kept]
    seen = judged.rows.where(slip.kept)
    assert (seen.as_of > CUTS.calibrate).all()
    assert (seen.as_of / DAY + left <= 300).all()
    np.testing.assert_array_equal(slip.y, ~((seen.outcome >= 0) & (seen.days <= left)))
    np.testing.assert_allclose(slip.probabilities["model"], 1 - left / SLOWEST)
    found = card("slip", slip)
    assert found is not None
    assert found.model.mean == pytest.approx(found.kept, abs=0.03)
    assert found.model.gain.low > 0
    assert [line.name for line in found.lines] == ["model", "base rate", "stage slip rates"]


def test_rates_of_slips_are_those_known_at_the_second_cut() -> None:
    rows = company(EVEN, plan=np.full(len(EVEN), 40.0))
    known = (rows.outcome >= 0) & (rows.as_of + rows.days * DAY <= CUTS.calibrate)
    other = replace(rows, outcome=np.where(known, rows.outcome, OPEN).astype(np.int8))
    ours, theirs = (judged_slip(later(some), CUTS, TimeSettings()) for some in (rows, other))
    np.testing.assert_array_equal(ours.probabilities["base rate"], theirs.probabilities["base rate"])
    assert ours.probabilities["base rate"][0] == pytest.approx(1 - 41 / SLOWEST, abs=0.03)


def test_without_planned_dates_no_slip_is_judged() -> None:
    rows = company(EVEN)
    assert card("slip", judged_slip(later(rows), CUTS, TimeSettings())) is None
