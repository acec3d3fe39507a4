"""The application: pages, sign-in, headers, and what is said where something goes wrong."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as AnyHttpError
from starlette.middleware.trustedhost import TrustedHostMiddleware

import serving.web.pages
from crm.errors import DealcastError
from serving.formats import HOUSE, Formats
from serving.web.guard import Headers, Served, SignInNeeded, sign_in_address
from serving.web.templating import page, templates

_SAYS = {
    403: ("Not yours to do", "Your account may not do this."),
    404: ("Not found", "There is nothing here that you can see: it was never there, or it is somebody else's."),
    413: ("Too much at once", "This is more than is taken at once."),
    422: ("Not understood", "Something in the address or the form does not fit."),
    429: ("Too many tries", "Wait a little before the next one."),
    503: ("Not answering", "The store does not answer at the moment. Nothing old is shown in its place."),
}


def create_app(shared: Served, forms: Formats = HOUSE) -> FastAPI:
    """The application over a store."""
    app = FastAPI(title="Dealcast", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.served, app.state.templates = shared, templates(forms)
    app.state.forms = forms
    app.add_middleware(Headers)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=shared.settings.hosts)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    for router in routers():
        app.include_router(router)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(AnyHttpError, _said)
    app.add_exception_handler(RequestValidationError, lambda request, _error: _error_page(request, 422))
    app.add_exception_handler(DealcastError, lambda request, _error: _error_page(request, 503))
    return app


def routers() -> list[APIRouter]:
    """The routers of all files of `pages`, by the files' names."""
    files = sorted(module.name for module in pkgutil.iter_modules(serving.web.pages.__path__))
    return [import_module(f"serving.web.pages.{file}").ROUTER for file in files]


def _to_sign_in(request: Request, _error: Exception) -> Response:
    return RedirectResponse(sign_in_address(request), 303)


def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHttpError)
    answer = _error_page(request, error.status_code)
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


def _error_page(request: Request, status: int) -> Response:
    title, says = _SAYS.get(status, ("Something went wrong", "What was asked for cannot be answered."))
    return page(request, "error.html", None, status, title=title, says=says)
