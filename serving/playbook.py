"""What won deals had done by then, as it holds for a deal's stage and kind, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature, Practice
from features.histories import OF_ACCOUNTS
from serving.formats import HOUSE, Formats
from serving.wording import quantity
from training.playbook import MOST, SIZE, weight
from training.segments import size_codes, size_names

ALIKE = 1.5
"""Odds within two thirds and three halves are told as alike; wider intervals as not to be told from few deals."""


@dataclass(frozen=True)
class Step:
    """A practice of a stage as it holds there, or in a segment that differs from the stage.

    :param day: the median day in the stage on which closed deals were looked at; None where that is not known.
    :param segment: field and value of the segment whose own record this is; None: the stage's.
    :param record: counts, odds ratio and interval (:mod:`training.playbook`).
    """

    id: str
    feature: Feature
    practice: Practice
    bound: float
    stage: str
    day: int | None
    segment: tuple[str, str] | None
    record: Mapping[str, Any]
    formats: Formats = HOUSE

    @property
    def done(self) -> str:
        """What was done, to be read after "had"."""
        return done(self.feature, self.practice, self.bound, self.formats)

    @property
    def won(self) -> float:
        """Share of won deals that had it."""
        return float(self.record["won_had"] / self.record["won"])

    @property
    def lost(self) -> float:
        """Share of lost deals that had it."""
        return float(self.record["lost_had"] / self.record["lost"])

    @property
    def evidence(self) -> str:
        """What won and lost deals had, with their counts."""
        kind = "" if self.segment is None else f" {spoken_kind(*self.segment)}"
        form = self.formats
        one, share = self.record, form.percent(self.won)
        if self.day is None:
            who = f"Of the deals{kind} won from {self.stage} {share}"
        else:
            who = f"By day {self.day} in {self.stage} {share} of the deals{kind} that were won"
        return (
            f"{who} had {self.done}, of the lost {form.percent(self.lost)} ({form.count(one['won_had'])} of "
            f"{form.count(one['won'])} won, {form.count(one['lost_had'])} of {form.count(one['lost'])} lost)."
        )

    @property
    def usual(self) -> bool:
        """Whether most of the won deals had it, so that it may be missed in others."""
        return self.won >= MOST


def done(feature: Feature, practice: Practice, bound: float, formats: Formats = HOUSE) -> str:
    """A practice with its bound in words."""
    text = practice.once if practice.once and bound == 1 else practice.done
    return text.format(bound=quantity(bound, feature, "", formats))


def steps(
    book: Mapping[str, Any],
    stage: str | None,
    kinds: Mapping[str, str],
    catalogue: Catalogue,
    formats: Formats = HOUSE,
) -> list[Step]:
    """The practices of a stage for deals of these kinds, weightiest first; those of segments that differ in their way.

    :param kinds: by field of the playbook, what the deal is.
    """
    page = book["stages"].get(stage)
    if stage is None or page is None:
        return []
    found = []
    for entry in page["practices"]:
        feature = catalogue.feature(entry["feature"])
        own = [one for one in entry["segments"] if kinds.get(one["field"]) == one["value"]]
        record = max(own, key=lambda one: _apart(one, entry), default=entry)
        if feature.practice is not None and record["holds"]:
            segment = (record["field"], record["value"]) if own else None
            place = (entry["id"], feature, feature.practice, entry["bound"], stage, page["day"], segment)
            found.append(Step(*place, record, formats))
    return sorted(found, key=lambda step: -weight(step.record))


def in_process(book: Mapping[str, Any]) -> list[str]:
    """The playbook's stages in the order of the process."""
    pages = book["stages"]
    return sorted(pages, key=lambda name: (pages[name]["position"] is None, pages[name]["position"], name))


def kinds_of(book: Mapping[str, Any], facts: Mapping[str, str], amount: float) -> dict[str, str]:
    """What a deal is, by the playbook's fields, from what people call its facts and from its amount."""
    kinds = {field: facts[name] for field in book["fields"] if (name := field.removeprefix(OF_ACCOUNTS)) in facts}
    bounds = np.asarray(book["size_bounds"])
    if len(bounds) and not np.isnan(amount):
        kinds[SIZE] = size_names(bounds)[int(size_codes(np.array(amount), bounds))]
    return kinds


def spoken_kind(field: str, value: str) -> str:
    """Deals of a segment, as read after "deals"."""
    name = field.removeprefix(OF_ACCOUNTS).replace("_", " ")
    whose = "of accounts of the" if field.startswith(OF_ACCOUNTS) else "of the"
    return f"worth {value}" if field == SIZE else f"{whose} {name} {value}"


def volume_verdict(record: Mapping[str, Any], false_alarms: float) -> str:
    """Whether more of something goes with winning: "more", "less", "alike", or "" where too few deals tell."""
    if record["odds"] is None:
        return ""
    if record["after"] <= false_alarms and not record["low"] <= 1 <= record["high"]:
        return "more" if record["odds"] > 1 else "less"
    return "alike" if record["low"] >= 1 / ALIKE and record["high"] <= ALIKE else ""


def _apart(one: Mapping[str, Any], whole: Mapping[str, Any]) -> float:
    """How far a segment's odds ratio lies from its stage's."""
    return abs(float(np.log(one["odds"] / whole["odds"])))
