import numpy as np
import pandas as pd
import pytest

from training.forecast.corrections import NONE, STRENGTH, Corrections


def record(*rows: tuple[int, int, float, float]) -> Corrections:
    """Rows of (period, weeks left, expected and came of open deals) of the first window; deals to come as expected."""
    frame = pd.DataFrame(rows, columns=["period_end", "weeks_left", "open_pipeline_expected", "open_pipeline_came"])
    return Corrections(frame.assign(window=0, new_business_expected=10.0, new_business_came=10.0))


def factor(corrections: Corrections, weeks: float) -> float:
    return float(corrections.factors(np.array([weeks])).open_pipeline[0])


def test_without_a_record_all_is_as_expected() -> None:
    factors = NONE.factors(np.array([5.0, 18.0]))
    assert factors.open_pipeline.tolist() == factors.new_business.tolist() == [1, 1]


def test_a_factor_is_what_came_of_what_was_expected_drawn_to_one() -> None:
    half = record((1, 4, 100, 50), (2, 4, 100, 50))
    assert factor(half, 4) == pytest.approx((100 + STRENGTH * 100) / (200 + STRENGTH * 100))
    many = record(*((period, 4, 100, 50) for period in range(40)))
    assert factor(many, 4) == pytest.approx(0.5, abs=0.06)
    assert many.factors(np.array([4.0])).new_business.tolist() == [1]


def test_what_was_forecast_as_long_before_counts_most() -> None:
    rows = [(period, weeks, 100, came) for period in range(40) for weeks, came in ((13, 60), (1, 120))]
    assert factor(record(*rows), 13) < 0.75
    assert factor(record(*rows), 1) > 1.1
    assert factor(record(*rows), 13) < factor(record(*rows), 7) < factor(record(*rows), 1)


def test_a_period_that_was_forecast_more_often_counts_no_more() -> None:
    often = record(*((1, 4, 100, 50) for _ in range(12)), (2, 4, 100, 150))
    assert factor(often, 4) == pytest.approx(1)


def test_windows_are_put_right_apart() -> None:
    rows = record(*((period, 4, 100, 50) for period in range(20)))
    assert rows.factors(np.array([4.0, 4.0])).open_pipeline[1] == 1
