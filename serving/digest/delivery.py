"""Letters on their way: one message a person a day at most, and none in quiet hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from crm.clock import time_zone
from serving.channels.channel import Channel, Outcome
from serving.digest.letter import Kind, Letter, Person
from serving.digest.tidy import tidy
from serving.digest.wishes import DigestWishes
from serving.store_messages import MessageStore, Progress


class Became(StrEnum):
    """What became of the letter that a person was due."""

    SENT = "sent"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    HAD = "had one today"
    NOTHING = "nothing to say"
    QUIET = "quiet hours"
    UNREACHED = "not reached"


@dataclass(frozen=True)
class Due:
    """A letter that a person is due; it is written once it can be sent.

    :param write: the letter; None where there is nothing to say.
    """

    person: Person
    kind: Kind
    channel: Channel
    write: Callable[[], Letter | None]


@dataclass(frozen=True)
class Delivered:
    """What became of a letter.

    :param place: where the person is reached, as it may be shown.
    :param said: what the channel answered, or why nothing was sent.
    """

    person: Person
    kind: Kind
    channel: str
    became: Became
    place: str | None = None
    subject: str | None = None
    said: str = ""


@dataclass(frozen=True)
class Delivery:
    """How letters of one day are delivered.

    :param day: the day in the company's zone; :param clock: this instant.
    """

    store: MessageStore
    wishes: DigestWishes
    zone: str
    day: date
    author: str
    clock: Callable[[], datetime]

    def deliver(self, letters: Iterable[Due]) -> Iterator[Delivered]:
        """Send what can be sent, one after the other; a channel that cannot be had is not tried for each of them."""
        had, down = self.store.messages(self.day), dict[str, Outcome]()
        for due in letters:
            place = due.channel.reaches(due.person)
            if place is None:
                yield _told(due, Became.UNREACHED, said=f"no place by the channel {due.channel.name}")
            elif (row := had.get(due.person.user_id)) is not None and row["progress"] != Progress.REFUSED:
                yield _told(due, Became.HAD, place, said=_what_was_had(row["progress"]))
            elif (why := self._why_not_now()) is not None:
                yield _told(due, Became.QUIET, place, said=why)
            elif (lost := down.get(due.channel.name)) is not None:
                yield _told(due, Became.REFUSED, place, said=lost.said)
            else:
                told, outcome = self._one(due, place)
                if outcome is not None and outcome.for_all:
                    down[due.channel.name] = outcome
                yield told

    def _one(self, due: Due, place: str) -> tuple[Delivered, Outcome | None]:
        """Written, claimed, sent, marked: what is claimed and not marked is never sent again on that day."""
        written = due.write()
        if written is None:
            return _told(due, Became.NOTHING, place), None
        letter = tidy(written)
        claim = {"user_id": due.person.user_id, "day": self.day, "kind": due.kind, "channel": due.channel.name}
        claim |= {"place": place, "subject": letter.subject, "author": self.author}
        if not self.store.claim_message(claim):
            return _told(due, Became.HAD, place, letter.subject, "another run has just sent it"), None
        outcome = due.channel.send(letter, due.person)
        self.store.mark_message(due.person.user_id, self.day, Progress(outcome.fate), outcome.said)
        return _told(due, Became(outcome.fate), place, letter.subject, outcome.said), outcome

    def _why_not_now(self) -> str | None:
        now = self.clock()
        if now.astimezone(time_zone(self.zone)).date() != self.day:
            return "the day is over"
        if self.wishes.is_quiet(now, self.zone):
            return f"nobody gets anything from {self.wishes.quiet_from} to {self.wishes.quiet_until}"
        return None


def _what_was_had(progress: str) -> str:
    """A message that may have been delivered is never sent again on its day; that is said."""
    if progress == Progress.SENT:
        return ""
    return "what became of it is not known; it is not sent twice"


def _told(due: Due, became: Became, place: str | None = None, subject: str | None = None, said: str = "") -> Delivered:
    return Delivered(due.person, due.kind, due.channel.name, became, place, subject, said)
