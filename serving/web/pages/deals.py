"""My deals: the prioritised list, and above it what changed since the day before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, field_validator

from serving.headline import next_step, top_reason
from serving.news import News, Row
from serving.store_lists import SORTS, Wanted
from serving.visible import Sight, masked
from serving.web.charts import sparkline
from serving.web.guard import Served, Visitor, served, visitor
from serving.web.templating import page

ROUTER = APIRouter()
A_PAGE = 50
SPARK = timedelta(weeks=12)
FAR_OFF = 14
"""Days by which the model's close date differs from the planned one before it is shown beside it."""
COLUMNS = (
    ("name", "Deal"),
    ("stage", "Stage"),
    ("win", "Win chance"),
    ("stall", "Stall risk"),
    ("revenue", "This period"),
    ("stake", "At stake"),
    ("close", "Closes"),
)


class Asked(BaseModel):
    """What stands in the address of a list; what a form leaves empty counts as not said."""

    model_config = ConfigDict(extra="ignore")

    search: str = Field("", max_length=200)
    stage: list[str] = Field(default_factory=list, max_length=50)
    grade: list[str] = Field(default_factory=list, max_length=4)
    owner: list[str] = Field(default_factory=list, max_length=50)
    sort: str = Field("priority", pattern=f"^-?({'|'.join(SORTS)})$")
    page: int = Field(1, ge=1, le=100_000)

    @field_validator("stage", "grade", "owner")
    @classmethod
    def _chosen(cls, values: list[str]) -> list[str]:
        """A form that leaves a choice open says so with an empty word."""
        return [value for value in values if value]

    def address(self, **other: Any) -> str:
        """The address of the same list with something else."""
        said = {**self.model_dump(), "page": 1, **other}
        told = {key: value for key, value in said.items() if value not in ("", [], None) and value != _USUAL[key]}
        return f"/deals?{urlencode(told, doseq=True)}" if told else "/deals"


_USUAL = {"search": "", "stage": [], "grade": [], "owner": [], "sort": "priority", "page": 1}


@dataclass(frozen=True)
class Shown:
    """A deal of the list.

    :param row: its row, with `reason` and `step`, without names where they are hidden.
    :param expected_close: the model's day, where it is to be shown beside the planned one.
    """

    row: Row
    spark: Markup
    days_in_stage: int | None
    expected_close: date | None


@ROUTER.get("/")
def start() -> Response:
    """The list is the start page."""
    return RedirectResponse("/deals", 303)


@ROUTER.get("/deals")
def deals(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    shared: Annotated[Served, Depends(served)],
    asked: Annotated[Asked, Query()],
) -> Response:
    """The list, as the address says."""
    store = shared.store
    news = News.of(store, forms=request.app.state.forms)
    if news is None:
        return page(request, "nothing_scored.html", who)
    wanted = Wanted(
        news.run.run_id,
        who.sight,
        asked.search.strip(),
        tuple(asked.stage),
        tuple(asked.grade),
        tuple(asked.owner),
        news.snoozed,
        asked.sort.removeprefix("-"),
        asked.sort.startswith("-"),
        (asked.page - 1) * A_PAGE,
        A_PAGE,
    )
    number, rows = store.page(wanted)
    if asked.page > 1 and not rows:
        raise HTTPException(404)
    return page(
        request,
        "deals.html",
        who,
        asked=asked,
        run=news.run,
        number=number,
        shown=_shown(news, who.sight, rows),
        columns=COLUMNS,
        above=shared.changes.above(news, who.sight),
        pages=max(1, -(-number // A_PAGE)),
        first=wanted.first,
    )


def _shown(news: News, sight: Sight, rows: Sequence[Row]) -> list[Shown]:
    ids = [row["opportunity_id"] for row in rows]
    told, begins = news.told(ids), news.run.as_of - SPARK
    chances = news.store.chances(ids, begins, news.run.as_of)
    found = []
    for key, row in zip(ids, rows, strict=True):
        says = {**row, "reason": top_reason(told[key]["reasons"]), "step": next_step(told[key]["coaching"])}
        said = masked(says) if sight.masked else says
        stood = None if row["stage_since"] is None else (news.day - row["stage_since"]).days
        spark = sparkline(chances[key], begins, news.run.as_of, news.forms)
        found.append(Shown(said, spark, stood, _other_date(row)))
    return found


def _other_date(row: Row) -> date | None:
    """The day on which the model expects the deal to close, where it is far from the planned one or there is none."""
    planned: date | None = row["close_date"]
    expected: date | None = row["expected_close_date"]
    if expected is None or planned is None:
        return expected
    return expected if abs((expected - planned).days) > FAR_OFF else None
