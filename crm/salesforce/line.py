"""The line to Salesforce: every request of simple-salesforce goes through it.

A session that has expired is renewed once, an answer that asks to come again is waited for, and what may be asked
twice is asked twice. What writes is not: where it is not known whether it took effect, that is said (`Unanswered`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests

from crm.errors import DealcastError
from crm.patience import Patience, TryAgain, seconds_asked
from crm.unsent import is_unsent, is_untrusted

TIMEOUT = (10.0, 120.0)  # seconds to connect, and between two bytes of an answer
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Unanswered(DealcastError):
    """A request that writes was sent, and no answer came that says what became of it."""


@dataclass(frozen=True)
class Entry:
    """What logging in gives. :param host: where requests go from now on, with the port where it is not 443."""

    token: str = field(repr=False)
    host: str


class Line(requests.Session):
    """A session of requests that knows how to get in, and does so once it is needed."""

    def __init__(self, enter: Callable[[], Entry], patience: Patience, timeout: tuple[float, float] = TIMEOUT) -> None:
        super().__init__()
        self._enter, self._patience, self._timeout = enter, patience, timeout
        self._entry: Entry | None = None
        self.server_time = datetime.now(UTC)

    @property
    def entry(self) -> Entry:
        """What logging in gave."""
        if self._entry is None:
            self._entry = self._enter()
        return self._entry

    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> requests.Response:
        """As requests has it, with the present token."""
        more.setdefault("timeout", self._timeout)
        token = self.entry.token
        response = self._patience.call(lambda: self._once(method, url, headers, more))
        if response.status_code == HTTPStatus.UNAUTHORIZED and _says(response, "INVALID_SESSION_ID"):
            if self.entry.token == token:
                self._entry = None
            response = self._patience.call(lambda: self._once(method, url, headers, more))
        return response

    def _once(
        self, method: str, url: str, headers: Mapping[str, str] | None, more: Mapping[str, Any]
    ) -> requests.Response:
        given = {**(headers or {}), "Authorization": f"Bearer {self.entry.token}"}
        try:
            response = super().request(method, url, headers=given, **more)
        except requests.RequestException as error:
            refuse_unsafe(self.entry.host, error)
            raise self._cut(_may_repeat(method, url), error) from error
        self._keep_time(response)
        self._look(_may_repeat(method, url), response)
        return response

    def _cut(self, may_repeat: bool, error: requests.RequestException) -> Exception:
        dead = DealcastError(
            f"there is no answer ({_short(error)})",
            where=self.entry.host,
            expected="Salesforce",
            remedy="look at the network and at status.salesforce.com, and run this again: it goes on where it was",
        )
        if may_repeat or is_unsent(error):
            return TryAgain(dead)
        return self._unanswered(_short(error))

    def _look(self, may_repeat: bool, response: requests.Response) -> None:
        status, after = response.status_code, seconds_asked(response.headers)
        busy = DealcastError(
            f"Salesforce is busy: {status} {_text(response)}",
            where=self.entry.host,
            expected="an answer",
            remedy="run this again later: it goes on where it was",
        )
        refused_unseen = (
            status == HTTPStatus.TOO_MANY_REQUESTS or after is not None or _says(response, "SERVER_UNAVAIL")
        )
        if status in _BUSY and (may_repeat or refused_unseen):
            raise TryAgain(busy, after)
        if (
            status == HTTPStatus.FORBIDDEN
            and _says(response, "REQUEST_LIMIT_EXCEEDED")
            and _says(response, "Concurrent")
        ):
            raise TryAgain(busy, after)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TryAgain(busy, after) if may_repeat else self._unanswered(f"{status} {_text(response)}")

    def _unanswered(self, why: str) -> Unanswered:
        return Unanswered(
            f"no clear answer came to what was sent: {why}", where=self.entry.host, remedy="read back before writing"
        )

    def _keep_time(self, response: requests.Response) -> None:
        with suppress(ValueError, KeyError):
            said = parsedate_to_datetime(response.headers["Date"])
            self.server_time = said if said.tzinfo else said.replace(tzinfo=UTC)


def refuse_unsafe(host: str, error: requests.RequestException) -> None:
    """Raises DealcastError where a connection failed because the other side's certificate is not trusted."""
    if is_untrusted(error):
        raise DealcastError(
            "the connection is not safe: the certificate is not trusted",
            where=host,
            expected="a certificate that this machine trusts",
            remedy="look at the address, and at the machine's certificates (REQUESTS_CA_BUNDLE names others)",
        ) from None


def _may_repeat(method: str, url: str) -> bool:
    """Whether a request does no harm if it comes twice: what reads, and a new job, which does nothing by itself."""
    return method == "GET" or (method == "POST" and url.endswith(("/jobs/query", "/jobs/ingest")))


def _says(response: requests.Response, word: str) -> bool:
    return word in response.text[:4000]


def _text(response: requests.Response) -> str:
    return " ".join(response.text[:200].split())


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
