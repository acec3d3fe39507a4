"""From exact SHAP values to reasons: one for each group of features, in probability points and in words.

The contributions of the features add up from the probability of a typical deal to the deal's own. SHAP
values are in log-odds; moving along the straight line from the typical deal to this one, each feature's share
of the change in probability is its share of the change in log-odds (Aumann and Shapley 1974).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.feature_records import Records
from serving.tell import Tell
from training.calibration import Calibrator

MOST_REASONS = 5
LEAST_POINTS = 0.005
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Reason:
    """One reason for or against.

    :param group: the features that it sums.
    :param feature: the one of them that it is told by, and :param value: its value (None = not known).
    :param says: the fact, in words.
    :param evidence: the historical rate of deals like it, in words; empty where there are too few, or where the
        rate alone hardly differs from that of all deals or points the other way.
    :param points: by how much it moves the probability.
    :param rate, deals: share of deals with a like value for which the outcome came true, of how many.
    :param actionable: whether a rep can do something about it.
    """

    group: str
    feature: str
    value: float | None
    says: str
    evidence: str
    points: float
    rate: float | None
    deals: int
    actionable: bool

    def as_json(self) -> dict[str, Any]:
        """Plain data for storing."""
        return {
            "group": self.group,
            "feature": self.feature,
            "value": None if self.value is None else round(self.value, 3),
            "says": self.says,
            "evidence": self.evidence,
            "points": round(self.points, 4),
            "rate": None if self.rate is None else round(self.rate, 4),
            "deals": self.deals,
            "actionable": self.actionable,
        }


@dataclass(frozen=True)
class Explanation:
    """Where a probability comes from: `base` + all points (shown and `rest`) = the probability."""

    base: float
    raising: tuple[Reason, ...]
    lowering: tuple[Reason, ...]
    rest: float

    def as_json(self) -> dict[str, Any]:
        """Plain data for storing."""
        return {
            "base": round(self.base, 4),
            "for": [reason.as_json() for reason in self.raising],
            "against": [reason.as_json() for reason in self.lowering],
            "rest": round(self.rest, 4),
        }


def probability_points(shap: np.ndarray, calibrator: Calibrator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Base (n,), contributions (n, features), probability (n,), with base + row sum = probability.

    :param shap: exact SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin.
    """
    values, expected = shap[:, :-1], shap[:, -1]
    total = values.sum(axis=1)
    base = calibrator.probability(expected)
    probability = calibrator.probability(expected + total)
    return base, values * points_per_unit(total, base, probability, calibrator)[:, None], probability


def points_per_unit(total: np.ndarray, start: np.ndarray, end: np.ndarray, calibrator: Calibrator) -> np.ndarray:
    """Change of the probability, from `start` to `end`, by unit of the log-odds that moved it; shape (n,).

    Where nothing moved it is the slope of the probability there.
    """
    moved = np.abs(total) > 1e-9
    return np.where(moved, (end - start) / np.where(moved, total, 1.0), calibrator.slope * start * (1 - start))


def explanations(
    tell: Tell, values: np.ndarray, base: np.ndarray, contributions: np.ndarray, facts: Sequence[Mapping[str, str]]
) -> Iterator[Explanation]:
    """The reasons of n deals, one after the other.

    :param values: their features, and :param contributions: what each adds to the probability; (n, features).
    :param base: the probability from which the contributions lead away; (n,).
    :param facts: what people call each deal's facts.
    """
    records = Records(tell.names, tell.reference, tell.outcome)
    for first in range(0, len(values), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        yield from _Block(tell, records, values[part], contributions[part]).explained(base[part], facts[part])


@dataclass(frozen=True)
class _Block:
    """Some deals' features and contributions, to be put into words."""

    tell: Tell
    records: Records
    values: np.ndarray
    contributions: np.ndarray

    def explained(self, base: np.ndarray, facts: Sequence[Mapping[str, str]]) -> Iterator[Explanation]:
        points = self.tell.summed(self.contributions)
        spans = self.records.spans(self.values)
        leads, agrees = self._leads(points, spans)
        strongest, weakest = np.argsort(-points, axis=1, kind="stable"), np.argsort(points, axis=1, kind="stable")
        total = self.contributions.sum(axis=1)
        for row, of_deal in enumerate(facts):

            def reason(group: int, row: int = row, of_deal: Mapping[str, str] = of_deal) -> Reason:
                lead = int(leads[row, group])
                span = int(spans[row, lead])
                return self._reason(row, group, lead, span, bool(agrees[row, group]), points[row, group], of_deal)

            raising = tuple(reason(g) for g in strongest[row, :MOST_REASONS] if points[row, g] >= LEAST_POINTS)
            lowering = tuple(reason(g) for g in weakest[row, :MOST_REASONS] if points[row, g] <= -LEAST_POINTS)
            shown = sum(one.points for one in (*raising, *lowering))
            yield Explanation(float(base[row]), raising, lowering, float(total[row]) - shown)

    def _leads(self, points: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The column by which each group is told, and whether its record agrees; shape (n, groups) each.

        It is the one that moves the group's way the most, those first whose record agrees.
        """
        leads, agrees = np.zeros(points.shape, dtype=np.int64), np.zeros(points.shape, dtype=bool)
        for group, columns in enumerate(self.tell.columns):
            sign = np.sign(points[:, [group]])
            same_way = self.contributions[:, columns] * sign
            agreeing = (same_way > 0) & self.records.agree(spans, columns, sign)
            ranked = np.where(agreeing, same_way + np.abs(same_way).max(initial=0), same_way)
            leads[:, group] = columns[np.argmax(ranked, axis=1)]
            agrees[:, group] = agreeing.any(axis=1)
        return leads, agrees

    def _reason(
        self, row: int, group: int, lead: int, span: int, agrees: bool, points: float, facts: Mapping[str, str]
    ) -> Reason:
        feature, value = self.tell.features[lead], float(self.values[row, lead])
        rate, deals = self.records.rate(lead, span)
        return Reason(
            self.tell.groups[group],
            feature.name,
            None if math.isnan(value) else value,
            self.tell.fact(lead, value, facts),
            self.tell.evidence(lead, value, span, facts) if agrees else "",
            float(points),
            rate,
            deals,
            feature.actionable,
        )
