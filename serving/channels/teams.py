"""The channel "teams": letters to Microsoft Teams, by webhooks of its Workflows (Power Automate)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from serving.channels.webhooks import Product, webhook_kind
from serving.digest.cutting import Cut
from serving.digest.letter import Entry, Section
from serving.digest.tidy import tidied

WEBHOOKS = "TEAMS_WEBHOOKS"
LARGEST, RESERVED = 28 * 1024, 4 * 1024
"""Bytes of a message, and how many of them what Teams adds may take."""

Element = Mapping[str, Any]


@dataclass(frozen=True)
class TeamsSettings:
    """What [channels.NAME] says of Microsoft Teams: nothing; who is reached where says a secret."""


def as_message(cut: Cut, whom: str = "") -> dict[str, Any]:
    """The letter as an Adaptive Card of text runs, which Teams takes as they are and never reads as Markdown.

    :param whom: whose letter it is, where others read it, too.
    """
    letter = cut.letter
    body: list[Element] = [_lines(_run(letter.subject, size="Large", weight="Bolder"))]
    if whom:
        body.append(_lines(_run(tidied(f"For {whom}"), weight="Bolder")))
    body += _paragraphs(letter.lead)
    for section in letter.sections:
        body += _section(section)
    body += _paragraphs(cut.says_more)
    body += [_lines(_run(text, isSubtle=True, size="Small")) for text in letter.foot]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if letter.link:
        card["actions"] = [_opens(letter.link, "See all in Dealcast")]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def fits(message: Mapping[str, Any]) -> bool:
    """Whether Teams takes it: the card is kept as text within the message, with its quotes escaped once more."""
    card = json.dumps(message["attachments"][0]["content"])
    return len(json.dumps(card)) <= LARGEST - RESERVED


def _section(section: Section) -> Iterator[Element]:
    if section.title:
        yield {**_lines(_run(section.title, weight="Bolder")), "separator": True, "spacing": "Large"}
    yield from _paragraphs(*section.says)
    for entry in section.entries:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[Element]:
    """Each line is a block of its own: a run has no line ends."""
    if entry.title or entry.link:
        title = _run(entry.title or "Open", weight="Bolder")
        yield _lines({**title, "selectAction": _opens(entry.link)} if entry.link else title)
    for text in entry.lines:
        yield {**_lines(_run(text)), "spacing": "None"}


def _paragraphs(*texts: str) -> Iterator[Element]:
    for text in texts:
        if text:
            yield _lines(_run(text))


def _lines(run: Element) -> Element:
    return {"type": "RichTextBlock", "inlines": [run]}


def _run(text: str, **style: Any) -> Element:
    return {"type": "TextRun", "text": text, **style}


def _opens(link: str, title: str | None = None) -> Element:
    return {"type": "Action.OpenUrl", "url": link, **({"title": title} if title else {})}


def _words(answer: requests.Response) -> str:
    """The code and the sentence of an error; nothing where there are none."""
    try:
        error = answer.json().get("error")
        return f"{error.get('code', '')}: {error.get('message', '')}"
    except (ValueError, AttributeError):
        return ""


KIND = webhook_kind(Product("teams", WEBHOOKS, as_message, fits, _words), TeamsSettings)
