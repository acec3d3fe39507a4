"""Which deals get a task, and which do not, and why; what is asked for once is not asked for again."""

from datetime import date

import pytest

from crm.errors import DataRefused, WrongUse
from serving.sinks.sql import SqlSettings, SqlSink
from serving.sinks.tasks import COMPLETED, DealNow, HoldsTasks, tasks_of
from serving.store import Store
from serving.tasks.plan import Why
from tests.serving.tasks.places import ask, looked_at, undo, undo_looked_at, wanted
from tests.serving.writeback.memory import MemorySink

IDS = [f"D{number}" for number in range(7)]


class Place:
    """A table of tasks, and what is said of deals."""

    def __init__(self, real, said):
        self._real, self.said = real, said

    def deals(self, ids):
        known = {one: DealNow("U9") for one in ids}
        return {one: deal for one, deal in {**known, **self.said}.items() if deal is not None}

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def sink(tmp_path):
    made = SqlSink("crm", SqlSettings(f"sqlite:///{tmp_path / 'crm.db'}", batch=3))
    with made._engine.begin() as connection:
        connection.exec_driver_sql(made.tasks().definitions())
    return made


@pytest.fixture
def place(sink):
    return sink.tasks()


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def rows(place):
    with place._engine.begin() as connection:
        return {
            row["opportunity_id"]: dict(row)
            for row in connection.exec_driver_sql("SELECT * FROM dealcast_tasks").mappings()
        }


def change(place, deal, **values):
    with place._engine.begin() as connection:
        for name, value in values.items():
            connection.exec_driver_sql(f"UPDATE dealcast_tasks SET {name} = ? WHERE opportunity_id = ?", (value, deal))


def test_a_deal_gets_one_task_a_step_and_a_rerun_makes_none(place, store):
    done = ask(place, store, wanted(IDS))
    assert (len(done.written), done.whole) == (7, True)
    made = rows(place)
    assert sorted(made) == IDS
    again = looked_at(place, store, wanted(IDS), date(2026, 12, 24))
    assert (again.plan.changes, set(again.left_out.values())) == ((), {Why.HAS_ONE})
    assert ask(place, store, wanted(IDS)).written == []
    assert rows(place) == made
    assert len(ask(place, store, wanted(IDS, practice="calls:1")).written) == 7, "another step is another task"


def test_closed_missing_and_unowned_deals_get_none_and_others_whoever_owns_them_now(place, store):
    said = {"D1": DealNow("U9", is_closed=True), "D2": None, "D3": DealNow(None), "D4": DealNow("U5")}
    seen = looked_at(Place(place, said), store, wanted(IDS))
    assert seen.left_out == {"D1": Why.CLOSED, "D2": Why.MISSING, "D3": Why.UNOWNED}
    owners = {one.after["opportunity_id"]: one.after["owner_id"] for one in seen.plan.changes}
    assert owners == {"D0": "U9", "D4": "U5", "D5": "U9", "D6": "U9"}
    assert looked_at(place, store, wanted(["D0"], owner=None)).left_out == {"D0": Why.UNOWNED}
    assert looked_at(place, store, []).plan.changes == ()


def test_what_people_did_stands_and_undo_takes_only_what_nobody_touched(place, store):
    done = ask(place, store, wanted(IDS))
    change(place, "D0", status=COMPLETED)
    change(place, "D1", due="2027-01-01")
    with place._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM dealcast_tasks WHERE opportunity_id = 'D2'")
    seen = looked_at(place, store, wanted(IDS))
    assert seen.plan.changes == ()
    assert [seen.left_out[one] for one in IDS[:3]] == [Why.DONE, Why.HAS_ONE, Why.DELETED]
    back = undo_looked_at(place, store, done.run_id)
    assert {(kept.field, kept.now) for kept in back.kept} == {("status", COMPLETED), ("due", "2027-01-01")}
    assert (len(back.changes), back.unchanged) == (4, 1)
    assert undo(place, store, done.run_id).whole
    assert sorted(rows(place)) == ["D0", "D1"]
    assert rows(place)["D1"]["subject"] is not None, "a task is left alone as a whole"
    later = looked_at(place, store, wanted(IDS))
    assert later.left_out == {"D0": Why.DONE, "D1": Why.HAS_ONE, "D2": Why.DELETED}
    assert [one.after["opportunity_id"] for one in later.plan.changes] != []


def test_an_undo_can_be_taken_back(place, store):
    done = ask(place, store, wanted(IDS))
    made = rows(place)
    back = undo(place, store, done.run_id)
    assert rows(place) == {}
    assert undo(place, store, back.run_id).whole
    assert rows(place) == made
    assert looked_at(place, store, wanted(IDS)).plan.changes == ()


def test_only_what_was_looked_at(place, store):
    seen = looked_at(place, store, wanted(IDS)).plan
    with pytest.raises(DataRefused, match="nothing was written"):
        ask(place, store, wanted(IDS[:3]), seen.hash)
    assert rows(place) == {}
    assert looked_at(place, store, list(reversed(wanted(IDS)))).plan.hash == seen.hash
    assert looked_at(place, store, wanted(IDS), date(2026, 12, 1)).plan.hash != seen.hash


def test_answers_and_tasks_of_one_sink_do_not_mix(sink, place, store):
    assert place.address != sink.address
    ask(place, store, wanted(IDS))
    assert store.standing_at(sink.address) == frozenset()
    assert len(store.standing_at(place.address)) == 7


def test_a_sink_that_cannot_hold_tasks_says_so():
    memory = MemorySink.of(IDS)
    assert not isinstance(memory, HoldsTasks)
    with pytest.raises(WrongUse, match="the sink 'memory' cannot hold tasks"):
        tasks_of(memory)
