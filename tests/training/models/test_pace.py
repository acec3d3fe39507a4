from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY
from crm.periods import FiscalCalendar
from tests.training.examples import LOST, OPEN, WON, rows_of
from training.models.pace import Pace, fit_pace, pace_from, part_of

QUARTERS = FiscalCalendar("quarter")
HURRIED = Pace(QUARTERS, 7, (2.0, 1.5, *[0.8] * 11))

instants = st.integers(10_000 * DAY, 30_000 * DAY)
spans = st.floats(0, 3_000)


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def at(text: str) -> np.ndarray:
    return np.array([day(text)])


def test_parts_are_counted_from_the_end_of_the_period() -> None:
    days = np.arange(np.datetime64("2026-03-01"), np.datetime64("2026-04-02")).astype(np.int64)
    parts = part_of(QUARTERS, days, 7)
    assert parts[-1] == 12  # 1 April: 90 days before the last one of June
    assert parts[24:31].tolist() == [0] * 7
    assert parts[23] == 1


def test_a_day_counts_as_many_times_as_its_part_is_busy() -> None:
    assert HURRIED.busy(at("2026-03-25"), 7.0) == pytest.approx(14.0)
    assert HURRIED.busy(at("2026-03-25"), 0.5) == pytest.approx(1.0)
    assert HURRIED.busy(at("2026-03-24T12:00"), 1.0) == pytest.approx(0.75 + 1.0)
    assert HURRIED.busy(at("2026-03-31"), 3.0) == pytest.approx(2.0 + 2 * 0.8)
    assert Pace().busy(at("2026-03-31"), 3.0) == pytest.approx(3.0)


@given(instants, spans)
def test_busy_days_are_counted_back_to_the_days_that_they_came_from(at: int, days: float) -> None:
    found = HURRIED.days(np.array([at]), HURRIED.busy(np.array([at]), days))
    np.testing.assert_allclose(found, days, atol=1e-6)


@given(instants, spans, spans)
def test_time_adds_up_and_never_goes_back(at: int, first: float, then: float) -> None:
    whole = HURRIED.busy(np.array([at]), first + then)
    later = HURRIED.busy(np.array([at + round(first * DAY)]), then)
    np.testing.assert_allclose(HURRIED.busy(np.array([at]), first) + later, whole, atol=1e-6)
    assert (whole >= HURRIED.busy(np.array([at]), first) - 1e-9).all()


def test_what_is_not_known_or_has_no_end_stays_so() -> None:
    both = np.array([day("2026-01-05")] * 2)
    assert np.isnan(HURRIED.busy(both, np.array([np.nan, 4.0]))).tolist() == [True, False]
    assert np.isinf(HURRIED.days(both, np.array([np.inf, 4.0]))).tolist() == [True, False]
    assert HURRIED.busy(np.zeros(0), np.zeros(0)).shape == (0,)


def weekly(closings_by_day: np.ndarray, first: int, open_always: int):
    """Snapshots of deals that are each open for a week and closed at its end, beside some that never close."""
    as_of = np.repeat(first + (np.arange(len(closings_by_day)) - 7) * DAY + DAY // 2, closings_by_day)
    still = np.repeat(first + np.arange(0, len(closings_by_day), 7) * DAY, open_always)
    outcome = np.concatenate([np.where(np.arange(len(as_of)) % 2, WON, LOST), np.full(len(still), OPEN)])
    days = np.concatenate([np.full(len(as_of), 7.0), np.full(len(still), 7.0)])
    return rows_of(outcome, days, as_of=np.concatenate([as_of, still]))


def test_the_pace_is_how_many_close_of_those_that_are_open() -> None:
    first = day("2024-01-01")
    days = np.arange(2 * 365) + first // DAY
    last_week = part_of(QUARTERS, days, 7) == 0
    pace = fit_pace(weekly(np.where(last_week, 60, 20), first, 2_000), QUARTERS, 7)
    assert len(pace.parts) == 14
    assert pace.parts[0] / np.mean(pace.parts[1:13]) == pytest.approx(3, rel=0.1)
    year = pace.busy(at("2024-01-01"), 366.0)
    assert year == pytest.approx(366, rel=0.01)  # on the whole a busy day is as long as another


def test_few_closings_hardly_move_the_pace() -> None:
    first = day("2024-01-01")
    days = np.arange(2 * 365) + first // DAY
    closings = np.where((part_of(QUARTERS, days, 7) == 0) & (days % 7 == 0), 1, 0)
    pace = fit_pace(weekly(closings, first, 50), QUARTERS, 7)
    assert 1 < pace.parts[0] < 1.2


def test_without_closings_every_day_is_alike() -> None:
    rows = rows_of([OPEN, OPEN], [7.0, 7.0])
    assert fit_pace(rows, QUARTERS, 7).busy(rows.as_of, 5.0).tolist() == [5.0, 5.0]


def test_what_follows_the_snapshots_week_is_told_by_the_next_snapshot() -> None:
    rows = weekly(np.full(400, 10), day("2024-01-01"), 500)
    late = rows_of(np.full(5000, WON), np.full(5000, 8.0), as_of=np.full(5000, day("2024-03-20")))
    both = rows_of(
        np.concatenate([rows.outcome, late.outcome]),
        np.concatenate([rows.days, late.days]),
        as_of=np.concatenate([rows.as_of, late.as_of]),
    )
    assert fit_pace(both, QUARTERS, 7).parts[0] < fit_pace(rows, QUARTERS, 7).parts[0]


def test_a_pace_is_kept_as_json_keeps_it() -> None:
    retail = Pace(FiscalCalendar("month", 2, "4-4-5", "sunday"), 3, (1.5, 0.75))
    assert pace_from(asdict(retail)) == retail
