"""A step as a task: its key, its words, its day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.tasks.task import ASSOCIATION, key_of, task_of, working_days_on
from tests.serving.tasks.places import a_step

CHANGE = {"kind": "change", "action": "meeting", "brief": "A meeting booked", "says": f"None is. {ASSOCIATION}"}


def test_a_key_belongs_to_a_deal_and_a_step_and_not_to_its_words():
    key = key_of("D1", a_step())
    assert key == key_of("D1", {**a_step(), "brief": "in other words", "says": "75 % by now"})
    others = {key_of("D2", a_step()), key_of("D1", a_step("calls:1")), key_of("D1", CHANGE)}
    assert len({key, *others}) == 4
    assert key_of("D1", CHANGE) != key_of("D1", {**CHANGE, "action": "meeting+demo"})
    assert len(key) == 32
    older = {name: said for name, said in a_step().items() if name not in ("kind", "practice")}
    assert key_of("D1", older) == key_of("D1", {**older, "brief": "70 % by now"})


def test_a_task_says_what_the_coaching_says_and_that_it_is_association():
    task = task_of("D1", "U1", a_step(), date(2026, 11, 25))
    assert task == {
        "opportunity_id": "D1",
        "owner_id": "U1",
        "subject": "74 % of won deals had a demo (lost: 46 %)",
        "description": f"No demo yet. Of the won 74 % had one & more <3. {ASSOCIATION}",
        "due": "2026-11-25",
        "status": "open",
        "priority": "normal",
    }
    assert str(task_of("D1", "U1", CHANGE, date(2026, 11, 25))["description"]).count(ASSOCIATION) == 1
    long = task_of("D1", "U1", {**a_step(), "brief": "x" * 400}, date(2026, 11, 25))
    assert len(str(long["subject"])) == 255


@pytest.mark.parametrize(
    ("day", "days", "then"),
    [
        ("2026-11-23", 2, "2026-11-25"),
        ("2026-11-26", 2, "2026-11-30"),  # Thursday → Monday
        ("2026-11-27", 1, "2026-11-30"),
        ("2026-11-28", 1, "2026-11-30"),  # Saturday → Monday
        ("2026-11-29", 5, "2026-12-04"),
    ],
)
def test_working_days(day, days, then):
    assert working_days_on(date.fromisoformat(day), days) == date.fromisoformat(then)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 60))
def test_a_working_day_is_never_a_weekend_and_one_more_is_later(day, days):
    then = working_days_on(day, days)
    assert then.weekday() < 5
    assert working_days_on(day, days + 1) > then
    assert days <= (then - day).days <= days + 2 * (days // 5 + 1)
