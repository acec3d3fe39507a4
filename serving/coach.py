"""What won deals had done at this stage that this deal lacks, of the things that a rep can still do.

Association, not cause: each gap comes with what won and lost deals had and how many they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from serving.explain import Explanation
from serving.formats import HOUSE, Formats
from serving.playbook import Step, kinds_of, steps
from serving.wording import sentence
from training.landmarks import DAYS_IN_STAGE
from training.segments import AMOUNT

MOST_GAPS = 3
STRONGLY = 0.03
"""Probability points from which what a practice is about speaks so much for a deal that no gap is told of it."""


@dataclass(frozen=True)
class Gap:
    """One gap between a deal and what won deals had done in its stage.

    :param won, lost: shares of the won and of the lost deals that had it, of `won_deals` and `lost_deals`.
    :param odds, low, high: common odds ratio of having had it, deals of a like chance compared, with its interval.
    :param segment: whose record it is, where that differs from the stage's: field and value.
    """

    practice: str
    feature: str
    brief: str
    says: str
    here: float | None
    won: float
    won_deals: int
    lost: float
    lost_deals: int
    odds: float
    low: float
    high: float
    segment: tuple[str, str] | None
    kind: str = "gap"


@dataclass
class Coach:
    """Finds gaps; what a stage's playbook says to a kind of deals is looked up once."""

    book: Mapping[str, Any]
    catalogue: Catalogue
    names: tuple[str, ...]
    formats: Formats = HOUSE
    _looked_up: dict[tuple[str | None, tuple[tuple[str, str], ...]], list[tuple[int, Step]]] = field(
        default_factory=dict
    )

    def gaps(
        self, x: np.ndarray, stage: str | None, facts: Mapping[str, str], why: Explanation | None = None
    ) -> tuple[Gap, ...]:
        """The gaps of a deal, weightiest first, one for each group of features.

        :param x: its features in the order of `names`; shape (features,).
        :param facts: what people call its facts.
        :param why: where its win chance comes from; what speaks strongly for it already is no gap.
        """
        strong = {reason.group for reason in why.raising if reason.points >= STRONGLY} if why else set()
        told: dict[str, Gap] = {}
        for column, step in self._steps(x, stage, facts):
            group, value = step.feature.group, float(x[column])
            if group not in told and group not in strong and not step.practice.had(np.array(value), step.bound):
                told[group] = _gap(step, value, facts, self._day(x))
        return tuple(told.values())[:MOST_GAPS]

    def _steps(self, x: np.ndarray, stage: str | None, facts: Mapping[str, str]) -> list[tuple[int, Step]]:
        kinds = kinds_of(self.book, facts, self._value(x, AMOUNT))
        key = (stage, tuple(sorted(kinds.items())))
        if key not in self._looked_up:
            found = steps(self.book, stage, kinds, self.catalogue, self.formats)
            self._looked_up[key] = [
                (self.names.index(step.feature.name), step)
                for step in found
                if step.usual and step.practice.mendable and step.feature.name in self.names
            ]
        return self._looked_up[key]

    def _day(self, x: np.ndarray) -> float:
        return self._value(x, DAYS_IN_STAGE)

    def _value(self, x: np.ndarray, name: str) -> float:
        return float(x[self.names.index(name)]) if name in self.names else math.nan


def asked_of_deals(catalogue: Catalogue) -> tuple[str, ...]:
    """The features by which gaps are found."""
    practices = (feature.name for feature in catalogue.features if feature.practice)
    return (AMOUNT, DAYS_IN_STAGE, *practices)


def as_json(found: tuple[Gap, ...]) -> list[dict[str, Any]]:
    """Plain data for storing."""
    return [{name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(gap).items()} for gap in found]


def _gap(step: Step, value: float, facts: Mapping[str, str], day: float) -> Gap:
    early = f" This one is on day {math.floor(day)}." if step.day is not None and day < step.day else ""
    record, form = step.record, step.formats
    return Gap(
        step.id,
        step.feature.name,
        f"{form.percent(step.won)} of won deals had {step.done} (lost: {form.percent(step.lost)})",
        f"{sentence(step.feature, value, facts, form)} {step.evidence}{early}",
        None if math.isnan(value) else value,
        step.won,
        record["won"],
        step.lost,
        record["lost"],
        record["odds"],
        record["low"],
        record["high"],
        step.segment,
    )
