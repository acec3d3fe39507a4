"""The channel "slack": letters to Slack, by incoming webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from serving.channels.webhooks import Product, webhook_kind
from serving.digest.cutting import Cut
from serving.digest.letter import Entry, Section
from serving.digest.tidy import tidied

WEBHOOKS = "SLACK_WEBHOOKS"
BLOCKS, SECTION, HEADER, CONTEXT = 50, 3_000, 150, 10
"""What Slack takes: blocks a message, characters a block and a header, lines of a context."""
IN_ALL = 12_000
"""Characters of a message; longer ones are refused or folded up."""

Block = Mapping[str, Any]


@dataclass(frozen=True)
class SlackSettings:
    """What [channels.NAME] says of Slack: nothing; who is reached where says a secret."""


def as_message(cut: Cut, whom: str = "") -> dict[str, Any]:
    """The letter in blocks of rich text, whose texts Slack takes as they are and never reads as markup.

    :param whom: whose letter it is, where others read it, too.
    """
    letter = cut.letter
    blocks = [*_subject(letter.subject), *_rich(_bold(tidied(f"For {whom}")) if whom else None, _text(letter.lead))]
    for section in letter.sections:
        blocks += _section(section)
    blocks += _rich(_text(cut.says_more), _link(letter.link, "See all in Dealcast"))
    for first in range(0, len(letter.foot), CONTEXT):
        foot = letter.foot[first : first + CONTEXT]
        blocks.append({"type": "context", "elements": [_plain(text) for text in foot]})
    return {"text": escaped(letter.subject), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def fits(message: Mapping[str, Any]) -> bool:
    """Whether Slack takes as many blocks and characters."""
    sizes = [_size(block) for block in message["blocks"]]
    return len(sizes) <= BLOCKS and max(sizes) <= SECTION and sum(sizes) <= IN_ALL


def escaped(text: str) -> str:
    """A text for where Slack reads markup: what would be a link, a channel or a person's name is none."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _subject(subject: str) -> Iterator[Block]:
    if len(subject) <= HEADER:
        yield {"type": "header", "text": _plain(subject)}
    else:
        yield from _rich(_bold(subject))


def _section(section: Section) -> Iterator[Block]:
    yield from _rich(_bold(section.title), *(_text(text) for text in section.says))
    for entry in section.entries:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[Block]:
    title = _link(entry.link, entry.title or "Open", bold=True) if entry.link else _bold(entry.title)
    yield from _rich(title, *(_text(text) for text in entry.lines))


def _rich(*lines: Block | None) -> Iterator[Block]:
    """A block of lines; none where all of them are empty."""
    given = [line for line in lines if line is not None]
    if given:
        apart = [part for line in given for part in ({"type": "text", "text": "\n"}, line)][1:]
        yield {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": apart}]}


def _text(text: str) -> Block | None:
    return {"type": "text", "text": text} if text else None


def _bold(text: str) -> Block | None:
    return {"type": "text", "text": text, "style": {"bold": True}} if text else None


def _link(link: str | None, text: str, bold: bool = False) -> Block | None:
    if link is None:
        return None
    return {"type": "link", "url": link, "text": text, **({"style": {"bold": True}} if bold else {})}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _size(block: Block) -> int:
    """The characters of a block's texts and links."""
    if block["type"] == "header":
        return len(block["text"]["text"])
    parts = block["elements"] if block["type"] == "context" else block["elements"][0]["elements"]
    return sum(len(part["text"]) + len(part.get("url", "")) for part in parts)


def _words(answer: requests.Response) -> str:
    """Slack's one word: "ok", "no_service", "invalid_payload"."""
    return answer.text[:200]


KIND = webhook_kind(Product("slack", WEBHOOKS, as_message, fits, _words), SlackSettings)
