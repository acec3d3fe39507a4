"""A Slack workspace's incoming webhooks on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.webhooks import Answer, Traffic, parsed

TEXT = {"Content-Type": "text/html"}
BLOCKS, SECTION, HEADER, CONTEXT = 50, 3_000, 150, 10
_MARKUP = re.compile(r"<[^>]*>")


@dataclass
class Workspace:
    """:param hooks: the paths that there are, and what is posted there; :param archived: those of closed channels."""

    hooks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    traffic: Traffic = field(default_factory=Traffic)

    def hook(self, number: int = 1) -> str:
        """The secret address of a new webhook; the server has to run."""
        path = f"/services/T0{number:07}/B0{number:07}/s3cr3tOfHook{number:012}"
        self.hooks[path] = []
        return self.traffic.url + path

    def answer(self, target: str, content_type: str, body: bytes) -> Answer:
        if target not in self.hooks:
            return 404, "no_service", TEXT
        if target in self.archived:
            return 410, "channel_is_archived", TEXT
        message = parsed(body)
        if not content_type.startswith("application/json") or not isinstance(message, dict):
            return 400, "invalid_payload", TEXT
        if not message.get("text") and not message.get("blocks"):
            return 400, "no_text", TEXT
        if any(_wrong(message.get("blocks", []))):
            return 400, "invalid_blocks", TEXT
        self.hooks[target].append(message)
        return 200, "ok", TEXT


def shown(message: dict[str, Any]) -> list[str]:
    """The lines that people see."""
    lines = []
    for block in message["blocks"]:
        if block["type"] in ("header", "section"):
            lines.append(block["text"]["text"])
        elif block["type"] == "context":
            lines += [element["text"] for element in block["elements"]]
        else:
            lines += "".join(part["text"] for part in block["elements"][0]["elements"]).split("\n")
    return lines


def links(message: dict[str, Any]) -> list[str]:
    """Where people can go from it."""
    parts = [
        part for block in message["blocks"] if block["type"] == "rich_text" for part in block["elements"][0]["elements"]
    ]
    return [part["url"] for part in parts if part["type"] == "link"]


def markup(message: dict[str, Any]) -> list[str]:
    """What Slack reads as markup: it does so in `text`, and in texts of the type mrkdwn."""
    texts = [message["text"]]
    texts += [b["text"]["text"] for b in message["blocks"] if b["type"] == "section" and b["text"]["type"] == "mrkdwn"]
    return [found for text in texts for found in _MARKUP.findall(text)]


def _wrong(blocks: list[dict[str, Any]]) -> Iterator[bool]:
    yield len(blocks) > BLOCKS
    for block in blocks:
        kind = block.get("type")
        if kind == "header":
            yield block["text"]["type"] != "plain_text" or not 0 < len(block["text"]["text"]) <= HEADER
        elif kind == "section":
            yield not 0 < len(block["text"]["text"]) <= SECTION
        elif kind == "context":
            yield not 0 < len(block["elements"]) <= CONTEXT
            yield any(element["type"] not in ("plain_text", "mrkdwn") for element in block["elements"])
            yield any(not element["text"] for element in block["elements"])
        elif kind == "rich_text":
            yield from _wrong_rich(block)
        else:
            yield True


def _wrong_rich(block: dict[str, Any]) -> Iterator[bool]:
    yield not block["elements"]
    for section in block["elements"]:
        yield section["type"] != "rich_text_section" or not section["elements"]
        for part in section["elements"]:
            yield part["type"] not in ("text", "link") or not part["text"]
            yield part["type"] == "link" and not part["url"].startswith(("https://", "http://"))
