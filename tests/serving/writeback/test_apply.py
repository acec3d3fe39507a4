"""A plan carried out against a sink that says no, does not answer, or is changed by others meanwhile."""

import pytest

from crm.errors import DataRefused, DealcastError
from serving.store import Store
from serving.store_writeback import Progress
from serving.writeback.apply import ATTEMPTS
from serving.writeback.fields import NOTHING
from tests.serving.writeback.memory import Killed, MemorySink, answers
from tests.serving.writeback.works import apply, look_and_apply, looked_at, undo, undo_looked_at

IDS = [f"D{number}" for number in range(8)]


@pytest.fixture
def store(store_url):
    return Store(store_url)


@pytest.fixture
def sink():
    return MemorySink.of(IDS)


def test_what_was_looked_at_is_written_and_journalled_and_a_rerun_writes_nothing(sink, store):
    wanted = answers(1, IDS)
    plan = looked_at(sink, wanted)
    done = apply(sink, store, wanted, plan.hash)
    assert done.whole
    assert sorted(done.written) == IDS
    assert sink.ours() == wanted
    assert {one: r["theirs"] for one, r in sink.records.items()} == {one: f"of {one}" for one in IDS}
    (run,) = store.writebacks()
    assert (run["run_id"], run["plan"], run["address"], run["sink"]) == (done.run_id, plan.hash, sink.address, "memory")
    assert run["counts"] == {Progress.WRITTEN: 8}
    assert run["finished_at"]
    assert store.written(done.run_id) == {change.record_id: change for change in plan.changes}
    sent = sink.sent
    again = apply(sink, store, wanted, plan.hash)
    assert again.whole
    assert again.written == []
    assert sink.sent == sent
    assert len(store.writebacks()) == 1


def test_another_hash_or_another_state_is_refused_and_nothing_is_touched(sink, store):
    wanted = answers(1, IDS)
    confirmed = looked_at(sink, wanted).hash
    sink.records["D3"]["grade"] = "Z"
    for hash_ in (confirmed, "0" * 16, ""):
        with pytest.raises(DataRefused, match="nothing was written"):
            apply(sink, store, wanted, hash_)
    with pytest.raises(DataRefused):
        apply(sink, store, answers(2, IDS), looked_at(sink, wanted).hash)
    assert sink.writes == []
    assert store.writebacks() == ()


def test_more_records_than_may_change_are_refused_with_how_to_say_so(sink, store):
    wanted = answers(1, IDS)
    with pytest.raises(DataRefused, match="--most 8") as refused:
        apply(sink, store, wanted, looked_at(sink, wanted).hash, most=7)
    assert refused.value.exit_code == 3
    assert sink.writes == []
    assert apply(sink, store, wanted, looked_at(sink, wanted).hash, most=8).whole


def test_what_the_sink_refuses_is_told_by_id_and_a_rerun_tries_only_that(sink, store):
    wanted = answers(1, IDS)
    confirmed = looked_at(sink, wanted).hash
    sink.faults = [{"D1": "fail"}, "", {"D7": "fail"}]
    done = apply(sink, store, wanted, confirmed)
    assert not done.whole
    assert done.failed == {"D1": "the record says no", "D7": "the record says no"}
    assert sorted(done.written) == ["D0", "D2", "D3", "D4", "D5", "D6"]
    assert store.writebacks()[0]["counts"] == {Progress.WRITTEN: 6, Progress.FAILED: 2}
    before = len(sink.writes)
    again = apply(sink, store, wanted, confirmed)
    assert (again.whole, again.run_id) == (True, done.run_id)
    assert [sorted(rows) for rows in sink.writes[before:]] == [["D1", "D7"]]
    assert sink.ours() == wanted
    assert store.writebacks()[0]["counts"] == {Progress.WRITTEN: 8}


def test_after_no_answer_it_is_read_back_before_it_is_written_again(sink, store):
    wanted = answers(1, IDS)
    sink.faults = [{"D0": "late", "D1": "lost", "D2": "silent"}]
    done = look_and_apply(sink, store, wanted)
    assert done.whole
    assert [sorted(rows) for rows in sink.writes] == [["D0", "D1", "D2"], ["D1"], ["D3", "D4", "D5"], ["D6", "D7"]]
    assert sink.ours() == wanted


def test_where_no_answer_ever_comes_it_is_given_up_and_told(sink, store):
    sink.faults = [{"D0": "lost"}] * ATTEMPTS
    done = look_and_apply(sink, store, answers(1, IDS))
    assert list(done.failed) == ["D0"]
    assert "no answer came" in done.failed["D0"]
    assert sum("D0" in rows for rows in sink.writes) == ATTEMPTS
    assert len(done.written) == 7


def test_a_sink_that_goes_down_leaves_the_rest_for_the_next_time(sink, store):
    wanted = answers(1, IDS)
    confirmed = looked_at(sink, wanted).hash
    sink.faults = ["", "down"]
    done = apply(sink, store, wanted, confirmed)
    assert sorted(done.written) == ["D0", "D1", "D2"]
    assert done.unprocessed == ["D3", "D4", "D5", "D6", "D7"]
    assert isinstance(done.stopped, DealcastError)
    assert store.writebacks()[0]["finished_at"] is None
    again = apply(sink, store, wanted, confirmed)
    assert (again.whole, again.run_id) == (True, done.run_id)
    assert sorted(again.written) == done.unprocessed
    assert sink.ours() == wanted
    assert store.writebacks()[0]["finished_at"]


def test_what_others_change_in_between_is_left_alone(sink, store):
    wanted = answers(1, IDS)

    def somebody(sink):
        sink.records["D5"]["grade"] = "theirs"
        sink.records.pop("D6", None)

    sink.between = somebody
    done = look_and_apply(sink, store, wanted)
    assert set(done.left) == {"D5", "D6"}
    assert sink.records["D5"]["grade"] == "theirs"
    assert sink.records["D5"]["reasons"] is None, "the record as a whole is left alone"
    assert not done.whole


def test_undo_brings_every_record_back_and_writes_nothing_twice(sink, store):
    look_and_apply(sink, store, answers(1, IDS))
    before = sink.ours()
    done = look_and_apply(sink, store, answers(2, IDS))
    assert sink.ours() != before
    taken_back = undo(sink, store, done.run_id)
    assert taken_back.whole
    assert sink.ours() == before
    assert store.writebacks()[-1]["undoes"] == done.run_id
    sent = sink.sent
    assert undo_looked_at(sink, store, done.run_id).changes == ()
    assert sink.sent == sent
    assert undo(sink, store, store.writebacks()[0]["run_id"]).whole
    assert sink.ours() == dict.fromkeys(IDS, NOTHING)


def test_undo_leaves_alone_what_is_no_longer_ours_field_by_field_and_says_so(sink, store):
    wanted = answers(1, IDS)
    done = look_and_apply(sink, store, wanted)
    sink.records["D2"]["grade"] = "by hand"
    del sink.records["D3"]
    plan = undo_looked_at(sink, store, done.run_id)
    (kept,) = plan.kept
    assert (kept.record_id, kept.field, kept.ours, kept.now) == ("D2", "grade", wanted["D2"]["grade"], "by hand")
    assert plan.missing == ("D3",)
    assert undo(sink, store, done.run_id, plan.hash).whole
    assert sink.ours() == {one: {**NOTHING, "grade": "by hand" if one == "D2" else None} for one in IDS if one != "D3"}


def test_what_stands_at_a_sink_is_what_was_written_last_and_not_taken_back(sink, store):
    assert store.standing_at(sink.address) == frozenset()
    first = look_and_apply(sink, store, answers(1, IDS[:3]))
    second = look_and_apply(sink, store, answers(2, IDS[2:5]))
    assert store.standing_at(sink.address) == frozenset(IDS[:5])
    assert store.standing_at("memory://another") == frozenset()
    undo(sink, store, second.run_id)
    assert store.standing_at(sink.address) == frozenset(IDS[:2]), "what stood there before is for whoever looks"
    look_and_apply(sink, store, answers(3, IDS[2:3]))
    assert store.standing_at(sink.address) == frozenset(IDS[:3])
    assert first.whole


def test_an_older_run_is_taken_back_only_after_the_newer_one(sink, store):
    first = look_and_apply(sink, store, answers(1, IDS))
    second = look_and_apply(sink, store, answers(2, IDS))
    assert len(undo_looked_at(sink, store, first.run_id).kept) > 0
    for run in (second, first):
        undo(sink, store, run.run_id)
    assert sink.ours() == dict.fromkeys(IDS, NOTHING)


def test_an_undo_can_be_taken_back_and_the_plan_applied_anew(sink, store):
    wanted = answers(1, IDS)
    confirmed = looked_at(sink, wanted).hash
    done = apply(sink, store, wanted, confirmed)
    undone = undo(sink, store, done.run_id)
    assert undo(sink, store, undone.run_id).whole
    assert sink.ours() == wanted
    undo(sink, store, done.run_id)
    anew = apply(sink, store, wanted, confirmed)
    assert anew.run_id not in (done.run_id, "")
    assert sink.ours() == wanted


@pytest.mark.parametrize("arrived", [True, False], ids=["after it arrived", "before it arrived"])
def test_a_run_that_was_killed_is_cleared_up_by_reading_and_goes_on(sink, store, arrived):
    wanted = answers(1, IDS)
    confirmed = looked_at(sink, wanted).hash
    write = sink.write

    def killed(rows):
        if len(sink.writes) == 1:
            if arrived:
                write(rows)
            raise Killed
        return write(rows)

    sink.write = killed
    with pytest.raises(Killed):
        apply(sink, store, wanted, confirmed)
    sink.write = write
    (run,) = store.writebacks()
    assert run["counts"] == {Progress.WRITTEN: 3, Progress.SENT: 3, Progress.PLANNED: 2}
    done = apply(sink, store, wanted, confirmed)
    assert (done.whole, done.run_id) == (True, run["run_id"])
    assert sink.sent == 8, "nothing is sent twice"
    assert sink.ours() == wanted
    assert undo(sink, store, run["run_id"]).whole
    assert sink.ours() == dict.fromkeys(IDS, NOTHING)


def test_a_run_that_was_killed_can_be_taken_back_as_it_is(sink, store):
    wanted = answers(1, IDS)
    write, calls = sink.write, []

    def killed(rows):
        outcomes = write(rows)
        calls.append(rows)
        if len(calls) == 2:
            raise Killed
        return outcomes

    sink.write = killed
    with pytest.raises(Killed):
        look_and_apply(sink, store, wanted)
    sink.write = write
    assert undo(sink, store, store.writebacks()[0]["run_id"]).whole
    assert sink.ours() == dict.fromkeys(IDS, NOTHING)


def test_one_at_a_time_for_a_sink_and_the_second_is_told_who(sink, store, store_url):
    with store.alone(f"write-back to {sink.address}", "dealcast write-back by ada"):
        with pytest.raises(DealcastError, match="dealcast write-back by ada"):
            look_and_apply(sink, Store(store_url), answers(1, IDS))
        other = MemorySink.of(IDS, address="memory://another")
        assert look_and_apply(other, Store(store_url), answers(1, IDS)).whole
    assert look_and_apply(sink, store, answers(1, IDS)).whole
