import numpy as np
import pytest

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.forecast.moments import Moment, in_periods, like_in_periods, like_within, within

QUARTERS = FiscalCalendar("quarter")


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def test_windows_are_what_is_left_of_the_period_and_the_next_one() -> None:
    moment = in_periods(QUARTERS, day("2026-08-14") + DAY - 1)
    assert moment.begin == day("2026-07-01")
    assert moment.ends == (day("2026-10-01") - 1, day("2027-01-01") - 1)
    assert moment.window(0) == (moment.at, moment.ends[0])
    assert moment.window(1) == (moment.ends[0], moment.ends[1])
    assert moment.days_to(0) == pytest.approx(47)
    assert moment.length == day("2026-10-01") - day("2026-07-01")


def test_windows_of_days_follow_each_other() -> None:
    moment = within(day("2026-08-14"), (7, 28))
    assert moment.window(0) == (day("2026-08-14"), day("2026-08-21"))
    assert moment.window(1) == (day("2026-08-21"), day("2026-09-11"))
    assert moment.begin > moment.at  # nothing has been won of it yet


def test_moments_alike_lie_as_far_before_the_end_of_earlier_periods() -> None:
    moment = in_periods(QUARTERS, day("2026-08-14") + DAY - 1)
    found = list(like_in_periods(QUARTERS, moment, day("2025-06-01")))
    assert [one.ends[0] + 1 for one in found] == [
        day(first) for first in ("2026-07-01", "2026-04-01", "2026-01-01", "2025-10-01", "2025-07-01")
    ][: len(found)]
    assert {one.ends[0] - one.at for one in found} == {moment.ends[0] - moment.at}
    assert found[0].ends[1] == moment.ends[0]  # the period after that one is this one
    assert found[-1].at >= day("2025-06-01")
    assert len(found) == 4


def test_a_moment_before_its_period_stays_before_it_among_those_alike() -> None:
    start = in_periods(QUARTERS, day("2026-07-01")).moved_to(day("2026-07-01") - 1)
    one = next(like_in_periods(QUARTERS, start, 0))
    assert (one.at, one.begin, one.ends[0]) == (start.at - 92 * DAY, day("2026-04-01"), day("2026-07-01") - 1)


def test_moments_alike_of_spans_are_those_of_the_same_weekday() -> None:
    moment = within(day("2026-08-14"), (7, 28))
    found = list(like_within(moment, day("2026-07-20")))
    assert [one.at for one in found] == [day("2026-08-07"), day("2026-07-31"), day("2026-07-24")]
    assert all(isinstance(one, Moment) and one.ends[1] - one.at == 28 * DAY for one in found)
