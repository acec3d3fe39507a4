"""Salesforce on loopback: the real client library talks to it over TLS, and cannot tell."""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from tests.vendors.salesforce import faults as f
from tests.vendors.salesforce.bulk import Bulk
from tests.vendors.salesforce.company import Company
from tests.vendors.salesforce.faults import Fault, Faults
from tests.vendors.salesforce.login import Gate
from tests.vendors.salesforce.problems import Refused, not_found
from tests.vendors.salesforce.rest import Rest

VERSIONS = ("58.0", "59.0", "60.0", "61.0", "62.0")
LONGEST_URI = 16_384
_DATA = re.compile(r"/services/data/v(?P<version>[\d.]+)/(?P<rest>.*)$")
Reply = tuple[int, Any, dict[str, str]]
JSON, CSV, XML = "application/json;charset=UTF-8", "text/csv", "text/xml; charset=utf-8"


@dataclass
class Server:
    """One company's Salesforce.

    :param calls_left: how many calls of the day are left; None: as many as you like.
    """

    company: Company
    gate: Gate = field(default_factory=Gate)
    faults: Faults = field(default_factory=Faults)
    calls_left: int | None = None
    host: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest, self.bulk = Rest(self.company, "62.0"), Bulk(self.company)

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def answer(self, method: str, target: str, body: bytes, headers: Any) -> Reply:
        url = urlsplit(target)
        self.requests.append((method, target))
        form = {name: values[0] for name, values in parse_qs(url.query).items()}
        authorization = headers.get("Authorization", "")
        try:
            if len(target) > LONGEST_URI:
                raise Refused(414, "URI_TOO_LONG", "The URI is too long")
            if url.path == "/services/oauth2/token":
                given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                return 200, self.gate.token(given, authorization, self.url), {"Content-Type": JSON}
            if url.path.startswith("/services/Soap/u/"):
                status, text = self.gate.soap(body.decode(), self.url)
                return status, text, {"Content-Type": XML}
            if url.path == "/services/data/":
                return _json([{"version": version, "url": f"/services/data/v{version}"} for version in VERSIONS])
            self.gate.admit(authorization)
            self._count()
            return self._data(method, url.path, form, body)
        except Refused as error:
            return error.status, error.body, {"Content-Type": JSON}

    def _count(self) -> None:
        if self.calls_left is not None:
            if self.calls_left == 0:
                raise Refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.calls_left -= 1

    def _data(self, method: str, path: str, form: dict[str, str], body: bytes) -> Reply:
        found = _DATA.match(path)
        if not found or found["version"] not in VERSIONS:
            raise not_found()
        rest = found["rest"].rstrip("/")
        head, _, tail = rest.partition("/")
        with self.company.lock:
            match (method, head):
                case ("GET", "query" | "queryAll"):
                    return _json(self.rest.more(tail) if tail else self.rest.query(form["q"], head == "queryAll"))
                case ("GET", "sobjects"):
                    obj, _, what = tail.partition("/")
                    if what == "describe":
                        return _json(self.rest.describe(obj))
                    if what == "deleted":
                        return _json(self.rest.deleted(obj, form["start"], form["end"]))
                case ("PATCH", "composite") if tail == "sobjects":
                    return _json(self.rest.update(json.loads(body), "integration"))
                case ("PATCH", "composite") if tail.count("/") == 2:
                    _, obj, key = tail.split("/")
                    return _json(self.rest.upsert(obj, key, json.loads(body), "integration"))
                case ("DELETE", "composite") if tail == "sobjects":
                    return _json(self.rest.delete(form["ids"].split(",")))
                case (_, "jobs"):
                    return self._jobs(method, tail, form, body)
        raise not_found()

    def _jobs(self, method: str, path: str, form: dict[str, str], body: bytes) -> Reply:
        kind, key, what = (*path.split("/"), "", "")[:3]
        match (method, kind, bool(key), what):
            case ("POST", "query", False, _):
                return _json(self.bulk.start_query(json.loads(body)))
            case ("POST", "ingest", False, _):
                return _json(self.bulk.start_ingest(json.loads(body)))
            case ("GET", _, True, ""):
                return _json(self.bulk.state(key))
            case ("PATCH", _, True, ""):
                return _json(self.bulk.set_state(key, json.loads(body)["state"]))
            case ("GET", "query", True, "results"):
                text, headers = self.bulk.results(key, form.get("locator", ""), int(form.get("maxRecords", 50_000)))
                return 200, text, {"Content-Type": CSV, **headers}
            case ("PUT", "ingest", True, "batches"):
                self.bulk.upload(key, body.decode())
                return 201, "", {}
            case ("GET", "ingest", True, "successfulResults" | "failedResults" | "unprocessedrecords"):
                return 200, self.bulk.written(key, what), {"Content-Type": CSV}
        raise not_found()


def _json(said: Any) -> Reply:
    return 200, said, {"Content-Type": JSON, "Sforce-Limit-Info": "api-usage=18/15000"}


def _refusal(fault: Fault) -> Reply:
    headers = {"Content-Type": JSON} | ({"Retry-After": str(fault.wait)} if fault.wait is not None else {})
    if fault.what == "limit":
        return 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], headers
    if fault.what == "concurrent":
        said = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": said}], headers
    code = {503: "SERVER_UNAVAILABLE", 429: "REQUEST_RATE_LIMITED"}.get(int(fault.what), "UNKNOWN_EXCEPTION")
    return int(fault.what), [{"errorCode": code, "message": "An unexpected error occurred."}], headers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    server: _Listening

    def _do(self) -> None:
        salesforce = self.server.salesforce
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = salesforce.faults.next(self.command, self.path)
        what = fault.what if fault else None
        if what == f.LOST_BEFORE:
            self.close_connection = True
            return
        if fault and what not in (f.LOST_AFTER, f.CUT, f.SILENT):
            salesforce.requests.append((self.command, self.path))
            self._send(*_refusal(fault))
            return
        status, said, headers = salesforce.answer(self.command, self.path, body, self.headers)
        if what == f.SILENT:
            time.sleep(1.5)
        if what in (f.LOST_AFTER, f.SILENT):
            self.close_connection = True
            return
        self._send(status, said, headers, cut=what == f.CUT)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do

    def _send(self, status: int, said: Any, headers: dict[str, str], cut: bool = False) -> None:
        text = (said if isinstance(said, str) else json.dumps(said)).encode()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.server.salesforce.company.clock(), usegmt=True))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if cut else text)
        if cut:
            self.close_connection = True

    def log_message(self, *_given: object) -> None:
        pass


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, salesforce: Server, certificate: tuple[Path, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.salesforce = salesforce
        self._safe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._safe.load_cert_chain(*certificate)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread, so that a slow one holds nobody up."""
        try:
            safe = self._safe.wrap_socket(request, server_side=True)
        except OSError:  # whoever called has been killed
            return
        super().finish_request(safe, client_address)
        with safe:
            pass

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def running(salesforce: Server, certificate: tuple[Path, Path]) -> Iterator[Server]:
    """The server, listening while the block runs; `host` is where, and its certificate is trusted."""
    trust = patch.dict(os.environ, REQUESTS_CA_BUNDLE=str(certificate[0]))
    with trust, _Listening(salesforce, certificate) as listening:
        salesforce.host = f"127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield salesforce
        finally:
            listening.shutdown()
