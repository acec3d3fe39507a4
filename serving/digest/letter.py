"""A letter: what a digest tells one person, before any channel gives it its form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Which digest: a rep's of the morning, or a manager's of the week."""

    MORNING = "morning"
    WEEKLY = "weekly"


@dataclass(frozen=True)
class Entry:
    """One deal, as a rule.

    :param title: the deal in a line: name, account, stage, amount.
    :param lines: what moved and what to do, three at most, each a sentence.
    :param link: where it can be seen, http or https only.
    """

    title: str
    lines: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True)
class Section:
    """A heading, what it says of itself, and its entries in order."""

    title: str
    entries: tuple[Entry, ...] = ()
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A whole letter in plain words; nothing in it is marked up.

    :param lead: the one sentence on top: what changed.
    :param foot: as of when, and how it is computed.
    :param link: the list or the team page, http or https only.
    """

    subject: str
    lead: str
    sections: tuple[Section, ...]
    foot: tuple[str, ...] = ()
    link: str | None = None


@dataclass(frozen=True)
class Person:
    """Who gets a letter: a user of the CRM, with the address that the CRM or the configuration has."""

    user_id: str
    name: str
    email: str | None
