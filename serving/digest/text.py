"""A letter as plain text of 78 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from serving.digest.cutting import Cut
from serving.digest.letter import Entry, Section

WIDTH = 78
INDENT = "  "


def as_text(cut: Cut) -> str:
    """The letter without its subject: paragraphs wrapped, links in lines of their own and never broken."""
    letter = cut.letter
    blocks = [_wrapped(letter.lead)]
    for section in letter.sections:
        blocks += _section(section)
    blocks.append(_wrapped(cut.says_more))
    blocks.append([letter.link] if letter.link else [])
    blocks.append([line for text in letter.foot for line in _wrapped(text)])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _section(section: Section) -> Iterator[list[str]]:
    says = [line for text in section.says for line in _wrapped(text)]
    if section.title:
        title = _wrapped(section.title)
        yield [*title, "=" * max(map(len, title)), *says]
    else:
        yield says
    for entry in section.entries:
        yield list(_entry(entry))


def _entry(entry: Entry) -> Iterator[str]:
    yield from _wrapped(entry.title)
    for text in entry.lines:
        yield from _wrapped(text, INDENT)
    if entry.link:
        yield INDENT + entry.link


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True
    )
