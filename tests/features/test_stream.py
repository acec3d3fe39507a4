"""Each primitive against a loop over all events, and the edges of keys, dates and windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY, NEVER
from features.stream import Events, Range, Stream

KEYS = 4


class Case(NamedTuple):
    """Events, and one snapshot each of `key` at `as_of` with a window of `days`."""

    events: Events
    key: np.ndarray
    as_of: np.ndarray
    days: float


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Few keys and few times, so that ties, gaps and edges are common."""
    times = st.sampled_from([-DAY, -1, 0, 1, 5, DAY // 2, DAY, 2 * DAY, 7 * DAY, 7 * DAY + 1, 30 * DAY])
    count = draw(st.integers(0, 12))

    def column(of: st.SearchStrategy[float], dtype: type) -> np.ndarray:
        return np.array(draw(st.lists(of, min_size=count, max_size=count)), dtype=dtype)

    events = Events(
        column(st.integers(-1, KEYS - 1), np.int64),
        column(times | st.just(NEVER), np.int64),
        {
            "value": column(st.sampled_from([0.0, 1.0, 0.1, -2.5, 1e6, math.nan]), float),
            "hit": column(st.booleans(), bool),
            "code": column(st.integers(-1, 2), np.int64),
        },
    )
    asked = draw(st.integers(1, 6))
    key = np.array(draw(st.lists(st.integers(-1, KEYS - 1), min_size=asked, max_size=asked)))
    moments = times.flatmap(lambda at: st.sampled_from([at, at - 1, at + DAY, at + 7 * DAY, at + 7 * DAY - 1]))
    as_of = np.array(draw(st.lists(moments, min_size=asked, max_size=asked)))
    return Case(events, key, as_of, draw(st.sampled_from([0.5, 1, 7, 30])))


wheres = st.sampled_from([None, "hit"])


def rows(case: Case, snapshot: int, where: str | None, days: float | None = None) -> list[int]:
    """Places of a snapshot's events, by time and then as they came: a loop, nothing else."""
    found = []
    for place, (key, at) in enumerate(zip(case.events.key, case.events.at, strict=True)):
        mine = key >= 0 and key == case.key[snapshot] and at != NEVER and at <= case.as_of[snapshot]
        inside = days is None or at > case.as_of[snapshot] - days * DAY
        if mine and inside and (where is None or case.events.columns[where][place]):
            found.append(place)
    return sorted(found, key=lambda place: int(case.events.at[place]))


def by_hand(case: Case, where: str | None, days: float | None, tell: Callable[[list[int]], float]) -> list[float]:
    return [tell(rows(case, snapshot, where, days)) for snapshot in range(len(case.key))]


def ranges(case: Case) -> tuple[Stream, Range, Range]:
    stream = Stream(case.events, KEYS)
    known = stream.known(case.key, case.as_of)
    return stream, known, stream.within(known, case.key, case.as_of, case.days)


def same(found: np.ndarray, expected: Sequence[float]) -> bool:
    return np.allclose(found, expected, rtol=1e-12, atol=1e-9, equal_nan=True)


@given(case=cases(), where=wheres)
def test_count_is_how_many_events_are_known(case: Case, where: str | None) -> None:
    stream, known, within = ranges(case)
    assert same(stream.count(known, where), by_hand(case, where, None, len))
    assert same(stream.count(within, where), by_hand(case, where, case.days, len))


@given(case=cases(), where=wheres)
def test_total_is_the_sum_of_what_is_known(case: Case, where: str | None) -> None:
    def total(found: list[int]) -> float:
        return math.fsum(v for v in case.events.columns["value"][found] if not math.isnan(v))

    stream, known, within = ranges(case)
    assert same(stream.total(known, "value", where), by_hand(case, where, None, total))
    assert same(stream.total(within, "value", where), by_hand(case, where, case.days, total))


@given(case=cases(), where=wheres)
def test_distinct_is_how_many_different_codes_are_known(case: Case, where: str | None) -> None:
    stream, known, _ = ranges(case)
    expected = by_hand(case, where, None, lambda found: len(set(case.events.columns["code"][found]) - {-1}))
    assert same(stream.distinct(known, "code", where), expected)


@given(case=cases(), where=wheres, column=st.sampled_from(["value", "code", "hit"]))
def test_last_and_first_are_the_values_of_the_outermost_known_events(
    case: Case, where: str | None, column: str
) -> None:
    def value(place: int) -> Callable[[list[int]], float]:
        return lambda found: float(case.events.columns[column][found[place]]) if found else math.nan

    stream, known, within = ranges(case)
    assert same(stream.last(known, column, where), by_hand(case, where, None, value(-1)))
    assert same(stream.first(known, column, where), by_hand(case, where, None, value(0)))
    assert same(stream.last(within, column, where), by_hand(case, where, case.days, value(-1)))
    assert same(stream.first(within, column, where), by_hand(case, where, case.days, value(0)))


@given(case=cases(), where=wheres)
def test_last_and_first_times_are_those_of_the_outermost_known_events(case: Case, where: str | None) -> None:
    def time(place: int) -> Callable[[list[int]], float]:
        return lambda found: float(case.events.at[found[place]]) if found else math.nan

    stream, known, _ = ranges(case)
    assert same(stream.last_time(known, where), by_hand(case, where, None, time(-1)))
    assert same(stream.first_time(known, where), by_hand(case, where, None, time(0)))


@given(case=cases(), later=st.lists(st.tuples(st.integers(0, KEYS - 1), st.floats(-1e15, 1e15)), min_size=1))
def test_what_comes_later_on_any_key_changes_no_answer_by_a_single_bit(
    case: Case, later: list[tuple[int, float]]
) -> None:
    case = case._replace(as_of=np.minimum(case.as_of, 8 * DAY))
    events = case.events
    more = case._replace(
        events=Events(
            np.append(events.key, [key for key, _ in later]),
            np.append(events.at, np.full(len(later), 8 * DAY + 1)),
            {
                "value": np.append(events.columns["value"], [value for _, value in later]),
                "hit": np.append(events.columns["hit"], np.ones(len(later), dtype=bool)),
                "code": np.append(events.columns["code"], np.full(len(later), 5)),
            },
        )
    )
    for where in (None, "hit"):
        np.testing.assert_array_equal(all_answers(case, where), all_answers(more, where))


def all_answers(case: Case, where: str | None) -> np.ndarray:
    stream, known, within = ranges(case)
    answers = [
        *(stream.count(of, where) for of in (known, within)),
        *(stream.total(of, "value", where) for of in (known, within)),
        *(stream.last(of, "value", where) for of in (known, within)),
        *(stream.first(of, "value", where) for of in (known, within)),
        stream.distinct(known, "code", where),
        stream.last_time(known, where),
        stream.first_time(known, where),
    ]
    return np.array(answers)


def test_a_sum_is_not_blurred_by_the_sums_of_other_keys() -> None:
    """One prefix sum over all keys would lose a cent beside a typing error of 1e17 on another deal."""
    stream = Stream(Events(np.array([0, 1, 1]), np.array([1, 1, 2]), {"value": np.array([1e17, 0.25, 0.5])}), 2)
    assert stream.total(stream.known(np.array([1]), np.array([5])), "value").tolist() == [0.75]


def three_events() -> Stream:
    at = np.array([20 * DAY, 3 * DAY, 40 * DAY])
    return Stream(Events(np.array([1, 1, 1]), at, {"value": np.array([2.0, 1.0, 3.0]), "hit": np.ones(3, bool)}), 3)


@pytest.mark.parametrize(("before_the_event", "count"), [(0, 1), (7 * DAY - 1, 1), (7 * DAY, 0), (7 * DAY + 1, 0)])
def test_a_window_ends_with_its_date_and_leaves_out_what_is_exactly_its_length_ago(
    before_the_event: int, count: int
) -> None:
    stream, key, as_of = three_events(), np.array([1]), np.array([3 * DAY + before_the_event])
    assert stream.count(stream.within(stream.known(key, as_of), key, as_of, 7)).tolist() == [count]


def test_an_event_at_the_date_is_known_and_one_a_millisecond_later_is_not() -> None:
    stream = three_events()
    known = stream.known(np.array([1, 1]), np.array([20 * DAY, 20 * DAY - 1]))
    assert stream.count(known).tolist() == [2, 1]
    assert stream.last(known, "value").tolist() == [2, 1]


@pytest.mark.parametrize(
    ("key", "as_of"), [(0, 99 * DAY), (2, 99 * DAY), (-1, 99 * DAY), (1, 3 * DAY - 1), (1, -99 * DAY), (2, 0)]
)
@pytest.mark.parametrize("where", [None, "hit"])
def test_where_nothing_is_known_counts_are_zero_and_values_are_not_known(
    key: int, as_of: int, where: str | None
) -> None:
    stream, keys, dates = three_events(), np.array([key]), np.array([as_of])
    known = stream.known(keys, dates)
    for of in (known, stream.within(known, keys, dates, 365)):
        assert stream.count(of, where).tolist() == [0]
        assert stream.total(of, "value", where).tolist() == [0]
        for answer in (stream.last, stream.first):
            assert np.isnan(answer(of, "value", where)).all()
        assert np.isnan(stream.last_time(of, where)).all()
        assert np.isnan(stream.first_time(of, where)).all()


@pytest.mark.parametrize("keys", [0, 3])
def test_a_stream_without_events_answers_too(keys: int) -> None:
    nobody = Events(
        np.array([-1, 0]), np.array([5, NEVER]), {"value": np.ones(2), "code": np.zeros(2), "hit": np.ones(2, bool)}
    )
    stream = Stream(nobody, keys)
    key = np.array([-1, min(keys, 1) - 1])
    known = stream.known(key, np.array([9, 9]))
    assert stream.count(known, "hit").tolist() == stream.total(known, "value").tolist() == [0, 0]
    assert stream.distinct(known, "code").tolist() == [0, 0]
    assert np.isnan(stream.last(known, "value")).all()
    assert np.isnan(stream.first_time(known, "hit")).all()


@pytest.mark.parametrize("count", [3, 5000])  # short and long arrays are sorted in different ways
def test_events_at_the_same_time_keep_the_order_in_which_they_came(count: int) -> None:
    at = np.where(np.arange(count) % 3 == 1, 1, 5)
    stream = Stream(Events(np.zeros(count, np.int64), at, {"place": np.arange(count)}), 1)
    known = stream.known(np.array([0]), np.array([5]))
    assert stream.last(known, "place").tolist() == [np.flatnonzero(at == 5)[-1]]
    assert stream._columns["place"].tolist() == [*np.flatnonzero(at == 1), *np.flatnonzero(at == 5)]


def test_more_keys_than_a_long_span_leaves_room_for_are_refused_rather_than_mixed_up() -> None:
    century = Events(np.array([0, 1]), np.array([0, 100 * 366 * DAY]))
    Stream(century, 1_000_000)
    with pytest.raises(OverflowError, match="partition by key"):
        Stream(century, 10_000_000)


def test_the_largest_stream_that_is_accepted_keeps_its_keys_apart() -> None:
    keys = 2**20 - 1
    events = Events(np.array([keys - 1, 0]), np.array([2**42, 0]), {"value": np.array([7.0, 1.0])})
    stream = Stream(events, keys)
    known = stream.known(np.array([0, keys - 2, keys - 1, keys - 1]), np.array([2**43, 2**43, 2**43, 2**42 - 1]))
    np.testing.assert_array_equal(stream.last(known, "value"), [1, np.nan, 7, np.nan])
