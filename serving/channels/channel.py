"""What a channel that carries letters can do; who gets which, and that nobody gets two, is none of its business."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from serving.digest.letter import Letter, Person


class Fate(StrEnum):
    """What became of a letter that was to be sent."""

    SENT = "sent"  # the channel's server has taken it
    REFUSED = "refused"  # it has certainly not been delivered
    UNCLEAR = "unclear"  # no answer that tells: it may have been delivered


@dataclass(frozen=True)
class Outcome:
    """What a channel answered for one letter.

    :param said: in the channel's words, without anything secret.
    :param for_all: the channel itself cannot be had now: to go on with others would change nothing.
    """

    fate: Fate
    said: str = ""
    for_all: bool = False


class Channel(Protocol):
    """A way by which letters reach people."""

    @property
    def name(self) -> str:
        """What it is called in the configuration."""

    @property
    def address(self) -> str:
        """Where it is, without anything secret."""

    def check(self) -> None:
        """:raises WrongUse: where it lacks something without which nothing can be sent."""

    def reaches(self, person: Person) -> str | None:
        """The place at which a person is reached, as it may be shown; None where there is none."""

    def send(self, letter: Letter, person: Person) -> Outcome:
        """Send one letter to whom it reaches, at most once. A failure is an outcome, never an error."""
