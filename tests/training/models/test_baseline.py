"""Without a model: rates by stage that do not pretend to know more than the deals behind them tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.examples import LOST, NAN, OPEN, WON, rows_of, stages
from training.models.baseline import Baseline, fit_baseline
from training.models.rates import STRENGTH, stall_rates, win_rates
from training.rows import Rows


def pipeline(early: int = 40, late: int = 40) -> Rows:
    """Early deals are won one time in four, late ones three times in four; `Odd` has a single deal, won."""
    n = early + late + 1
    stage = stages(*["Early"] * early, *["Late"] * late, "Odd")
    rank = np.concatenate([np.arange(early) % 4 == 0, np.arange(late) % 4 != 0, [True]])
    stalled = np.concatenate([np.arange(early) % 2, np.zeros(late), [NAN]])
    return rows_of(np.where(rank, WON, LOST), np.linspace(3, 90, n), stage=stage, stalled=stalled)


def test_rates_are_those_of_closed_deals_in_the_stage_shrunk_to_all() -> None:
    rates = win_rates(pipeline())
    assert rates.overall == pytest.approx(41 / 81)
    assert rates.by_stage["Early"] == pytest.approx((10 + STRENGTH * 41 / 81) / (40 + STRENGTH))
    assert rates.deals == {"Early": 40, "Late": 40, "Odd": 1}


def test_a_stage_with_one_deal_stays_near_the_overall_rate() -> None:
    rates = win_rates(pipeline())
    assert rates.overall < rates.by_stage["Odd"] < rates.overall + 0.05


def test_a_stage_with_many_deals_goes_its_own_way() -> None:
    rates = win_rates(pipeline(early=4000, late=4000))
    assert rates.by_stage["Early"] == pytest.approx(0.25, abs=0.001)
    assert rates.by_stage["Late"] == pytest.approx(0.75, abs=0.001)


def test_a_deal_that_is_seen_often_does_not_count_for_many_deals() -> None:
    rows = rows_of(
        [WON] * 50 + [LOST] * 50, [9.0] * 100, stage=stages(*["A"] * 50, *["B"] * 50), deal=[0] * 50 + [1] * 50
    )
    assert win_rates(rows).by_stage["A"] == pytest.approx((1 + 0.5 * STRENGTH) / (1 + STRENGTH))


def test_open_deals_count_neither_as_won_nor_as_lost() -> None:
    closed = rows_of([WON, LOST, LOST, LOST], [5.0] * 4, stage=stages(*["A"] * 4))
    more = rows_of([WON, LOST, LOST, LOST, *[OPEN] * 20], [5.0] * 24, stage=stages(*["A"] * 24))
    assert win_rates(closed) == win_rates(more)


def test_a_stage_that_is_new_or_not_known_gets_the_overall_rate() -> None:
    rates = win_rates(pipeline())
    np.testing.assert_allclose(rates.probability(stages("Never seen", None)), rates.overall)


def test_stall_rates_need_the_label_to_be_known() -> None:
    rates = stall_rates(pipeline())
    assert rates.overall == pytest.approx(20 / 80)
    assert "Odd" not in rates.by_stage
    assert stall_rates(rows_of([WON], [1.0])).overall == 0.5


def test_each_deal_gets_the_rate_of_its_stage() -> None:
    rows = pipeline()
    baseline, rates = fit_baseline(rows), win_rates(rows)
    answers = baseline.answer(stages("Late", "Early", None))
    np.testing.assert_allclose(answers.win, [rates.by_stage["Late"], rates.by_stage["Early"], rates.overall])
    np.testing.assert_allclose(answers.stall, stall_rates(rows).probability(stages("Late", "Early", None)))


def test_without_a_stage_history_no_stall_risk_is_pretended() -> None:
    answers = fit_baseline(rows_of([WON, LOST], [4.0, 9.0])).answer(stages(None, None))
    assert np.isnan(answers.stall).all()


def assert_lawful(baseline: Baseline, stage: np.ndarray) -> None:
    answers = baseline.answer(stage)
    curve = answers.curve
    assert curve.edges[0] == 0
    assert (np.diff(curve.edges) > 0).all()
    for cumulated in (curve.won, curve.lost):
        assert (cumulated[:, 0] == 0).all()
        assert (np.diff(cumulated, axis=1) >= 0).all()
    np.testing.assert_allclose(curve.won[:, -1] + curve.lost[:, -1], 1)
    np.testing.assert_allclose(curve.ever_won, answers.win)
    within = np.array([answers.win_within(day) for day in np.linspace(0, curve.edges[-1] * 2, 30)])
    assert (within[0] == 0).all()
    assert (np.diff(within, axis=0) >= -1e-9).all()
    np.testing.assert_allclose(within[-1], answers.win)
    day = curve.days_to_win()
    assert ((day >= 0) & (day <= curve.edges[-1])).all()


@given(st.lists(st.tuples(st.sampled_from((WON, LOST, OPEN)), st.floats(0, 500), st.sampled_from("ABC")), min_size=1))
def test_curves_of_rates_are_curves_however_few_the_deals(deals: list[tuple[int, float, str]]) -> None:
    outcome, days, stage = zip((WON, 7.0, "A"), *deals, strict=True)
    assert_lawful(fit_baseline(rows_of(outcome, days, stage=stages(*stage))), stages("A", "B", "C", None))


def test_half_of_the_wins_come_by_the_median_day_of_past_wins() -> None:
    days = np.arange(1.0, 102.0)
    rows = rows_of([WON] * 101 + [LOST] * 101, np.concatenate([days, days * 3]))
    curve = fit_baseline(rows).answer(stages(None)).curve
    assert curve.days_to_win()[0] == pytest.approx(51, abs=0.5)
    assert curve.lost_within(153.0)[0] == pytest.approx(0.25, abs=0.01)


def test_where_nothing_was_ever_won_wins_take_as_long_as_closings() -> None:
    answers = fit_baseline(rows_of([LOST] * 11, np.arange(0.0, 110.0, 10.0))).answer(stages(None))
    assert answers.win[0] == 0
    assert answers.curve.lost_within(50.0)[0] == pytest.approx(0.5, abs=0.01)
