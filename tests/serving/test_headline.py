"""What of a deal fits in a line of a list."""

import pytest

from serving.formats import NOBREAK
from serving.headline import first_step, next_step, reason_line, top_reason
from tests.scored import GAP, reason

CAN, CANNOT = reason("a", "Can be mended.", -0.02), reason("b", "Cannot.", -0.09, actionable=False)
FOR = reason("c", "Speaks for it.", 0.2)


@pytest.mark.parametrize(
    ("against", "speaking_for", "found"),
    [
        ([CANNOT, CAN], [FOR], CAN),  # what somebody can do something about comes first
        ([CANNOT], [FOR], CANNOT),
        ([], [FOR], FOR),
        ([], [], None),
    ],
)
def test_the_reason_that_matters_most_is_against_and_can_be_mended(against, speaking_for, found):
    assert top_reason({"against": against, "for": speaking_for}) == found


def test_a_reason_stands_with_its_sign_and_its_weight():
    assert reason_line(CANNOT) == f"− Cannot. (−9{NOBREAK}points)"
    assert reason_line(FOR) == f"+ Speaks for it. (+20{NOBREAK}points)"


def test_the_step_beside_a_deal_is_the_first_of_its_coaching():
    assert first_step([GAP, CAN]) == GAP
    assert next_step([GAP, CAN]) == GAP["brief"]
    assert first_step([]) is None
    assert next_step([]) is None
