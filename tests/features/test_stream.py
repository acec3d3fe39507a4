"""Each primitive against a loop over all events, and the edges of keys, dates and windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.clock import DAY, NEVER
from features import stream as streams
from features.packing import Clock, Places
from features.stream import EXACT, FEW, Events, Filter, Range, Stream

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


def ranges(case: Case, stream: Stream | None = None) -> tuple[Stream, Range, Range]:
    stream = stream or Stream(case.events, KEYS)
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
def test_highest_is_the_largest_value_that_is_known(case: Case, where: str | None, column: str) -> None:
    def largest(found: list[int]) -> float:
        values = case.events.columns[column][found].astype(float)
        return max(values[~np.isnan(values)], default=math.nan)

    stream, known, _ = ranges(case)
    assert same(stream.highest(known, column, where), by_hand(case, where, None, largest))


def test_the_highest_of_whole_numbers_is_exact() -> None:
    millis = np.array([2**52 + 1, 2**52 + 2, 5])
    stream = Stream(Events(np.zeros(3, np.int64), np.arange(3), {"value": millis}), 1)
    found = stream.highest(stream.known(np.zeros(3, np.int64), np.arange(3)), "value")
    assert found.astype(np.int64).tolist() == [2**52 + 1, 2**52 + 2, 2**52 + 2]


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


@given(case=cases(), after=st.sampled_from(["hit", "coded"]))
def test_count_after_is_how_many_events_are_later_than_the_last_that_matches(case: Case, after: str) -> None:
    filters = {"coded": Filter("code", np.array([False, True, True, False]))}
    case = case._replace(events=Events(case.events.key, case.events.at, case.events.columns, filters))
    stream, known, within = ranges(case)
    matches = case.events.column(after)

    def later(found: list[int]) -> float:
        since = max((case.events.at[place] for place in found if matches[place]), default=-math.inf)
        return sum(case.events.columns["hit"][place] for place in found if case.events.at[place] > since)

    assert stream.count_after(known, "hit", after).tolist() == by_hand(case, None, None, later)
    assert stream.count_after(within, "hit", after).tolist() == by_hand(case, None, case.days, later)


@pytest.mark.parametrize("replies", [[True, False], [False, True]])
def test_what_comes_at_the_same_time_as_the_last_that_matches_has_not_followed_it(replies: list[bool]) -> None:
    columns = {"sent": np.array([True, True, True]), "reply": np.array([*replies, False])}
    stream = Stream(Events(np.zeros(3, np.int64), np.array([5, 5, 6]), columns), 1)
    known = stream.known(np.array([0, 0]), np.array([5, 6]))
    assert stream.count_after(known, "sent", "reply").tolist() == [0, 1]


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


def all_answers(case: Case, where: str | None, stream: Stream | None = None) -> np.ndarray:
    stream, known, within = ranges(case, stream)
    answers = [
        *(stream.count(of, where) for of in (known, within)),
        *(stream.total(of, "value", where) for of in (known, within)),
        *(stream.last(of, "value", where) for of in (known, within)),
        *(stream.first(of, "value", where) for of in (known, within)),
        *(stream.count_after(of, "hit", where or "hit") for of in (known, within)),
        stream.distinct(known, "code", where),
        stream.highest(known, "value", where),
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


def test_more_keys_and_times_than_there_is_room_for_are_refused_rather_than_mixed_up() -> None:
    with pytest.raises(OverflowError, match="partition by key"):
        Clock.of([np.arange(20)], 2**59)


YEAR_9999 = 253_370_764_800_000


@pytest.mark.parametrize("keys", [40_000, 4_000_000])
def test_an_event_in_the_year_9999_takes_no_room_from_many_keys_and_is_known_at_no_date_before(keys: int) -> None:
    today, last_key = 1_750_000_000_000, keys - 1
    events = Events(
        np.array([0, 0, 0, last_key, last_key]),
        np.array([today, YEAR_9999, YEAR_9999 + 1, today - 9000 * DAY, YEAR_9999]),
        {"value": np.array([1.0, 2.0, 3.0, 4.0, 5.0])},
    )
    stream = Stream(events, keys)
    asked = np.array([today - 1, today, YEAR_9999 - 1, YEAR_9999, YEAR_9999 + 1, YEAR_9999 + DAY])
    known = stream.known(np.zeros(6, np.int64), asked)
    assert stream.count(known).tolist() == [0, 1, 1, 2, 3, 3]
    np.testing.assert_array_equal(stream.last(known, "value"), [np.nan, 1, 1, 2, 3, 3])
    assert stream.last_time(known)[2:].tolist() == [today, YEAR_9999, YEAR_9999 + 1, YEAR_9999 + 1]
    assert stream.count(stream.known(np.full(6, last_key), asked)).tolist() == [1, 1, 1, 2, 2, 2]
    assert stream.count(stream.known(np.full(6, 1), asked)).tolist() == [0] * 6
    assert stream.at.tolist() == events.at.tolist()


@given(case=cases(), keys=st.sampled_from([2**30, 2**36, 2**40, 2**57]), where=wheres)
def test_however_little_room_its_keys_leave_a_clock_changes_no_answer(case: Case, keys: int, where: str | None) -> None:
    tight = Stream(case.events, KEYS, clock=Clock.of([case.events.at], keys))
    own = Stream(case.events, KEYS)
    assert tight.key.tolist() == own.key.tolist()
    assert tight.at.tolist() == own.at.tolist()
    np.testing.assert_array_equal(all_answers(case, where, tight), all_answers(case, where, own))


def test_the_largest_stream_that_is_accepted_keeps_its_keys_apart() -> None:
    keys = 2**20 - 1
    events = Events(np.array([keys - 1, 0]), np.array([2**42, 0]), {"value": np.array([7.0, 1.0])})
    stream = Stream(events, keys)
    known = stream.known(np.array([0, keys - 2, keys - 1, keys - 1]), np.array([2**43, 2**43, 2**43, 2**42 - 1]))
    np.testing.assert_array_equal(stream.last(known, "value"), [1, np.nan, 7, np.nan])


# Filters by code ------------------------------------------------------------------------------------------------

holding = st.lists(st.booleans(), min_size=4, max_size=4).map(np.array)


@given(case=cases(), holds=holding)
def test_a_filter_by_code_matches_the_events_whose_code_it_marks(case: Case, holds: np.ndarray) -> None:
    by_code, plain = filtered(case, holds), case._replace(events=told_outright(case, holds))
    assert by_code.events.column("hit").tolist() == [bool(holds[code]) for code in case.events.columns["code"]]
    np.testing.assert_array_equal(all_answers(by_code, "hit"), all_answers(plain, "hit"))


def filtered(case: Case, holds: np.ndarray) -> Case:
    """The case with a filter by code in the place of its own."""
    columns = {name: case.events.columns[name] for name in ("value", "code")}
    return case._replace(events=Events(case.events.key, case.events.at, columns, {"hit": Filter("code", holds)}))


def told_outright(case: Case, holds: np.ndarray) -> Events:
    """The same filter as a column; the last mark is that of no code."""
    columns = {**case.events.columns, "hit": holds[case.events.columns["code"]]}
    return Events(case.events.key, case.events.at, columns)


@given(case=cases(), holds=holding, cut=st.integers(0, 12))
def test_events_taken_apart_and_put_together_are_the_same_and_keep_their_filters(
    case: Case, holds: np.ndarray, cut: int
) -> None:
    events = filtered(case, holds).events
    again = Events.concat([events.take(slice(0, cut)), events.take(np.arange(cut, len(events)))])
    for one, other in ((again.key, events.key), (again.at, events.at)):
        assert one.tolist() == other.tolist()
    for name in ("value", "code", "hit"):
        np.testing.assert_array_equal(again.column(name), events.column(name))


# A part of a stream ---------------------------------------------------------------------------------------------


@given(case=cases(), ends=st.tuples(st.integers(0, KEYS - 1), st.integers(0, KEYS - 1)), where=wheres)
def test_of_its_own_keys_a_part_of_a_stream_tells_what_the_whole_tells(
    case: Case, ends: tuple[int, int], where: str | None
) -> None:
    first, last = sorted(ends)
    case = case._replace(key=np.where((case.key >= first) & (case.key <= last), case.key, -1))
    whole = Stream(case.events, KEYS)
    part = whole.of_keys(first, last)
    own = (whole.key >= first) & (whole.key <= last)
    assert len(part) == own.sum()
    assert part.key.tolist() == whole.key[own].tolist()
    assert part.at.tolist() == whole.at[own].tolist()
    np.testing.assert_array_equal(all_answers(case, where, part), all_answers(case, where, whole))


def test_a_part_answers_of_nobody_too() -> None:
    events = Events(np.array([0, 2, 3]), np.array([1, 2, 3]), {"value": np.array([5.0, 6.0, 7.0])})
    part = Stream(events, 4).of_keys(2, 3)
    key, as_of = np.array([-1, 2, -1, 3]), np.full(4, 9)
    known = part.known(key, as_of)
    assert part.count(known).tolist() == part.count(part.within(known, key, as_of, 1)).tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(part.last(known, "value"), [np.nan, 6, np.nan, 7])
    assert len(Stream(events, 4).of_keys(0, -1)) == 0


# Clocks that streams share --------------------------------------------------------------------------------------


@given(case=cases(), others=st.lists(st.sampled_from([-40 * DAY, 3, 99 * DAY, NEVER])), where=wheres)
def test_a_clock_that_reaches_further_changes_no_answer(case: Case, others: list[int], where: str | None) -> None:
    clock = Clock.of([np.array(others, np.int64), case.events.at], KEYS)
    shared = Stream(case.events, KEYS, clock=clock)
    own = Stream(case.events, KEYS)
    assert shared.key.tolist() == own.key.tolist()
    assert shared.at.tolist() == own.at.tolist()
    np.testing.assert_array_equal(all_answers(case, where, shared), all_answers(case, where, own))


def test_places_are_asked_of_streams_of_one_clock_and_of_others() -> None:
    early, late = (Events(np.array([0, 1]), np.array([at, at + 1])) for at in (5, 50))
    shared = Clock.of([early.at, late.at], 2)
    streams_asked = [Stream(e, 2, clock=c) for e, c in ((early, shared), (late, shared), (late, None))]
    places = Places(np.array([0, 1, 1, -1]), np.array([5, 50, 51, 99]))
    known = [stream.count(stream.known_at(places)).tolist() for stream in streams_asked]
    assert known == [[1, 1, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]]


# Order ----------------------------------------------------------------------------------------------------------


@given(case=cases(), shuffle=st.randoms(use_true_random=False))
def test_where_any_order_will_do_the_order_in_which_events_came_changes_not_a_bit(case: Case, shuffle: Random) -> None:
    order = list(range(len(case.events)))
    shuffle.shuffle(order)
    one, other = (Stream(some, KEYS, any_order=True) for some in (case.events, case.events.take(np.array(order, int))))
    for name in case.events.columns:
        np.testing.assert_array_equal(one._columns[name], other._columns[name])
    for where in (None, "hit"):
        np.testing.assert_array_equal(all_answers(case, where, one), all_answers(case, where, other))


def test_a_sum_of_ties_in_any_order_is_the_same_and_in_their_own_order_need_not_be() -> None:
    def total(values: list[float], *, any_order: bool) -> float:
        events = Events(np.zeros(4, np.int64), np.full(4, 5), {"value": np.array(values)})
        stream = Stream(events, 1, any_order=any_order)
        return float(stream.total(stream.known(np.array([0]), np.array([5])), "value")[0])

    one, other = [1.0, 1e100, 1.0, -1e100], [1e100, -1e100, 1.0, 1.0]
    assert total(one, any_order=True) == total(other, any_order=True)
    assert total(one, any_order=False) != total(other, any_order=False)


# What is kept small, and the two ways of looking up -------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 255], "uint8"),
        ([-1, 127], "int8"),
        ([-1, 128], "int16"),
        ([-129, 0], "int16"),
        ([0, 65_536], "uint32"),
        ([-1, 2**31], "int64"),
        ([-1, 2**62 + 1], "int64"),
        ([0.0, 3.0], "uint8"),
        ([-2.0, 300.0], "int16"),
        ([0.0, 0.5], "float64"),
        ([0.0, math.nan], "float64"),
        ([0.0, math.inf], "float64"),
        ([0.0, EXACT], "float64"),
        ([-EXACT, 0.0], "float64"),
        ([True, False], "bool"),
    ],
)
def test_whole_numbers_are_kept_in_as_few_bytes_as_hold_them(values: list[float], dtype: str) -> None:
    kept = Stream(Events(np.zeros(2, np.int64), np.arange(2), {"value": np.array(values)}), 1)._columns["value"]
    assert kept.dtype == dtype
    np.testing.assert_array_equal(kept, values)


WHOLE = st.sampled_from([-129.0, -128.0, -1.0, 0.0, 1.0, 127.0, 200.0, 255.0, 256.0, 40_000.0, 65_536.0, EXACT - 1])


@given(case=cases(), values=st.lists(WHOLE, min_size=12, max_size=12), dtype=st.sampled_from([float, np.int64]))
def test_numbers_kept_small_give_the_same_answers(case: Case, values: list[float], dtype: type) -> None:
    columns = {**case.events.columns, "value": np.array(values[: len(case.events)], dtype=dtype)}
    case = case._replace(events=Events(case.events.key, case.events.at, columns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_narrow", lambda column: column)
        wide = Stream(case.events, KEYS)
    for where in (None, "hit"):
        np.testing.assert_array_equal(all_answers(case, where), all_answers(case, where, wide))
    stream, known, _ = ranges(case)
    exact = by_hand(case, None, None, lambda found: sum(int(columns["value"][place]) for place in found))
    assert stream.total(known, "value").tolist() == exact


places = st.integers(-3, 12)


@given(packed=st.lists(places, max_size=6).map(sorted), asked=st.lists(places, max_size=40), in_order=st.booleans())
def test_a_place_is_found_whichever_of_the_two_is_looked_up_in_the_other(
    packed: list[int], asked: list[int], in_order: bool
) -> None:
    asked = sorted(asked) if in_order else asked
    found = streams._positions_after(np.array(packed, np.int64), np.array(asked, np.int64))
    assert found.tolist() == [sum(one <= each for one in packed) for each in asked]


@pytest.mark.parametrize("times", [1, FEW - 1, FEW, 100])
def test_many_snapshots_of_few_events_are_answered_as_few_snapshots_are(times: int) -> None:
    stream = three_events()
    as_of = np.repeat([2, 3, 20, 39, 40, 99], times) * DAY
    assert (
        stream.count(stream.known(np.full(len(as_of), 1), as_of)).tolist()
        == np.repeat([0, 1, 2, 2, 3, 3], times).tolist()
    )
