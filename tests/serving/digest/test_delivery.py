"""Delivery: one message a person a day at most, none in quiet hours, and what became of each."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.channels.channel import Fate, Outcome
from serving.digest.delivery import Delivery, Due
from serving.digest.letter import Kind, Letter, Person
from serving.digest.wishes import DigestWishes
from serving.store import Store
from serving.store_messages import Progress

DAY, NOON = date(2026, 11, 23), datetime(2026, 11, 23, 12, tzinfo=UTC)
PEOPLE = tuple(Person(f"u{number}", f"Person {number}", f"u{number}@example.com") for number in range(5))
LETTER = Letter("Sub\r\nject", "lead", ())


@dataclass
class Postbox:
    """A channel that keeps what it is sent in a file, which several processes may share."""

    path: Path
    name: str = "box"
    answers: list[Outcome] = field(default_factory=list)
    address: str = "box"

    def check(self) -> None:
        pass

    def reaches(self, person: Person) -> str | None:
        return person.email

    def send(self, letter: Letter, person: Person) -> Outcome:
        with self.path.open("a") as file:
            file.write(f"{person.user_id}\n")
        return self.answers.pop(0) if self.answers else Outcome(Fate.SENT, "250 taken")

    @property
    def sent(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []


@pytest.fixture
def box(tmp_path) -> Postbox:
    return Postbox(tmp_path / "sent")


@pytest.fixture
def store(store_url) -> Store:
    return Store(store_url)


def due(box, people=PEOPLE, kind=Kind.MORNING, write=lambda: LETTER):
    return [Due(person, kind, box, write) for person in people]


def deliver(store, letters, clock=lambda: NOON, **wishes):
    delivery = Delivery(store, DigestWishes(**wishes), "UTC", DAY, "ada", clock)
    return list(delivery.deliver(letters))


def became(delivered):
    return [str(one.became) for one in delivered]


def test_each_gets_one_and_what_became_of_it_is_kept(store, box):
    told = deliver(store, due(box))
    assert became(told) == ["sent"] * 5
    assert box.sent == [person.user_id for person in PEOPLE]
    assert (told[0].place, told[0].subject, told[0].said) == ("u0@example.com", "Sub ject", "250 taken")
    row = store.messages(DAY)["u0"]
    assert row["claimed_at"] > datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)
    del row["claimed_at"]
    assert row == {
        "user_id": "u0", "day": DAY, "kind": "morning", "channel": "box", "place": "u0@example.com",
        "subject": "Sub ject", "progress": "sent", "said": "250 taken", "author": "ada",
    }  # fmt: skip


def test_a_second_run_of_the_day_sends_nothing_by_whatever_kind_or_channel(store, box, tmp_path):
    deliver(store, due(box, PEOPLE[:3]))
    other = Postbox(tmp_path / "other", "other")
    told = deliver(store, due(other, kind=Kind.WEEKLY))
    assert became(told) == ["had one today"] * 3 + ["sent"] * 2
    assert other.sent == ["u3", "u4"]
    tomorrow = Delivery(store, DigestWishes(), "UTC", DAY + timedelta(days=1), "ada", lambda: NOON + timedelta(days=1))
    assert became(tomorrow.deliver(due(box))) == ["sent"] * 5


def test_what_was_refused_is_tried_again_and_what_is_unclear_is_not(store, box):
    box.answers = [Outcome(Fate.REFUSED, "450 later"), Outcome(Fate.UNCLEAR, "no answer")]
    assert became(deliver(store, due(box, PEOPLE[:2]))) == ["refused", "unclear"]
    assert [row["progress"] for row in store.messages(DAY).values()] == ["refused", "unclear"]
    again = deliver(store, due(box, PEOPLE[:2]))
    assert became(again) == ["sent", "had one today"]
    assert "not sent twice" in again[1].said
    assert box.sent == ["u0", "u1", "u0"]
    assert store.messages(DAY)["u0"]["said"] == "250 taken"


def test_who_has_nothing_to_be_told_or_no_place_takes_no_claim(store, box):
    nowhere = Person("u9", "Nobody", None)
    told = deliver(store, [*due(box, [nowhere]), *due(box, PEOPLE[:1], write=lambda: None), *due(box, PEOPLE[1:2])])
    assert became(told) == ["not reached", "nothing to say", "sent"]
    assert list(store.messages(DAY)) == ["u1"]


def test_letters_are_written_only_for_those_who_get_them(store, box):
    deliver(store, due(box, PEOPLE[:1]))

    def never():
        raise AssertionError

    assert became(deliver(store, due(box, PEOPLE[:1], write=never))) == ["had one today"]
    night = NOON.replace(hour=3)
    assert became(deliver(store, due(box, PEOPLE[1:2], write=never), lambda: night)) == ["quiet hours"]


def test_quiet_hours_that_begin_during_a_run_stop_it_and_a_later_run_goes_on(store, box):
    clock = iter([NOON.replace(hour=18, minute=minute) for minute in (58, 59)])
    told = deliver(store, due(box), lambda: next(clock, NOON.replace(hour=19)))
    assert became(told) == ["sent"] * 2 + ["quiet hours"] * 3
    assert told[-1].said == "nobody gets anything from 19:00 to 07:00"
    assert became(deliver(store, due(box), quiet_from="21:00")) == ["had one today"] * 2 + ["sent"] * 3
    assert box.sent == [person.user_id for person in PEOPLE]


def test_a_run_that_comes_into_the_next_day_stops(store, box):
    clock = iter([NOON])
    told = deliver(
        store, due(box), lambda: next(clock, NOON + timedelta(hours=12)), quiet_from="01:00", quiet_until="01:00"
    )
    assert became(told) == ["sent"] + ["quiet hours"] * 4
    assert told[-1].said == "the day is over"


def test_a_channel_that_cannot_be_had_is_not_tried_for_each(store, box, tmp_path):
    box.answers = [Outcome(Fate.SENT), Outcome(Fate.REFUSED, "535 wrong password", for_all=True)]
    other = Postbox(tmp_path / "other", "other")
    told = deliver(store, [*due(box, PEOPLE[:4]), *due(other, PEOPLE[4:])])
    assert became(told) == ["sent", "refused", "refused", "refused", "sent"]
    assert [one.said for one in told[1:4]] == ["535 wrong password"] * 3
    assert box.sent == ["u0", "u1"], "a password that is refused again and again locks the account"
    assert became(deliver(store, due(box))) == ["had one today", "sent", "sent", "sent", "had one today"]


def test_two_at_once_never_send_two(store_url, box):
    """Threads with stores of their own, all of them starting with each letter at the same moment."""
    runners, together = 4, threading.Barrier(4)
    people = [Person(f"p{number}", "P", "p@example.com") for number in range(25)]
    Store(store_url)

    def run():
        def write():
            together.wait(timeout=20)
            return LETTER

        store = Store(store_url)
        for person in people:
            deliver(store, due(box, [person], write=write))

    lock = threading.Lock()
    send = box.send
    box.send = lambda letter, person: _locked(lock, send, letter, person)
    threads = [threading.Thread(target=_quietly, args=(run,)) for _ in range(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(box.sent) == sorted(set(box.sent)), "never two"
    assert len(box.sent) >= 1
    deliver(Store(store_url), due(box, people))
    assert sorted(box.sent) == sorted(person.user_id for person in people), "and nobody is forgotten"


def _quietly(run):
    """A runner that finds a message already had comes no more to the others' meeting, which ends it for all."""
    with contextlib.suppress(threading.BrokenBarrierError):
        run()


def _locked(lock, send, letter, person):
    with lock:
        return send(letter, person)


MOMENTS = ("before the claim", "after the claim", "after sending", "after marking")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_at_any_moment_nobody_gets_two(kind, moment, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'store.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    Store(url)._engine.dispose()
    box = Postbox(tmp_path / "sent")
    _killed(url, box, moment)
    store = Store(url)
    first = box.sent
    told = deliver(store, due(box))
    assert sorted(set(box.sent)) == sorted(box.sent), "never two"
    lost = {"before the claim": [], "after the claim": ["u0"], "after sending": [], "after marking": []}[moment]
    assert sorted(box.sent) == [person.user_id for person in PEOPLE if person.user_id not in lost]
    had = {"before the claim": 0}.get(moment, 1)
    assert became(told) == ["had one today"] * had + ["sent"] * (5 - had)
    assert first == ([] if "claim" in moment else ["u0"])
    if moment in MOMENTS[1:3]:
        assert store.messages(DAY)["u0"]["progress"] == Progress.CLAIMED
        assert "not known" in told[0].said


def _killed(url, box, moment):
    """A sender in a process of its own that is killed with the first letter, by kill -9."""
    child = os.fork()
    if child == 0:
        try:
            _die_at(moment, box)
            deliver(Store(url), due(box))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def _die_at(moment, box):
    def die(*_given):
        os.kill(os.getpid(), signal.SIGKILL)

    def at_statement(_connection, _cursor, statement, *_given):
        if moment == "before the claim" and statement.startswith(("UPDATE messages", "INSERT INTO messages")):
            die()

    sa.event.listen(sa.Engine, "before_cursor_execute", at_statement)
    send = box.send
    if moment == "after the claim":
        box.send = die
    elif moment == "after sending":
        box.send = lambda letter, person: die(send(letter, person))
    elif moment == "after marking":
        mark = Store.mark_message
        Store.mark_message = lambda *given: die(mark(*given))


def test_several_processes_at_once_never_send_two(store_url, box):
    Store(store_url)._engine.dispose()
    people = [Person(f"p{number}", "P", "p@example.com") for number in range(40)]
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                deliver(Store(store_url), due(box, people))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert sorted(box.sent) == sorted(person.user_id for person in people)
