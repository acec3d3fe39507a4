"""HubSpot's API on loopback: the real client library talks to it, and cannot tell."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.vendors.hubspot import faults as f
from tests.vendors.hubspot import reading, writing
from tests.vendors.hubspot.faults import Faults
from tests.vendors.hubspot.limits import Limits
from tests.vendors.hubspot.portal import OBJECT_TYPES, Portal
from tests.vendors.hubspot.problems import Refused, invalid, refused, too_many
from tests.vendors.hubspot.search import search

LONGEST_PATH = 16_000  # beyond it HubSpot's gateway answers 414
ENGAGEMENTS = ("calls", "meetings", "notes", "tasks", "communications")
_OBJECTS = re.compile(r"/crm/v3/objects/(?P<type>[^/]+)(?P<rest>/search|/batch/(?:read|update|create|archive))?$")
_PROPERTIES = re.compile(r"/crm/v3/properties/(?P<type>[^/]+)(?P<groups>/groups)?(/(?P<name>[^/]+))?$")
_LINKS = re.compile(r"/crm/v4/associations/(?P<one>[^/]+)/(?P<other>[^/]+)/batch/read$")


@dataclass
class HubSpot:
    """One account and its front door.

    :param index_lag_ms: how long a change takes until search finds it.
    :param app: the source id that writes of this token's app leave in histories.
    """

    portal: Portal
    limits: Limits
    faults: Faults = field(default_factory=Faults)
    index_lag_ms: int = 0
    app: str = "21471712"
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, method: str, target: str, body: bytes, authorization: str) -> tuple[int, Any, dict[str, str]]:
        if len(target) > LONGEST_PATH:
            return 414, {"status": "error", "message": "URI Too Long"}, {}
        url = urlsplit(target)
        self.requests.append((method, url.path))
        headers: dict[str, str] = {}
        try:
            search_call = url.path.endswith("/search")
            headers = self.limits.admit(authorization, _scope(method, url.path), search=search_call)
            given = json.loads(body) if body else {}
            status, said = self._route(method, url.path, parse_qs(url.query), given, len(body))
        except Refused as error:
            return error.status, error.body, {**headers, **error.headers}
        return status, said, headers

    def _route(
        self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any], size: int
    ) -> tuple[int, Any]:
        if found := _OBJECTS.match(path):
            return self._objects(method, found["type"], found["rest"] or "", query, body, size)
        if path == "/crm/v3/properties/deals/batch/create" and method == "POST":
            return 201, {
                "status": "COMPLETE",
                "results": writing.create_properties(self.portal, "deals", body["inputs"]),
            }
        if found := _PROPERTIES.match(path):
            return self._properties(method, found["type"], bool(found["groups"]), found["name"], body)
        if (found := _LINKS.match(path)) and method == "POST":
            return reading.links(self.portal, found["one"], found["other"], body)
        if path == "/crm/v3/pipelines/deals" and method == "GET":
            return 200, {"results": self.portal.pipelines}
        if path.rstrip("/") == "/crm/v3/owners" and method == "GET":
            return 200, reading.owners(self.portal, query)
        raise refused(404, "OBJECT_NOT_FOUND", f"resource not found: {method} {path}")

    def _objects(
        self, method: str, kind: str, rest: str, query: dict[str, list[str]], body: dict[str, Any], size: int
    ) -> tuple[int, Any]:
        if kind not in OBJECT_TYPES:
            raise invalid(f"Unable to infer object type from: {kind}")
        if method == "GET" and not rest:
            return 200, reading.listed(self.portal, kind, query)
        if method == "POST" and rest == "/search":
            return 200, search(self.portal, kind, body, size, self.index_lag_ms)
        if method == "POST" and rest == "/batch/read":
            archived = query.get("archived", ["false"])[0] == "true"
            return reading.read_batch(self.portal, kind, body, archived)
        if method == "POST" and rest == "/batch/update":
            return writing.update(self.portal, kind, body["inputs"], self.app)
        if method == "POST" and rest == "/batch/create":
            return writing.create(self.portal, kind, body["inputs"])
        if method == "POST" and rest == "/batch/archive":
            return writing.archive(self.portal, kind, body["inputs"])
        raise refused(405, "METHOD_NOT_ALLOWED", "Method Not Allowed")

    def _properties(
        self, method: str, kind: str, groups: bool, name: str | None, body: dict[str, Any]
    ) -> tuple[int, Any]:
        if groups:
            if method == "POST":
                return 201, writing.create_group(self.portal, kind, body)
            return 200, {"results": list(self.portal.groups[kind].values())}
        if method == "POST" and name is None:
            return 201, writing.create_property(self.portal, kind, body)
        if name is not None:
            return 200, reading.property_of(self.portal, kind, name)
        return 200, {"results": list(self.portal.properties[kind].values())}


def _scope(method: str, path: str) -> str:
    """The scope that a call asks for; calls, meetings and the like are covered by that of contacts."""
    part = path.split("/")[4] if path.startswith(("/crm/v3/objects", "/crm/v3/properties")) else "deals"
    if "/owners" in path:
        return "crm.objects.owners.read"
    if part == "emails":
        return "sales-email-read"
    kind = "contacts" if part in ENGAGEMENTS else part
    if path.startswith("/crm/v3/properties"):
        return f"crm.schemas.{kind}.{'read' if method == 'GET' else 'write'}"
    writes = path.endswith(("/batch/update", "/batch/create", "/batch/archive"))
    return f"crm.objects.{kind}.{'write' if writes else 'read'}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body leave together
    disable_nagle_algorithm = True
    hubspot: HubSpot

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_GET

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.hubspot.faults.next(self.path)
        if fault == f.LOST_BEFORE:
            return self._hang_up()
        if fault in (500, 502):
            return self._send(int(fault), "<html>Bad Gateway</html>" if fault == 502 else {"status": "error"}, {})
        if fault == 429:
            told = too_many("TEN_SECONDLY_ROLLING", 2)
            return self._send(429, told.body, told.headers)
        status, said, headers = self.hubspot.answer(
            self.command, self.path, body, self.headers.get("Authorization") or ""
        )
        if fault == f.SILENT:
            time.sleep(1.5)
        if fault in (f.LOST_AFTER, f.SILENT):
            return self._hang_up()
        return self._send(status, said, headers, cut=fault == f.CUT)

    def _send(self, status: int, said: Any, headers: dict[str, str], *, cut: bool = False) -> None:
        text = "" if status == 204 else said if isinstance(said, str) else json.dumps(said)
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(said, str) else "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running(hubspot: HubSpot) -> Iterator[HubSpot]:
    """The account, reachable at its `url` on loopback."""
    handler = type("Handler", (_Handler,), {"hubspot": hubspot})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hubspot.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hubspot
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
