"""One deal: its story, the answer now, the reasons, and what people say of it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from crm.errors import WrongUse
from serving.accounts import Role
from serving.feedback import FORM, Said, kept, snooze_days
from serving.verdicts import SIDES, VERDICTS
from serving.web.deal_view import DealView, deal_view
from serving.web.guard import Served, Visitor, address_of, served, visitor
from serving.web.templating import page

ROUTER = APIRouter()
MAY_SPEAK = (Role.REP, Role.MANAGER, Role.ADMIN)
"""An analyst, who sees no names, says nothing in one."""
GIVEN = "verdict given"


class Given(BaseModel):
    """What a form says; what it leaves empty counts as not said."""

    model_config = ConfigDict(extra="ignore")

    verdict: str = Field(pattern=f"^({'|'.join(VERDICTS)})$")
    side: str = Field("", pattern=f"^({'|'.join(SIDES)})?$")
    probability: str = Field("", max_length=20)
    until: str = Field("", max_length=20)
    note: str = Field("", max_length=2000)

    @property
    def said(self) -> Said:
        """The verdict."""
        return Said(self.verdict, self.side or None, self.probability or None, self.until or None, self.note)


@ROUTER.get("/deals/{opportunity_id:path}")
def deal(
    request: Request,
    opportunity_id: str,
    who: Annotated[Visitor, Depends(visitor)],
    shared: Annotated[Served, Depends(served)],
) -> Response:
    """The page. 404 where there is no such deal, or it is somebody else's."""
    return _shown(request, _seen(request, opportunity_id, who, shared), who)


@ROUTER.post("/deals/{opportunity_id:path}/feedback")
def feedback(
    request: Request,
    opportunity_id: str,
    who: Annotated[Visitor, Depends(visitor)],
    shared: Annotated[Served, Depends(served)],
    given: Annotated[Given, Form()],
) -> Response:
    """A verdict kept, and back to the page; or the page again, with what does not fit."""
    seen = _seen(request, opportunity_id, who, shared)
    if not who.is_a(*MAY_SPEAK):
        raise HTTPException(403)
    try:
        kept(shared.store, seen.row, given.said, who.name, FORM)
    except WrongUse as error:
        return _shown(request, seen, who, error)
    shared.store.note(who.account.username, address_of(request), GIVEN, f"{opportunity_id}: {given.verdict}")
    return RedirectResponse(f"/deals/{quote(opportunity_id, safe='')}#people", 303)


def _seen(request: Request, opportunity_id: str, who: Visitor, shared: Served) -> DealView:
    found = deal_view(shared.store, opportunity_id, who.sight, who.staff, request.app.state.forms)
    if found is None:
        raise HTTPException(404)
    return found


def _shown(request: Request, view: DealView, who: Visitor, refused: WrongUse | None = None) -> Response:
    speaks = who.is_a(*MAY_SPEAK) and view.is_open
    days = snooze_days(view.row["as_of"])
    status = 200 if refused is None else 422
    return page(request, "deal.html", who, status, view=view, speaks=speaks, days=days, refused=refused)
