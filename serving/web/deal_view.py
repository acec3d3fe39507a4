"""All that the page of one deal shows, from what the store keeps: nothing that its visitor may not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from serving.deal_words import Moved, called, ended, like_title, moved_of
from serving.formats import Formats
from serving.news import News
from serving.runs import ScoringRun
from serving.staff import Staff
from serving.store import Store
from serving.verdict_words import of_another_chance, verdict
from serving.verdicts import standing
from serving.visible import Sight, masked
from serving.web.curve import Month, months_of
from serving.web.figures import Figure, figures
from serving.web.story import Story
from serving.web.story_drawing import NARROW, WIDE, Drawing, drawn
from serving.web.waterfall import Step, waterfall

ALL_TIME = datetime(1970, 1, 1, tzinfo=UTC)
SOMEBODY, COLLEAGUES = "Somebody", "A colleague's deal"
MOST_STALL_REASONS = 3


@dataclass(frozen=True)
class LikeDeal:
    """A closed deal most like this one: what it is called, and how it ended."""

    name: str
    ended: str


@dataclass(frozen=True)
class Voice:
    """What somebody says of the deal; `note` is empty where there is none or it is hidden."""

    author: str
    made: date
    says: str
    note: str


@dataclass(frozen=True)
class DealView:
    """One deal as a visitor sees it.

    :param row: its newest score and how it stood then, without names where those are hidden.
    :param closed: how it ended, where it has; :param newest: the newest scoring run.
    """

    row: Mapping[str, Any]
    newest: ScoringRun
    closed: str
    figures: tuple[Figure, ...]
    months: tuple[Month, ...]
    story: Story
    wide: Drawing
    narrow: Drawing
    steps: tuple[Step, ...]
    moved: Moved | None
    coaching: tuple[Mapping[str, Any], ...]
    stall: Mapping[str, Any]
    like_title: str
    like: tuple[LikeDeal, ...]
    voices: tuple[Voice, ...]
    is_snoozed: bool
    model: Mapping[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether the newest scoring run has found it open."""
        return bool(self.row["as_of"] >= self.newest.as_of)

    @property
    def is_by_rates(self) -> bool:
        """Whether no model has answered, but the rates of its stage."""
        return not self.model


def deal_view(store: Store, opportunity_id: str, sight: Sight, staff: Staff, forms: Formats) -> DealView | None:
    """A deal as somebody sees it; None where there is none of that id that they may see."""
    row, news = store.latest_score(opportunity_id), News.of(store, forms=forms)
    if row is None or news is None or not sight.sees(row["owner_id"]):
        return None
    told = {**row, **store.told(row["run_id"], [opportunity_id])[opportunity_id]}
    shown = masked(told) if sight.masked else told
    reasons = shown["reasons"]
    model = store.model(row["model_version"]) or {}
    chances = store.chances([opportunity_id], ALL_TIME, row["as_of"])[opportunity_id]
    people = str if sight.masked else staff.name
    story = Story(store.timeline(opportunity_id), chances, row["as_of"].date(), forms, people)
    like = store.like_deals(row["run_id"], opportunity_id)
    return DealView(
        shown,
        news.run,
        _closed(store, row, news.run, forms),
        figures(shown, model, forms),
        months_of(store.win_curve(row["run_id"], opportunity_id)),
        story,
        drawn(story, WIDE),
        drawn(story, NARROW),
        waterfall(reasons, row["win_probability"]),
        moved_of(reasons.get("moved")),
        tuple(shown["coaching"]),
        {**shown["stall_reasons"], "for": shown["stall_reasons"].get("for", [])[:MOST_STALL_REASONS]},
        like_title(like) if like.get("deals") else "",
        tuple(_like(deal, sight, forms) for deal in like.get("deals", ())),
        _voices(store, row, sight),
        opportunity_id in news.snoozed,
        model,
    )


def _closed(store: Store, row: Mapping[str, Any], newest: ScoringRun, forms: Formats) -> str:
    """How a deal ended that was still open when it was scored; empty where it has not, or nobody knows."""
    if row["as_of"] >= newest.as_of:
        return ""
    since = store.closed_deals(row["as_of"], newest.as_of)
    found = next((deal for deal in since if deal["opportunity_id"] == row["opportunity_id"]), None)
    if found is None:
        return ""
    return f"{'Won' if found['is_won'] else 'Lost'} on {forms.day(found['closed_at'].date())}."


def _like(deal: Mapping[str, Any], sight: Sight, forms: Formats) -> LikeDeal:
    """A like deal: by its id where names are hidden; where it is somebody else's, only how it ended."""
    if not sight.sees(deal.get("owner_id")):
        return LikeDeal(COLLEAGUES, ended({**deal, "amount": None}, forms))
    return LikeDeal(deal["opportunity_id"] if sight.masked else called(deal), ended(deal, forms))


def _voices(store: Store, row: Mapping[str, Any], sight: Sight) -> tuple[Voice, ...]:
    """What people say that stands, the first one first."""
    said = store.feedback(row["opportunity_id"])
    stands = standing(pd.DataFrame(said, columns=["author", "opportunity_id", "verdict"])).index
    return tuple(
        Voice(
            SOMEBODY if sight.masked else one["author"],
            one["made_at"].date(),
            verdict(one) + of_another_chance(one, row["win_probability"]),
            "" if sight.masked else one["note"],
        )
        for one in (said[place] for place in stands)
    )
