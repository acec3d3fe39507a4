"""Who is asking, and what they may see: asked before anything else of every page and answer."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import PlainTextResponse, Response

from serving.accounts import Account, Role
from serving.staff import Staff
from serving.store import Store
from serving.visible import Sight, visible_deals
from serving.web.changes import Changes
from serving.web.settings import WebSettings

COOKIE = "dealcast_session"
PROXY_SECRET = "X-Dealcast-Proxy-Secret"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class SignInNeeded(Exception):
    """Nobody is signed in; a page leads to the sign-in and back, an answer of the API says 401."""


@dataclass(frozen=True)
class Served:
    """What all pages share.

    :param proxy_secret: by which a proxy proves itself; None where none is trusted.
    """

    store: Store
    settings: WebSettings
    proxy_secret: str | None = None
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True)
class Visitor:
    """Who is asking, and what they may see."""

    account: Account
    sight: Sight
    staff: Staff

    @property
    def name(self) -> str:
        """What they are called: as in the CRM, else by their account."""
        return self.account.username if self.account.user_id is None else self.staff.name(self.account.user_id)

    def is_a(self, *roles: Role) -> bool:
        """Whether they have one of these roles."""
        return self.account.role in roles


def served(request: Request) -> Served:
    """What all pages share."""
    found: Served = request.app.state.served
    return found


def visitor(request: Request, shared: Annotated[Served, Depends(served)]) -> Visitor:
    """Who is asking. Raises SignInNeeded where nobody is signed in, 403 where another site makes them ask."""
    account, by_cookie = _account(request, shared)
    if account is None or not account.active:
        raise SignInNeeded
    if by_cookie and request.method not in _SAFE and not is_own_origin(request, shared.settings):
        raise HTTPException(403, "This was asked by another site.")
    staff = Staff.of(shared.store.crm_users())
    return Visitor(account, visible_deals(account, staff), staff)


def is_own_origin(request: Request, settings: WebSettings) -> bool:
    """Whether a request that changes something comes from a page of ours."""
    said = request.headers.get("Origin") or request.headers.get("Referer") or ""
    asked = settings.public or f"{request.url.scheme}://{request.headers.get('Host', '')}"
    return bool(said) and urlsplit(said)[:2] == urlsplit(asked)[:2]


def address_of(request: Request) -> str:
    """Where a request comes from, as the record keeps it."""
    return request.client.host if request.client else ""


def sign_in_address(request: Request) -> str:
    """The sign-in that leads back to what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(asked, safe='')}" if request.method in _SAFE and asked != "/" else "/sign-in"


def own_path(path: str) -> str:
    """A path to lead back to: one of ours, the start page where it is any other."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"


class Headers(BaseHTTPMiddleware):
    """What every answer tells the browser not to do."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """The answer, with its headers."""
        size = request.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > MOST_BYTES:
            return PlainTextResponse("That is too much at once.", 413)
        answer = await call_next(request)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer


MOST_BYTES = 4_000_000
"""The most that anybody may send at once."""


def _account(request: Request, shared: Served) -> tuple[Account | None, bool]:
    """The account that asks, and whether the browser says so by itself, so that other sites could make it ask."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        return shared.store.token(token.strip()), False
    header = shared.settings.trusted_header
    if header is not None and shared.proxy_secret is not None:
        proof = request.headers.get(PROXY_SECRET, "")
        if hmac.compare_digest(proof.encode(), shared.proxy_secret.encode()):
            return shared.store.account(request.headers.get(header, "").strip().casefold()), True
    secret: Any = request.cookies.get(COOKIE)
    return (shared.store.session(secret, shared.settings.idle) if secret else None), True
