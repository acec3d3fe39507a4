"""What deals stall over, in few words."""

from features.catalogue import catalogue
from serving.causes import CAUSES, OTHER, cause_of, stall_reason
from tests.histories import EVERYTHING

OWN = "field_"


def reason(group: str) -> dict:
    return {"group": group, "says": f"{group}.", "points": 0.1}


def test_every_group_of_reasons_that_a_rep_can_act_on_has_a_cause():
    acted_on = {one.group for one in catalogue(EVERYTHING).features if one.actionable and not one.group.startswith(OWN)}
    assert acted_on <= {group for groups in CAUSES.values() for group in groups}


def test_every_cause_speaks_of_groups_that_there_are_and_each_group_has_one():
    groups = [group for of_cause in CAUSES.values() for group in of_cause]
    assert set(groups) <= {one.group for one in catalogue(EVERYTHING).features}
    assert len(groups) == len(set(groups))


def test_the_weightiest_reason_that_has_a_cause_tells_it():
    told = {"for": [reason("season"), reason("pushes"), reason("people")]}
    assert cause_of(told) == "the close date was put off"
    assert stall_reason(told) == reason("pushes")


def test_a_deal_whose_reasons_have_none_stalls_over_other_facts():
    assert cause_of({"for": [reason("season")]}) == OTHER
    assert stall_reason({"for": [reason("season")]}) == reason("season")
    assert cause_of({}) == OTHER
    assert stall_reason({}) is None
