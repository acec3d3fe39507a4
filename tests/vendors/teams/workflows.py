"""Webhooks of Microsoft Teams' Workflows (Power Automate) on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.vendors.webhooks import Answer, Traffic, parsed

CARD = "application/vnd.microsoft.card.adaptive"
LARGEST = 28 * 1024
_JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass
class Workflows:
    """:param flows: the flows that there are, and what each has posted; :param lost: what Teams did not take after all.

    A flow answers before it posts: what it was started with and Teams refuses is in `lost`, and nobody is told.
    """

    flows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)

    def hook(self, number: int = 1) -> str:
        """The secret address of a new flow; the server has to run."""
        flow = f"{number:032x}"
        self.flows[flow] = []
        path = f"/powerautomate/automations/direct/workflows/{flow}/triggers/manual/paths/invoke"
        return f"{self.traffic.url}{path}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s3cr3tOfFlow{number}"

    def answer(self, target: str, content_type: str, body: bytes) -> Answer:
        url = urlsplit(target)
        flow = url.path.partition("/workflows/")[2].partition("/")[0]
        if flow not in self.flows:
            return _error(404, "WorkflowNotFound", f"The workflow '{flow}' could not be found.")
        if parse_qs(url.query).get("sig") != [f"s3cr3tOfFlow{int(flow, 16)}"]:
            return _error(401, "DirectApiAuthorizationRequired", "The request must be authenticated.")
        if flow in self.off:
            return _error(400, "WorkflowTriggerIsNotEnabled", f"The trigger of '{flow}' is not enabled.")
        message = parsed(body)
        if not isinstance(message, dict) or message.get("type") != "message":
            return _error(400, "TriggerInputSchemaMismatch", "The input body does not match its schema.")
        for attachment in message.get("attachments") or [{}]:
            self._post(flow, attachment)
        return 202, "", {}

    def _post(self, flow: str, attachment: dict[str, Any]) -> None:
        card = attachment.get("content")
        if attachment.get("contentType") != CARD or not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
            self.lost.append("no card")
        elif len(json.dumps(json.dumps(card))) > LARGEST:
            self.lost.append("MessageSizeExceeded")
        elif not card.get("body") or not all(_is_element(element) for element in card["body"]):
            self.lost.append("InvalidCard")
        else:
            self.flows[flow].append(card)


def shown(card: dict[str, Any]) -> list[str]:
    """The lines that people see."""
    return [run["text"] for element in card["body"] for run in element["inlines"]]


def links(card: dict[str, Any]) -> list[str]:
    """Where people can go from it."""
    runs = [run for element in card["body"] for run in element["inlines"] if "selectAction" in run]
    return [run["selectAction"]["url"] for run in runs] + [action["url"] for action in card.get("actions", [])]


def read_as_markdown(card: dict[str, Any]) -> list[str]:
    """Texts that Teams reads as Markdown: those of text blocks."""
    return [element["text"] for element in card["body"] if element["type"] == "TextBlock"]


def _is_element(element: dict[str, Any]) -> bool:
    if element.get("type") == "TextBlock":
        return bool(element.get("text"))
    runs = element.get("inlines") or [{}]
    return element.get("type") == "RichTextBlock" and all(
        run.get("type") == "TextRun" and bool(run.get("text")) and "\n" not in run["text"] for run in runs
    )


def _error(status: int, code: str, message: str) -> Answer:
    return status, json.dumps({"error": {"code": code, "message": message}}), _JSON
