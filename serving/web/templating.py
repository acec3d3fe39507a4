"""Pages from templates: everything is escaped, figures are written by the company's locale."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.accounts import Role
from serving.formats import NOTHING, Formats
from serving.web.guard import Visitor
from serving.wording import points

FOLDER = Path(__file__).parent / "templates"
NAVIGATION = (("/deals", "My deals", frozenset(Role)),)
"""What is in the navigation: where it leads, what it is called, who sees it."""


def templates(forms: Formats) -> Environment:
    """The environment of all pages."""
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "percent": lambda share: NOTHING if share is None else forms.percent(share),
        "money": lambda amount: NOTHING if amount is None else forms.money(amount),
        "exact": lambda amount: NOTHING if amount is None else forms.exact_money(amount),
        "points": points,
        "day": lambda day: NOTHING if day is None else forms.day(_day(day)),
        "count": forms.count,
    }
    return found


def page(request: Request, name: str, visitor: Visitor | None, status: int = 200, **what: Any) -> HTMLResponse:
    """A page of a template."""
    links = [] if visitor is None else [(path, text) for path, text, roles in NAVIGATION if visitor.is_a(*roles)]
    here = {"path": request.url.path, "links": links, "visitor": visitor}
    content = request.app.state.templates.get_template(name).render(**here, **what)
    return HTMLResponse(content, status)


def _day(day: date | datetime) -> date:
    return day.date() if isinstance(day, datetime) else day
