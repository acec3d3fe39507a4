import numpy as np
import pytest

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.forecast.ledger import Ledger
from training.forecast.moments import in_periods, within
from training.forecast.outside import WEIGHT, both_views, from_outside, run_rate, same_weekdays, year_before

QUARTERS = FiscalCalendar("quarter")


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def won_on(*wins: tuple[str, int, float]) -> Ledger:
    """Wins on days, by owner, for amounts; the first deal was opened in 2024."""
    at = np.array([day(when) for when, _, _ in wins], dtype=np.int64)
    opened = np.full(len(at), day("2024-01-02"))
    owner = np.array([who for _, who, _ in wins], dtype=np.int64)
    return Ledger(opened, owner, at, opened, owner, np.array([amount for _, _, amount in wins]))


FACTS = won_on(
    ("2025-05-10", 0, 50.0),
    ("2025-07-10", 1, 100.0),
    ("2025-08-20", 0, 300.0),
    ("2026-05-20", 1, 910.0),
    ("2026-07-05", 0, 40.0),
)
MOMENT = in_periods(QUARTERS, day("2026-07-10") - 1)


def test_the_run_rate_is_that_of_as_many_days_as_the_period_has() -> None:
    found = run_rate(FACTS, MOMENT, QUARTERS, 2)
    assert found.sum(axis=0) == pytest.approx([950 / 92 * 83, 950 / 92 * 92], rel=1e-6)
    assert found[0, 0] == pytest.approx(40 / 92 * 83, rel=1e-6)


def test_last_years_period_less_what_this_one_has_brought() -> None:
    found = year_before(FACTS, MOMENT, QUARTERS, 2)
    assert found[:, 0].tolist() == [300 - 40, 100]
    assert found[:, 1].tolist() == [0, 0]
    assert year_before(won_on(("2026-06-01", 0, 1.0)), in_periods(QUARTERS, day("2024-06-01")), QUARTERS, 2) is None
    assert year_before(FACTS, within(MOMENT.at, (7,)), None, 2) is None


def test_the_same_weekdays_are_those_just_before() -> None:
    span = within(day("2026-07-10") - 1, (7, 28))
    assert same_weekdays(FACTS, span, None, 2).sum(axis=0).tolist() == [40, 40]  # the last week, the last three
    assert same_weekdays(FACTS, within(span.at - 40 * DAY, (7, 28)), None, 2).sum(axis=0).tolist() == [0, 910]
    assert same_weekdays(FACTS, MOMENT, QUARTERS, 2) is None


def test_both_views_weigh_half_where_all_is_to_come_and_less_as_the_period_fills() -> None:
    of_deals, outside = np.array([100.0, 200.0]), np.array([60.0, 100.0])
    assert both_views(0.0, of_deals, outside) * of_deals == pytest.approx([80, 150])
    filled = both_views(300.0, of_deals, outside)[0] * 100
    assert filled == pytest.approx(100 - WEIGHT * 0.25 * 40)
    assert both_views(300.0, np.zeros(2), outside).tolist() == [1, 1]


def test_before_the_first_win_the_deals_are_all_there_is() -> None:
    outside = from_outside(won_on(), MOMENT, QUARTERS, 2)
    assert np.isnan(outside).all()
    assert both_views(0.0, np.array([5.0, 5.0]), outside).tolist() == [1, 1]
    mean = from_outside(FACTS, MOMENT, QUARTERS, 2)
    assert mean == pytest.approx([(950 / 92 * 83 + 360) / 2, 950 / 2], rel=1e-6)
