"""A message posted to a webhook: at most once, and without a word of where to."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import requests

from crm.errors import DealcastError
from crm.patience import Patience, TryAgain, seconds_asked
from crm.unsent import is_unsent, is_untrusted
from serving.channels.channel import Fate, Outcome
from serving.digest.tidy import tidied

TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two bytes of an answer
PATIENCE = Patience(budget=60.0)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_TOLD_BY = "urllib3.connectionpool"


def post(
    webhook: str,
    body: Mapping[str, Any],
    words: Callable[[requests.Response], str],
    patience: Patience = PATIENCE,
    timeout: tuple[float, float] = TIMEOUT,
) -> Outcome:
    """Post a message once; again only where it has certainly not been taken: no connection, or 429.

    :param words: what an answer says, apart from its status.
    """
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}

    def attempt() -> Outcome:
        try:
            with _unlogged():
                answer = requests.post(webhook, data=content, headers=headers, timeout=timeout, allow_redirects=False)
        except requests.RequestException as error:
            return _unanswered(error)
        said = f"{answer.status_code} {_shown(words(answer))}".strip()
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise TryAgain(_Refused(said), seconds_asked(answer.headers))
        if answer.ok and not answer.is_redirect:
            return Outcome(Fate.SENT, said)
        timed_out = answer.status_code == HTTPStatus.REQUEST_TIMEOUT
        return Outcome(Fate.UNCLEAR if answer.status_code >= 500 or timed_out else Fate.REFUSED, said)

    try:
        return patience.call(attempt)
    except _Refused as refused:
        return Outcome(Fate.REFUSED, refused.found, refused.for_all)


class _Refused(DealcastError):
    """What is said once patience is at an end."""

    def __init__(self, found: str, for_all: bool = False) -> None:
        super().__init__(found)
        self.for_all = for_all


def _unanswered(error: requests.RequestException) -> Outcome:
    """:raises TryAgain: where nothing has left this machine; the error's own words name the webhook."""
    if is_untrusted(error):
        said = "the connection is not safe: the certificate is not trusted (REQUESTS_CA_BUNDLE names other authorities)"
        return Outcome(Fate.REFUSED, said, for_all=True)
    if is_unsent(error):
        raise TryAgain(_Refused("there is no connection", for_all=True)) from None
    return Outcome(Fate.UNCLEAR, f"no answer: {type(error).__name__}")


def _shown(said: str) -> str:
    return tidied(_ADDRESS.sub("…", said))[:200]


@contextmanager
def _unlogged() -> Iterator[None]:
    """urllib3 logs the path of each request, and here the path is the secret."""
    logger = logging.getLogger(_TOLD_BY)

    def muted(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(muted)
    try:
        yield
    finally:
        logger.removeFilter(muted)
