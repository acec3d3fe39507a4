"""What has changed between two scoring runs."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.formats import NOBREAK
from serving.since import MOVED, Moved, Since, since

THEN, TODAY = date(2026, 8, 7), date(2026, 8, 10)


def row(key: str, **facts) -> dict:
    usual = {"win_probability": 0.4, "close_date": None, "stage": "Propose", "owner_id": "u1", "amount": 1000.0}
    return {"opportunity_id": key, **usual, **facts}


def found(now: list[dict], before: list[dict], closed: tuple[dict, ...] = ()) -> Since:
    return since(now, {one["opportunity_id"]: one for one in before}, closed, (THEN, TODAY))


def test_what_has_not_changed_is_not_told():
    told = found([row("a")], [row("a")])
    assert not told.anything
    assert told.sentence() == ""


@pytest.mark.parametrize(
    ("now", "before", "where"),
    [
        (row("a", stage="Negotiate"), row("a"), "staged"),
        (row("a", close_date=date(2026, 9, 2)), row("a", close_date=date(2026, 9, 1)), "later"),
        (row("a", close_date=date(2026, 8, 30)), row("a", close_date=date(2026, 9, 1)), "earlier"),
        (row("a", owner_id="u2"), row("a"), "handed"),
        (row("a", close_date=date(2026, 8, 9)), row("a", close_date=date(2026, 8, 9)), "passed"),
        (row("a", close_date=THEN), row("a", close_date=THEN), "passed"),
    ],
)
def test_a_fact_that_changed_is_told_where_it_belongs(now, before, where):
    told = found([now], [before])
    names = ("new", "staged", "passed", "later", "earlier", "handed")
    assert {name: getattr(told, name) for name in names if getattr(told, name)} == {where: ("a",)}
    assert told.anything


def test_a_close_date_that_had_passed_before_is_no_news():
    old = row("a", close_date=date(2026, 8, 6))
    assert not found([old], [old]).anything
    moved = found([row("a", close_date=date(2026, 8, 8))], [old])  # put off, and passed again
    assert (moved.passed, moved.later) == (("a",), ("a",))
    assert not found([row("a", close_date=TODAY)], [row("a", close_date=TODAY)]).anything


def test_a_date_that_was_not_there_is_neither_put_off_nor_brought_forward():
    assert not found([row("a", close_date=date(2026, 9, 1))], [row("a")]).anything


def test_whoever_owned_a_deal_was_not_kept_by_earlier_versions():
    assert not found([row("a")], [row("a", owner_id=None)]).handed


def test_chances_that_moved_come_with_how_far_the_farthest_first():
    told = found(
        [row("a", win_probability=0.45), row("b", win_probability=0.2), row("c", win_probability=0.44)],
        [row("a"), row("b"), row("c")],
    )
    assert [(one.opportunity_id, round(one.by, 2)) for one in told.moved] == [("b", -0.2), ("a", 0.05)]


def test_the_sentence_counts_what_changed():
    closed = (
        {"is_won": True, "amount": 48_000.0},
        {"is_won": False, "amount": None},
        {"is_won": False, "amount": 2_000.0},
    )
    told = found(
        [row("n"), row("m"), row("u", win_probability=0.9), row("d", win_probability=0.1, stage="New")],
        [row("u"), row("d")],
        closed,
    )
    assert told.sentence() == (
        f"1 deal won (48{NOBREAK}k), 2 deals lost (2.0{NOBREAK}k), 2 new deals, 1 moved up, 1 moved down, "
        "1 in another stage"
    )
    assert told.sentence(most=2) == f"1 deal won (48{NOBREAK}k), 2 deals lost (2.0{NOBREAK}k)"


CHANCES = st.floats(0, 1, allow_nan=False)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(CHANCES, CHANCES)))
def test_every_move_is_told_once_and_none_that_is_small(chances):
    told = found(
        [row(key, win_probability=now) for key, (_, now) in chances.items()],
        [row(key, win_probability=then) for key, (then, _) in chances.items()],
    )
    far = {key for key, (then, now) in chances.items() if round(abs(now - then), 6) >= MOVED}
    assert {one.opportunity_id for one in told.moved} == far
    assert len(told.moved) == len(far)
    assert all(isinstance(one, Moved) for one in told.moved)
