"""Webhooks on loopback: what products that take messages at secret addresses have in common."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

LOST_BEFORE = "lost before"  # the connection closes before anything was done
LOST_AFTER = "lost after"  # the message was taken, but the answer never comes
SILENT = "silent"  # the message was taken, and the connection stays open without a word

Answer = tuple[int, str, dict[str, str]]
"""Status, body, headers."""


class Product(Protocol):
    """What takes messages."""

    traffic: Traffic

    def answer(self, target: str, content_type: str, body: bytes) -> Answer:
        """What is answered; the message is taken where the status says so."""


@dataclass
class Traffic:
    """:param faults: what goes wrong with the next calls, in order: one of the above, or a whole answer."""

    faults: list[str | Answer] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    product: Product

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        traffic = self.product.traffic
        traffic.calls.append(self.path)
        fault = traffic.faults.pop(0) if traffic.faults else None
        if fault == LOST_BEFORE:
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            self._send(*fault)
            return
        said = self.product.answer(self.path, self.headers.get("Content-Type") or "", body)
        if fault == SILENT:
            time.sleep(1.0)
        if fault in (LOST_AFTER, SILENT):
            self.close_connection = True
            return
        self._send(*said)

    def do_GET(self) -> None:
        self._send(405, "", {})

    def _send(self, status: int, body: str, headers: dict[str, str]) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *given: Any) -> None:
        pass


@contextmanager
def running(product: Any) -> Iterator[Any]:
    """The product, reachable at its traffic's `url` on loopback."""
    handler = type("Handler", (_Handler,), {"product": product})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    product.traffic.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield product
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def parsed(body: bytes) -> Any:
    """The JSON of a body; None where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None
