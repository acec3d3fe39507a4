"""Who reports to whom."""

from hypothesis import given
from hypothesis import strategies as st

from serving.staff import Staff


def staff(**managers: str | None) -> Staff:
    return Staff.of({"user_id": user, "name": None, "manager_id": manager} for user, manager in managers.items())


FIRM = staff(head=None, east="head", west="head", ada="east", bo="east", cy="west", solo=None)


def test_below_are_all_who_report_through_others():
    assert FIRM.reports("head") == {"east", "west"}
    assert FIRM.below("head") == {"east", "west", "ada", "bo", "cy"}
    assert FIRM.below("east") == {"ada", "bo"}
    assert FIRM.below("ada") == FIRM.below("solo") == FIRM.below("nobody") == frozenset()


def test_a_manager_who_is_no_user_manages_all_the_same():
    assert staff(ada="gone").below("gone") == {"ada"}


def test_a_user_without_a_name_is_called_by_the_id():
    assert Staff.of([{"user_id": "u1", "name": "Ada", "manager_id": None}]).name("u1") == "Ada"
    assert FIRM.name("ada") == "ada"
    assert FIRM.name("stranger") == "stranger"


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")))
def test_reports_that_circle_come_to_an_end(managers):
    firm = staff(**managers)
    for user in "abcdef":
        below = firm.below(user)
        assert user not in below
        for other in below:  # whoever is below somebody below me is below me, but for myself
            assert firm.below(other) - {user} <= below
