"""A letter made fit for any channel: each text one line that stays where it is put, each link one that can be followed.

What stands in a letter comes out of a CRM, where anybody may have typed anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from serving.digest.letter import Entry, Letter, Section
from serving.digest.links import is_link

# Line ends and control characters of any kind, and marks that turn or hide what stands behind them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]+")
_BLANKS = re.compile(" {2,}")
NO_SUBJECT = "Dealcast"


def tidy(letter: Letter) -> Letter:
    """The same letter in tidy texts; what holds nothing then is left out. Tidying it again changes nothing."""
    sections = (
        Section(
            tidied(section.title),
            tuple(entry for given in section.entries if (entry := _entry(given)) is not None),
            _told(section.says),
        )
        for section in letter.sections
    )
    return replace(
        letter,
        subject=tidied(letter.subject) or NO_SUBJECT,
        lead=tidied(letter.lead),
        sections=tuple(section for section in sections if section.title or section.entries or section.says),
        foot=_told(letter.foot),
        link=_link(letter.link),
    )


def tidied(text: str) -> str:
    """A text in one line, without what cannot be seen; no-break spaces within it stay."""
    return _BLANKS.sub(" ", _UNSEEN.sub(" ", text)).strip()


def _entry(given: Entry) -> Entry | None:
    entry = Entry(tidied(given.title), _told(given.lines), _link(given.link))
    return entry if entry.title or entry.lines else None


def _told(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for text in texts if (line := tidied(text)))


def _link(link: str | None) -> str | None:
    return link if link is not None and is_link(link) else None
