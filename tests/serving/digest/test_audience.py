"""Who gets which letter on a day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.digest.audience import Member, audience, kind_due, unknown_names
from serving.digest.letter import Kind, Person
from serving.digest.wishes import DigestWishes

MONDAY, TUESDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 28)


def user(user_id, manager_id=None, **more):
    return {"user_id": user_id, "name": user_id.title(), "email": f"{user_id}@example.com", "manager_id": manager_id,
            "active": True, **more}  # fmt: skip


# chief > lead > ada, bob; chief > cy, who owns as well as manages dan
USERS = (
    user("chief"),
    user("lead", "chief"),
    user("ada", "lead"),
    user("bob", "lead"),
    user("cy", "chief"),
    user("dan", "cy"),
    user("eve", "lead"),
)
OWNERS = frozenset({"ada", "bob", "cy", "dan"})


BY_MAIL = DigestWishes(channel="mail")


def gets(day, wishes=BY_MAIL, users=USERS, owners=OWNERS, asked=None):
    due = ((one.person.user_id, kind_due(one, day, wishes, asked)) for one in audience(users, owners, wishes))
    return {key: str(kind) for key, kind in due if kind is not None}


def test_owners_get_mornings_and_who_manages_them_the_week():
    assert gets(MONDAY) == {
        "ada": "morning", "bob": "morning", "chief": "weekly", "cy": "weekly", "dan": "morning", "lead": "weekly"
    }  # fmt: skip
    assert gets(TUESDAY) == {"ada": "morning", "bob": "morning", "cy": "morning", "dan": "morning"}
    assert gets(SATURDAY) == {}


def test_who_is_wanted():
    left_out = DigestWishes(channel="mail", without=("ADA@example.com", "bob"))
    assert set(gets(TUESDAY, left_out)) == {"cy", "dan"}
    chosen = DigestWishes(channel="mail", only=("ada", "Lead@example.com"))
    assert gets(MONDAY, chosen) == {"ada": "morning", "lead": "weekly"}
    both = DigestWishes(channel="mail", only=("ada", "bob"), without=("bob",))
    assert gets(MONDAY, both) == {"ada": "morning"}


def test_who_has_left_gets_nothing_but_their_manager_does():
    users = [{**one, "active": one["user_id"] != "ada"} for one in USERS]
    assert gets(MONDAY, users=users, owners={"ada"}) == {"chief": "weekly", "lead": "weekly"}
    unknown = [{**one, "active": None} for one in USERS]
    assert gets(TUESDAY, users=unknown, owners={"ada"}) == {"ada": "morning"}


def test_owners_whom_the_crm_does_not_list_can_be_reached_by_the_configuration():
    wishes = DigestWishes(channel="mail", addresses={"x": "x@example.com", "ada": "own@example.com"})
    found = {one.person.user_id: one.person for one in audience(USERS, {"ada", "x"}, wishes)}
    assert found["x"] == Person("x", "x", "x@example.com")
    assert found["ada"] == Person("ada", "Ada", "own@example.com")
    assert audience((), {"y"}, DigestWishes())[0].person == Person("y", "y", None)


def test_a_kind_without_a_channel_is_not_sent_in_its_place_comes_the_other():
    assert set(gets(MONDAY, DigestWishes(morning="mail")).values()) == {"morning"}
    assert "cy" in gets(MONDAY, DigestWishes(morning="mail"))
    assert gets(MONDAY, DigestWishes(weekly="mail")) == {"chief": "weekly", "cy": "weekly", "lead": "weekly"}
    assert gets(TUESDAY, DigestWishes(weekly="mail")) == {}
    assert gets(MONDAY, DigestWishes()) == gets(MONDAY), "to look at, even where nothing can be sent yet"


def test_a_kind_that_is_asked_for_is_due_on_any_day_to_those_whose_it_is():
    assert gets(SATURDAY, asked=Kind.WEEKLY) == {"chief": "weekly", "cy": "weekly", "lead": "weekly"}
    assert gets(MONDAY, asked=Kind.MORNING) == dict.fromkeys(("ada", "bob", "cy", "dan"), "morning")


def test_slips_of_the_pen_are_found():
    wishes = DigestWishes(only=("ada", "BOB@example.com", "adda"), without=("x@y.z",), addresses={"zoe": "zoe@e.x"})
    assert unknown_names(USERS, wishes) == ("adda", "x@y.z", "zoe")
    assert unknown_names(USERS, DigestWishes(without=("own@e.x",), addresses={"ada": "Own@e.x"})) == ()


@pytest.mark.parametrize(
    "above", [{"ada": "ada"}, {"ada": "bob", "bob": "ada"}, {"ada": "bob", "bob": "cy", "cy": "bob"}]
)
def test_circles_of_managers_end(above):
    users = [user(key, manager) for key, manager in above.items()]
    found = audience(users, {"ada"}, DigestWishes())
    assert {one.person.user_id for one in found if one.manages} == set(above) - {"ada"}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.one_of(st.none(), st.sampled_from("abcdefg")), max_size=6),
    st.frozensets(st.sampled_from("abcdefg"), max_size=4),
    st.dates(),
)
def test_nobody_gets_two_and_only_those_whose_it_is_get_any(above, owners, day):
    wishes = DigestWishes(channel="mail")
    members = audience([user(key, manager) for key, manager in above.items()], owners, wishes)
    assert len({one.person.user_id for one in members}) == len(members)
    for one in members:
        kind = kind_due(one, day, wishes)
        assert kind is None or {Kind.MORNING: one.owns, Kind.WEEKLY: one.manages}[kind]
        assert one.owns == (one.person.user_id in owners)
    assert {one.person.user_id for one in members if one.owns} == set(owners)


def test_sorted_by_name():
    members = audience([user("b"), user("a", "b"), user("c")], {"a", "b", "c"}, DigestWishes())
    assert [one.person.name for one in members] == ["A", "B", "C"]
    assert members[1] == Member(Person("b", "B", "b@example.com"), owns=True, manages=True)
