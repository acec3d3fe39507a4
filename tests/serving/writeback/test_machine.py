"""Plans, faults, kills, other people, reruns and undo in any order: nothing lost, nothing foreign touched."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crm.errors import DataRefused
from serving.store import Store
from serving.store_writeback import Progress
from serving.writeback.fields import BY_NAME, NOTHING
from tests.serving.writeback.memory import Killed, MemorySink, answers
from tests.serving.writeback.works import apply, looked_at, undo, undo_looked_at

IDS = [f"D{number}" for number in range(7)]
FAULTS = st.lists(
    st.one_of(
        st.sampled_from(["", "fail", "lost", "late", "silent", "down"]),
        st.dictionaries(st.sampled_from(IDS), st.sampled_from(["fail", "lost", "late", "silent"])),
    ),
    max_size=4,
)


class Doomed:
    """Hands on to something else, and is killed before or after one of the calls."""

    def __init__(self, real: Any, moment: list[int]) -> None:
        self._real, self._moment = real, moment

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._mortal(found) if name in ("write", "mark", "begin_writeback", "finish_writeback") else found

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self._tick()
            answer = call(*given, **named)
            self._tick()
            return answer

        return called

    def _tick(self) -> None:
        self._moment[0] -= 1
        if self._moment[0] == 0:
            raise Killed


class WriteBacks(RuleBasedStateMachine):
    """What people, the network and the operator do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self._folder.name) / 'store.db'}")
        self.sink = MemorySink.of(IDS)
        self.theirs = {one: f"of {one}" for one in IDS}
        self.number, self.confirmed = 1, ""

    def teardown(self) -> None:
        self.store._engine.dispose()
        self._folder.cleanup()

    @property
    def wanted(self) -> dict[str, Any]:
        return answers(self.number, IDS)

    @rule(number=st.integers(1, 4))
    def score(self, number: int) -> None:
        self.number = number

    @rule()
    def look(self) -> None:
        self.confirmed = looked_at(self.sink, self.wanted).hash

    @rule(one=st.sampled_from(IDS), grade=st.sampled_from(["X", None]))
    def somebody_changes_our_field(self, one: str, grade: str | None) -> None:
        if one in self.sink.records:
            self.sink.records[one]["grade"] = grade

    @rule(one=st.sampled_from(IDS))
    def somebody_changes_a_field_of_theirs(self, one: str) -> None:
        if one in self.sink.records:
            self.sink.records[one]["theirs"] = self.theirs[one] = f"{self.theirs[one]}!"

    @rule(one=st.sampled_from(IDS))
    def somebody_deletes_a_record(self, one: str) -> None:
        self.sink.records.pop(one, None)

    @rule(faults=FAULTS)
    def write(self, faults: list[Any]) -> None:
        """Written is what was confirmed, or nothing."""
        before, plan = self.sink.ours(), looked_at(self.sink, self.wanted)
        self.sink.faults = copy.deepcopy(faults)
        try:
            done = apply(self.sink, self.store, self.wanted, self.confirmed)
        except DataRefused:
            assert self.sink.ours() == before
            return
        finally:
            self.sink.faults = []
        if done.whole:
            assert self.sink.ours() == {one: self.wanted[one] if one in _ids(plan) else before[one] for one in before}
            sent = self.sink.sent
            assert apply(self.sink, self.store, self.wanted, self.confirmed).whole
            assert self.sink.sent == sent, "a rerun writes nothing"
        told = {*done.written, *done.failed, *done.left, *done.unprocessed}
        assert told == _ids(plan)
        assert all(self.sink.ours()[one] == self.wanted[one] for one in done.written)

    @rule(moment=st.integers(1, 20), look_first=st.booleans())
    def killed_while_writing(self, moment: int, look_first: bool) -> None:
        if look_first:
            self.look()
        before = self.sink.ours()
        left = [moment]
        with suppress(Killed, DataRefused):
            apply(Doomed(self.sink, left), Doomed(self.store, left), self.wanted, self.confirmed)
        for one, values in self.sink.ours().items():
            assert values in (before[one], {**before[one], **self.wanted[one]}), "the old or the new, no mixture"

    @precondition(lambda self: self.store.writebacks())
    @rule(data=st.data(), moment=st.integers(0, 20))
    def take_back(self, data: st.DataObject, moment: int) -> None:
        runs = [run["run_id"] for run in self.store.writebacks()]
        run = data.draw(st.sampled_from(runs))
        before, left = self.sink.ours(), [moment]
        plan = undo_looked_at(self.sink, self.store, run)
        with suppress(Killed, DataRefused):
            undo(Doomed(self.sink, left), Doomed(self.store, left), run, plan.hash)
        known = self.store.written(run, Progress.WRITTEN, Progress.SENT)
        for one, values in self.sink.ours().items():
            for name, value in values.items():
                if value != before[one][name]:
                    assert before[one][name] == known[one].after[name], "only what is still ours is put back"
                    assert value == known[one].before[name]

    @invariant()
    def nothing_of_others_is_touched(self) -> None:
        for one, record in self.sink.records.items():
            assert record["theirs"] == self.theirs[one]
            assert set(record) == {*BY_NAME, "theirs"}

    @invariant()
    def the_journal_knows_what_was_there_before(self) -> None:
        """Whatever of ours stands in a record was kept with its before-image by some run."""
        put = [self.store.written(run["run_id"]) for run in self.store.writebacks()]
        for one, values in self.sink.ours().items():
            for name in ("score", "reasons"):
                if values[name] != NOTHING[name]:
                    assert any(one in run and name in run[one].after for run in put)


def _ids(plan: Any) -> set[str]:
    return {change.record_id for change in plan.changes}


WriteBacks.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWriteBacks = pytest.mark.filterwarnings("ignore")(WriteBacks.TestCase)
