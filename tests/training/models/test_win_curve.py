"""Curves obey the laws of probability, and deals that are still open count for what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from crm.clock import DAY
from crm.simulator import Simulation, SimulatorSettings, simulate
from tests.training.examples import LOST, OPEN, WON, rows_of, training_of_simulated
from training.models import win_curve
from training.models.baseline import fit_baseline
from training.models.rates import win_rates
from training.models.win_curve import Curve, Timing, WinCurve, fit_win_curve, interval_edges, quicker, timing_of
from training.rows import Rows, all_rows
from training.scores import log_losses
from training.settings import BoostingSettings

EDGES = np.array([0.0, 10.0, 20.0, 40.0])


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Curves of a few deals from random hazards, some of which are 0 or 1."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, intervals = 7, draw(st.integers(1, 6))
    hazard = np.where(rng.random((n, intervals)) < 0.2, rng.integers(0, 2, (n, intervals)), rng.random((n, intervals)))
    share = rng.random((n, intervals))
    before = np.column_stack([np.ones(n), np.cumprod(1 - hazard, axis=1)[:, :-1]])
    nothing = np.zeros((n, 1))
    won = np.cumsum(np.hstack([nothing, before * hazard * share]), axis=1)
    lost = np.cumsum(np.hstack([nothing, before * hazard * (1 - share)]), axis=1)
    return Curve(np.concatenate([[0.0], np.cumsum(rng.uniform(1, 50, intervals))]), won, lost, rng.random(n))


@given(curves())
def test_curves_rise_from_nothing_and_never_exceed_certainty(curve: Curve) -> None:
    days = np.linspace(0, curve.edges[-1] * 1.2, 50)
    won = np.array([curve.won_within(day) for day in days])
    lost = np.array([curve.lost_within(day) for day in days])
    assert (won[0] == 0).all()
    assert (lost[0] == 0).all()
    assert (np.diff(won, axis=0) >= -1e-12).all()
    assert (np.diff(lost, axis=0) >= -1e-12).all()
    assert (won + lost <= 1 + 1e-9).all()
    assert (curve.ever_won >= won[-1] - 1e-12).all()
    assert (curve.ever_won <= 1 + 1e-9).all()


@given(curves())
def test_a_curve_passes_through_its_edges_and_is_straight_between_them(curve: Curve) -> None:
    for j, edge in enumerate(curve.edges):
        np.testing.assert_allclose(curve.won_within(edge), curve.won[:, j], atol=1e-12)
        np.testing.assert_allclose(curve.lost_within(edge), curve.lost[:, j], atol=1e-12)
    middle = (curve.edges[0] + curve.edges[1]) / 2
    np.testing.assert_allclose(curve.won_within(middle), curve.won[:, 1] / 2, atol=1e-12)


@given(curves())
def test_a_deal_that_has_only_just_been_looked_at_is_won_as_often_as_ever(curve: Curve) -> None:
    n = len(curve.won)
    np.testing.assert_allclose(curve.won_after(np.zeros(n)), curve.ever_won, atol=1e-9)
    still_open = 1 - curve.won[:, -1] - curve.lost[:, -1]
    behind = curve.won_after(np.full(n, curve.edges[-1] + 1))
    left = still_open > 1e-6
    np.testing.assert_allclose(behind[left], curve.tail_won[left], atol=1e-6)


@given(curves(), st.floats(0, 300))
def test_the_chance_of_today_is_the_mean_of_what_it_may_become(curve: Curve, days: float) -> None:
    won, lost = curve.won_within(days), curve.lost_within(days)
    later = curve.won_after(np.full(len(won), days))
    np.testing.assert_allclose(won + (1 - won - lost) * later, curve.ever_won, atol=1e-8)


@given(curves())
def test_half_of_the_wins_come_before_the_median_day_of_a_win(curve: Curve) -> None:
    assert_reached(curve, curve.days_to_win(), 0.5)


@given(curves(), st.floats(0, 1), st.floats(0, 1))
def test_more_of_the_wins_take_longer_and_what_is_behind_the_last_edge_has_no_day(
    curve: Curve, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    sooner, later = curve.days_to_win(less), curve.days_to_win(more)
    assert (sooner <= later + 1e-9).all()
    assert_reached(curve, sooner, less)
    assert_reached(curve, later, more)


def assert_reached(curve: Curve, day: np.ndarray, level: float) -> None:
    """By that day so much of the wins has come; where it never comes before the last edge, there is no such day."""
    share = level * curve.ever_won
    assert (day >= 0).all()
    inside = curve.won[:, -1] > share + 1e-9
    np.testing.assert_allclose(curve.won_within(day)[inside], share[inside], atol=1e-9)
    assert (day[inside] <= curve.edges[-1]).all()
    assert np.isinf(day[curve.won[:, -1] < share - 1e-9]).all()


@given(curves(), st.floats(0, 300))
def test_a_deal_is_won_lost_or_open_at_any_time(curve: Curve, days: float) -> None:
    still_open = curve.open_after(days)
    np.testing.assert_allclose(curve.won_within(days) + curve.lost_within(days) + still_open, 1)
    assert ((still_open >= -1e-9) & (still_open <= 1)).all()
    assert (curve.open_after(0) == 1).all()
    assert (curve.open_after(days + 10) <= still_open + 1e-9).all()


@given(curves(), st.floats(0, 300))
def test_the_share_of_wins_is_that_of_all_that_are_ever_won(curve: Curve, days: float) -> None:
    share = curve.share_of_wins_within(days)
    assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(share * curve.ever_won, curve.won_within(days), atol=1e-8)


def test_a_curve_by_hand() -> None:
    curve = Curve(
        np.array([0.0, 10.0, 30.0]), np.array([[0.0, 0.2, 0.3]]), np.array([[0.0, 0.1, 0.3]]), np.array([0.5])
    )
    assert curve.ever_won == pytest.approx(0.3 + 0.4 * 0.5)
    assert curve.won_within(20.0) == pytest.approx(0.25)
    assert curve.lost_within(5.0) == pytest.approx(0.05)
    assert curve.won_after(np.array([10.0])) == pytest.approx((0.5 - 0.2) / 0.7)
    assert curve.days_to_win() == pytest.approx(20.0)  # half of 0.5 is 0.25
    assert curve.days_to_win(0.2) == pytest.approx(5.0)
    assert curve.days_to_win(0.7) == np.inf  # 0.35, and only 0.3 is won before the last edge
    assert curve.open_after(20.0) == pytest.approx(0.55)
    assert curve.share_of_wins_within(20.0) == pytest.approx(0.5)


def test_each_deal_is_asked_for_its_own_number_of_days() -> None:
    curve = Curve(np.array([0.0, 10.0]), np.array([[0.0, 0.4], [0.0, 0.4]]), np.zeros((2, 2)), np.zeros(2))
    np.testing.assert_allclose(curve.won_within(np.array([5.0, 10.0])), [0.2, 0.4])


EXAMPLES = (
    # outcome, days, whether it closed in each interval that it is seen through
    (WON, 0.0, [1]),
    (WON, 5.0, [1]),
    (LOST, 10.0, [1]),  # an interval ends with its edge
    (LOST, 10.1, [0, 1]),
    (WON, 40.0, [0, 0, 1]),
    (WON, 55.0, [0, 0, 0]),  # closed behind the last edge: it went on through all
    (OPEN, 0.0, []),
    (OPEN, 9.9, []),
    (OPEN, 10.0, [0]),
    (OPEN, 25.0, [0, 0]),  # the third interval is not seen to its end
    (OPEN, 99.0, [0, 0, 0]),
)


def test_censored_intervals_drop_out_and_closings_fall_in_the_right_interval() -> None:
    rows = rows_of([outcome for outcome, _, _ in EXAMPLES], [days for _, days, _ in EXAMPLES])
    row, interval, closes = win_curve._expand(rows, EDGES, seed=0)
    for number, (outcome, days, expected) in enumerate(EXAMPLES):
        mine = row == number
        assert closes[mine].tolist() == expected, f"{outcome} after {days} days"
        assert interval[mine].tolist() == list(range(len(expected)))


def test_where_rows_are_too_many_whole_snapshots_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(win_curve, "MOST_ROWS", 3000)
    rows = rows_of([WON] * 4000, [15.0] * 4000)
    row, _interval, closes = win_curve._expand(rows, EDGES, seed=0)
    assert 2700 < len(row) < 3300
    assert (np.bincount(row)[np.unique(row)] == 2).all()
    assert closes.sum() == len(row) / 2
    again, _, _ = win_curve._expand(rows, EDGES, seed=0)
    np.testing.assert_array_equal(row, again)


def test_intervals_grow_with_the_cycle_and_end_where_the_data_end() -> None:
    rows = rows_of([WON, LOST, OPEN], [20.0, 130.0, 900.0])
    edges = interval_edges(rows, cycle_days=60.0)
    assert edges.tolist() == [0, 6, 15, 30, 45, 60, 90, 120, 180]
    assert interval_edges(rows, cycle_days=30.0)[:3].tolist() == [0, 3, 7.5]
    assert interval_edges(rows_of([OPEN], [900.0]), 60.0).tolist() == [0, 6]
    assert len(interval_edges(rows_of([WON], [0.5]), 60.0)) == 2
    assert interval_edges(rows_of([WON], [1e6]), 60.0)[-1] == 420


def test_the_curve_is_the_product_of_its_hazards() -> None:
    rng = np.random.default_rng(0)
    outcome = rng.integers(-1, 2, 400)
    rows = rows_of(outcome, rng.uniform(0, 50, 400), x=rng.random((400, 2)))
    model = fit_win_curve(rows, Timing(EDGES), BoostingSettings(), rounds=(7, 9))
    assert (model.closing.rounds, model.winning.rounds) == (7, 9)
    assert model.edges == tuple(EDGES)
    curve = model.curve(rows.x[:5])
    goes_on = np.ones(5)
    for j in range(3):
        each = np.zeros((5, 3))
        each[:, j] = 1
        ahead = np.column_stack([rows.x[:5], np.full(5, j), each]).astype(np.float32)
        goes_on *= 1 - expit(model.closing.margin(ahead))
        np.testing.assert_allclose(1 - curve.won[:, j + 1] - curve.lost[:, j + 1], goes_on)
    np.testing.assert_allclose(curve.tail_won, expit(model.winning.margin(ahead)))


def test_the_curve_takes_no_more_rounds_than_were_allowed() -> None:
    assert quicker(BoostingSettings(most_rounds=5)).most_rounds == 5
    assert quicker(BoostingSettings()).most_rounds == 200


WIN_SHARE = 0.3


@pytest.fixture(scope="module")
def quick_wins() -> Rows:
    """Wins take 5 to 40 days, losses 40 to 150, three in ten are won; most deals are watched too short to tell."""
    rng = np.random.default_rng(0)
    won = rng.random(4000) < WIN_SHARE
    took = np.where(won, rng.uniform(5, 40, 4000), rng.uniform(40, 150, 4000))
    watched = rng.uniform(0, 120, 4000)
    closed = took <= watched
    return rows_of(
        np.where(closed, won, OPEN),
        np.minimum(took, watched),
        x=rng.random((4000, 1)),
        as_of=((120 - watched) * DAY).astype(np.int64),
    )


def test_fast_wins_do_not_pass_for_many_wins(quick_wins: Rows) -> None:
    assert (quick_wins.outcome == OPEN).mean() > 0.5
    curve = fit_win_curve(quick_wins, Timing(interval_edges(quick_wins, 60.0)), quicker(BoostingSettings())).curve(
        quick_wins.x
    )
    assert win_rates(quick_wins).overall > 0.55  # what closed deals say
    assert curve.ever_won.mean() == pytest.approx(WIN_SHARE, abs=0.04)
    assert curve.won_within(20.0).mean() == pytest.approx(WIN_SHARE * 15 / 35, abs=0.025)
    assert curve.days_to_win().mean() == pytest.approx(22.5, abs=4)


@dataclass(frozen=True)
class Young:
    """A company with five months of history, most of its snapshots still open, and the truth about them."""

    rows: Rows
    curve: WinCurve
    truth: np.ndarray
    within_15: np.ndarray


@pytest.fixture(scope="module")
def young() -> Young:
    simulation: Simulation = simulate(SimulatorSettings(deals=1800, years=0.4, seed=2))
    training = training_of_simulated(simulation, grid_days=7)
    rows = all_rows(training)
    timing = timing_of(rows, training.time)
    return Young(
        rows,
        fit_win_curve(rows, timing, quicker(BoostingSettings())),
        simulation.true_win_probability(training.ids, rows.as_of),
        simulation.true_win_probability_within(training.ids, rows.as_of, 15),
    )


def test_with_most_deals_still_open_the_curve_comes_nearer_to_the_truth_than_rates_of_closed_deals(
    young: Young,
) -> None:
    assert (young.rows.outcome == OPEN).mean() > 0.55
    ours = young.curve.curve(young.rows.x, young.rows.as_of).ever_won
    rates = win_rates(young.rows).probability(young.rows.stage)
    assert log_losses(young.truth, ours).mean() < log_losses(young.truth, rates).mean() - 0.01
    assert np.abs(ours - young.truth).mean() < 0.9 * np.abs(rates - young.truth).mean()


def test_with_most_deals_still_open_wins_are_not_expected_as_fast_as_those_that_are_in(young: Young) -> None:
    truth = young.within_15.mean()
    ours = young.curve.curve(young.rows.x, young.rows.as_of).won_within(15.0).mean()
    of_closed = fit_baseline(young.rows).answer(young.rows.stage).curve.won_within(15.0).mean()
    assert abs(ours - truth) < 0.3 * truth
    assert abs(of_closed - truth) > 2 * abs(ours - truth)


def test_curves_of_a_fitted_model_obey_the_laws_at_every_edge(young: Young) -> None:
    curve = young.curve.curve(young.rows.x, young.rows.as_of)
    still_open = 1 - curve.won - curve.lost
    assert (still_open[:, 0] == 1).all()
    assert ((still_open > 0) & (still_open <= 1)).all()
    for cumulated in (curve.won, curve.lost, -still_open):
        assert (np.diff(cumulated, axis=1) >= 0).all()
    assert ((curve.ever_won > 0) & (curve.ever_won < 1)).all()


def test_where_nothing_was_won_yet_the_curve_says_so() -> None:
    rng = np.random.default_rng(1)
    rows = rows_of(np.where(rng.random(400) < 0.5, LOST, OPEN), rng.uniform(0, 50, 400), x=rng.random((400, 2)))
    curve = fit_win_curve(rows, Timing(EDGES), BoostingSettings()).curve(rows.x)
    assert curve.ever_won.max() < 0.1
    assert curve.lost_within(50).mean() > 0.2
