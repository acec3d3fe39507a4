"""Time settings that fit how long deals take, and that people can override."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from crm.clock import DAY, NEVER
from crm.errors import WrongUse
from crm.periods import FiscalCalendar
from crm.tables import CrmTables
from features.glimpse import Lasting
from features.histories import Histories
from features.settings import TimeSettings, TimeWishes, median_cycle, propose
from tests.histories import DAY_US, EPOCH, crm, deal


def taking(*days: float, still_open: int = 0) -> CrmTables:
    """Deals that were closed after so many days, and some that have been open since the first."""
    rows = [
        deal(f"d{i}", EPOCH, "Closed Won", closed_at=EPOCH + round(took * DAY_US), is_won=i % 2 == 0)
        for i, took in enumerate(days)
    ]
    return crm([*rows, *(deal(f"open{i}", EPOCH) for i in range(still_open))])


@pytest.mark.parametrize(
    ("cycle", "grid_days", "horizon_days", "stall_days", "period"),
    [
        (200, 7, 90, 30, "quarter"),
        (60, 7, 90, 30, "quarter"),
        (45, 7, 90, 30, "quarter"),
        (42, 7, 42, 14, "month"),
        (30, 3, 28, 14, "month"),
        (18, 3, 21, 14, "month"),
        (12, 2, 14, 14, "month"),
        (10, 1, 7, 7, "month"),
        (5, 1, 7, 7, "week"),
        (0.2, 1, 7, 7, "week"),
    ],
)
def test_settings_fit_how_long_deals_take(
    cycle: float, grid_days: int, horizon_days: int, stall_days: int, period: str
) -> None:
    assert propose(Histories(taking(cycle, cycle, cycle))) == TimeSettings(
        grid_days, horizon_days, stall_days, pytest.approx(cycle), FiscalCalendar(period)
    )


def test_what_people_say_goes_before_what_is_proposed() -> None:
    wishes = TimeWishes(grid_days=1, stall_days=21, period="month", year_starts_in=4)
    proposed = propose(Histories(taking(200, 200)), wishes)
    assert (proposed.grid_days, proposed.horizon_days, proposed.stall_days) == (1, 90, 21)
    assert proposed.calendar == FiscalCalendar("month", 4)
    retail = TimeWishes(year_starts_in=2, weeks="4-5-4", week_starts_on="sunday")
    assert propose(Histories(taking(200)), retail).calendar == FiscalCalendar("quarter", 2, "4-5-4", "sunday")
    assert propose(Histories(taking(200)), TimeWishes(horizon_days=30)).horizon_days == 30


def test_a_period_that_does_not_exist_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="decade"):
        propose(Histories(taking(200)), TimeWishes(period="decade"))


def test_the_cycle_is_the_median_of_closed_deals_where_all_have_closed() -> None:
    assert median_cycle(Histories(taking(10, 20, 90)).episodes) == 20


def test_open_deals_count_as_taking_longer() -> None:
    assert median_cycle(Histories(taking(10, 20, 30, 40, still_open=3)).episodes) == 40
    assert median_cycle(Histories(taking(10, 20, 30, 40, still_open=1)).episodes) == 30


def test_where_fewer_than_half_have_closed_their_own_median_counts() -> None:
    assert median_cycle(Histories(taking(10, 20, 30, still_open=9)).episodes) == 20


def test_where_nothing_has_closed_the_usual_60_days_stand() -> None:
    assert propose(Histories(taking(still_open=3))) == TimeSettings()
    assert propose(Histories(crm([]))) == TimeSettings()


def test_deals_entered_when_all_was_over_say_nothing_of_how_long_deals_take() -> None:
    assert median_cycle(Histories(taking(0, 0, 0, 0, 50, 60, 70)).episodes) == 60
    assert median_cycle(Histories(taking(0, 0)).episodes) == 60


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_deals_says_nothing_of_the_cycle(order: tuple[int, ...]) -> None:
    """One was closed after 40 days, one has been open for as long, and one took 100."""
    rows = list(order)
    opened, closed, won = np.array([0, 60, 0]) * DAY, np.array([40 * DAY, NEVER, 100 * DAY]), np.array([1, -1, 0])
    assert median_cycle(Lasting(opened[rows], closed[rows], won[rows])) == 100
