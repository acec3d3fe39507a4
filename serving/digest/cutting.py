"""A letter that is too long for a channel, cut at whole entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from serving.digest.letter import Letter, Section
from serving.digest.tidy import tidy

Form = TypeVar("Form")


@dataclass(frozen=True)
class Cut:
    """A tidy letter, or as much of it as a channel takes.

    :param more: how many entries were left out behind the last one.
    """

    letter: Letter
    more: int = 0

    @property
    def says_more(self) -> str:
        """What is said in the place of the entries that are left out; empty where there are none."""
        return f"and {self.more:,} more" if self.more else ""


def fitted(letter: Letter, form: Callable[[Cut], Form], fits: Callable[[Form], bool]) -> Form | None:
    """A letter in the longest form that fits: with as many whole entries as can be had, the first ones first.

    Where it does not fit without any entry either, sections and then the foot are left out; None where even the one
    sentence on top is too long.
    """
    whole = tidy(letter)
    number = sum(len(section.entries) for section in whole.sections)
    found: Form | None = None
    low, high, tried = 0, number, number
    while low <= high:
        made = form(_first(whole, tried, number))
        if fits(made):
            found, low = made, tried + 1
        else:
            high = tried - 1
        tried = (low + high) // 2
    if found is not None:
        return found
    made_bare = (
        form(Cut(bare, number)) for bare in (replace(whole, sections=()), replace(whole, sections=(), foot=()))
    )
    return next((made for made in made_bare if fits(made)), None)


def _first(letter: Letter, entries: int, number: int) -> Cut:
    return Cut(replace(letter, sections=tuple(_sections(letter, entries))), number - entries)


def _sections(letter: Letter, left: int) -> Iterator[Section]:
    """Sections with the first entries; one that loses all of them keeps its place only for what it says itself."""
    for section in letter.sections:
        kept = section.entries[: max(0, left)]
        left -= len(section.entries)
        if kept or section.says or not section.entries:
            yield replace(section, entries=kept)
