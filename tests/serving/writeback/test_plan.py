"""The plan: only what differs, and a hash that no other plan has."""

import pytest

from crm.errors import DealcastError
from serving.writeback.fields import BY_NAME, settled_all
from serving.writeback.plan import Change, Plan
from tests.serving.writeback.memory import MemorySink, answers
from tests.serving.writeback.works import looked_at

IDS = [f"D{number}" for number in range(10)]


def test_only_fields_that_differ_are_written_and_rows_that_hold_the_answers_are_left():
    sink, wanted = MemorySink.of(IDS), answers(1, IDS)
    for one in IDS[:4]:
        sink.records[one] |= wanted[one]
    sink.records["D4"] |= {**wanted["D4"], "grade": "Q", "theirs": "more"}
    plan = looked_at(sink, wanted)
    assert plan.unchanged == 4
    assert [change.record_id for change in plan.changes] == IDS[4:]
    assert plan.changes[0] == Change("D4", {"grade": "Q"}, {"grade": wanted["D4"]["grade"]})
    assert all(set(change.after) <= set(BY_NAME) for change in plan.changes)


def test_figures_are_compared_as_they_are_written():
    sink = MemorySink.of(["D0"])
    wanted = {"D0": settled_all({"win_probability": 0.12345, "expected_amount": 1000.004})}
    sink.records["D0"] |= {"win_probability": 0.1230004, "expected_amount": 1000.0}
    assert looked_at(sink, wanted).changes == ()
    sink.records["D0"] |= {"win_probability": 0.122}
    (change,) = looked_at(sink, wanted).changes
    assert (change.before, change.after) == ({"win_probability": 0.122}, {"win_probability": 0.123})


def test_when_it_was_scored_and_by_which_model_is_no_reason_to_write():
    sink, wanted = MemorySink.of(["D0"]), answers(1, ["D0"])
    sink.records["D0"] |= {**wanted["D0"], "scored_at": "2020-01-01T00:00:00Z", "model_version": "0"}
    assert looked_at(sink, wanted).changes == ()
    sink.records["D0"]["grade"] = None
    (change,) = looked_at(sink, wanted).changes
    assert set(change.after) == {"grade", "scored_at", "model_version"}, "with a reason it is written too"


def test_records_that_are_gone_closed_or_no_longer_scored_are_told():
    sink = MemorySink.of(IDS, shut={"D1", "D9"})
    plan = looked_at(sink, answers(1, [*IDS[:5], "X1", "X2"]), earlier={"D8", "D2"})
    assert plan.missing == ("X1", "X2")
    assert plan.closed == ("D1",)
    assert plan.gone == ("D8",)
    assert [change.record_id for change in plan.changes] == ["D0", "D2", "D3", "D4"]


@pytest.mark.parametrize(
    "other",
    [
        Plan("memory://other", "r", (Change("A", {"grade": "A"}, {"grade": "B"}),), 0),
        Plan("memory://crm", "r", (Change("B", {"grade": "A"}, {"grade": "B"}),), 0),
        Plan("memory://crm", "r", (Change("A", {"grade": None}, {"grade": "B"}),), 0),
        Plan("memory://crm", "r", (Change("A", {"grade": "A"}, {"grade": "C"}),), 0),
        Plan("memory://crm", "r", (Change("A", {"reasons": "A"}, {"reasons": "B"}),), 0),
        Plan("memory://crm", "r", (Change("A", {"grade": "A"}, {"grade": "B"}),), 0, undoes=True),
        Plan("memory://crm", "r", (), 1),
    ],
    ids=["sink", "record", "old value", "new value", "field", "undo", "nothing"],
)
def test_another_plan_has_another_hash(other):
    plan = Plan("memory://crm", "r", (Change("A", {"grade": "A"}, {"grade": "B"}),), 0)
    assert plan.hash != other.hash
    assert plan.hash == Plan("memory://crm", "another run", plan.changes, 7, missing=("Z",)).hash, (
        "what is written counts"
    )


@pytest.mark.parametrize(("records", "cap"), [(10, 500), (5000, 500), (5010, 501), (100_000, 10_000)])
def test_five_hundred_records_or_one_in_ten_may_change(records, cap):
    assert Plan("x", "r", (Change("A", {}, {"grade": "B"}),), records - 1).cap == cap


def test_a_field_of_ours_that_holds_something_else_is_an_error_that_says_where():
    sink = MemorySink.of(["D0"])
    sink.records["D0"]["win_probability"] = "high"
    with pytest.raises(DealcastError, match=r"memory://crm, D0: a field of ours holds what is no value of its kind"):
        looked_at(sink, answers(1, ["D0"]))
