"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from serving.accounts import fits
from serving.database import now
from serving.web.guard import COOKIE, Served, address_of, is_own_origin, own_path, served
from serving.web.templating import page

ROUTER = APIRouter()
WINDOW = timedelta(minutes=15)
MOST_BY_NAME, MOST_BY_ADDRESS = 5, 30
"""How many sign-ins of one name, or from one place, may go wrong within the window."""
REFUSED, SIGNED_IN, SIGNED_OUT = "sign-in refused", "signed in", "signed out"
_HASHING = BoundedSemaphore(2)
"""Each try takes 64 MiB and a tenth of a second: many at once must not take all there is."""


@ROUTER.get("/sign-in")
def asked(request: Request, next: str = "/") -> Response:
    """The form."""
    return page(request, "sign_in.html", None, next=own_path(next), refused="")


@ROUTER.post("/sign-in")
def sign_in(
    request: Request,
    shared: Annotated[Served, Depends(served)],
    username: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Signed in and led back; or the form again, with the same words whatever was wrong."""
    if not is_own_origin(request, shared.settings):
        raise HTTPException(403)
    name, address, store = username.strip().casefold(), address_of(request), shared.store
    since = now() - WINDOW
    if (
        store.noted(REFUSED, since, username=name) >= MOST_BY_NAME
        or store.noted(REFUSED, since, address=address) >= MOST_BY_ADDRESS
    ):
        raise HTTPException(429, headers={"Retry-After": str(int(WINDOW.total_seconds()))})
    with _HASHING:
        is_right = fits(password, store.password_hash(name))
    if not is_right:
        store.note(name[:100], address, REFUSED)
        says = "The name or the password is not right."
        return page(request, "sign_in.html", None, 401, next=own_path(next), refused=says)
    store.note(name, address, SIGNED_IN)
    answer = RedirectResponse(own_path(next), 303)
    secret = store.begin_session(name, shared.settings.lasts)
    lasts = int(shared.settings.lasts.total_seconds())
    answer.set_cookie(COOKIE, secret, lasts, httponly=True, samesite="lax", secure=shared.settings.is_secure)
    return answer


@ROUTER.post("/sign-out")
def sign_out(request: Request, shared: Annotated[Served, Depends(served)]) -> Response:
    """The session is over."""
    if not is_own_origin(request, shared.settings):
        raise HTTPException(403)
    secret = request.cookies.get(COOKIE)
    if secret:
        account = shared.store.session(secret, shared.settings.idle)
        shared.store.end_session(secret)
        if account is not None:
            shared.store.note(account.username, address_of(request), SIGNED_OUT)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer
