"""Serve: pages and API over the home's store."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from crm.errors import DealcastError, WrongUse
from crm.loopback import is_loopback
from pipelines.champion import scored_store
from pipelines.config import Home, load_config, secret
from serving.web.app import create_app
from serving.web.guard import Served
from serving.web.settings import LEAST_SECRET, WebSettings

PROXY_SECRET = "PROXY_SECRET"


@dataclass(frozen=True)
class Serving:
    """An application, and where it is reached.

    :param accounts: how many may sign in.
    """

    app: FastAPI
    listening: socket.socket
    address: str
    accounts: int

    def run(self, begun: Callable[[], None]) -> None:
        """Serve until it is ended."""
        server = uvicorn.Server(
            uvicorn.Config(self.app, log_level="warning", access_log=False, server_header=False, proxy_headers=False)
        )
        begun()
        with suppress(KeyboardInterrupt):  # which uvicorn hands on once all is ended: that is how it is meant to end
            server.run(sockets=[self.listening])


def serving(home: Home, host: str, port: int) -> Serving:
    """What is to be served, and the socket it is served at.

    :raises WrongUse: where it would be open to others without being safe to be.
    :raises DealcastError: where nothing was scored yet, or somebody else listens there.
    """
    config = load_config(home)
    store = scored_store(home, config)
    proof = secret(PROXY_SECRET)
    _check(config.serve, host, proof)
    accounts = [one for one in store.accounts() if one.active]
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = config.serve.public or f"http://{shown}:{listening.getsockname()[1]}"
    return Serving(create_app(Served(store, config.serve, proof), config.formats), listening, address, len(accounts))


def _check(settings: WebSettings, host: str, proof: str | None) -> None:
    """Raises WrongUse for what would let in whoever asks."""
    variable = f"DEALCAST_{PROXY_SECRET}"
    if settings.trusted_header is not None and proof is None:
        raise WrongUse(
            "a proxy is to be trusted that cannot prove itself",
            where="[serve] trusted_header",
            expected=f"{variable}, a secret that the proxy sends in the header X-Dealcast-Proxy-Secret",
        )
    if is_loopback(host):
        return
    if proof is not None and len(proof) < LEAST_SECRET:
        raise WrongUse(f"it has {len(proof)} characters", where=variable, expected=f"{LEAST_SECRET} or more")
    if settings.public is None:
        raise WrongUse(
            f"others can reach {host}, and it is not said at which address",
            where="[serve] public",
            expected='a line such as public = "https://dealcast.example.com"',
            remedy="or serve on this machine alone: --host 127.0.0.1",
        )
    if not settings.is_secure:
        raise WrongUse(
            "passwords would go through the network unprotected",
            where="[serve] public",
            expected="an address with https, which a proxy before this one serves",
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise DealcastError(
            f"nothing can be served there: {error.strerror or error}",
            where=f"{host}:{port}",
            remedy="take another --port",
        ) from error
