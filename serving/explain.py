"""From exact SHAP values to reasons: one for each group of features, in probability points and in words.

The contributions of the features add up from the probability of a typical deal to the deal's own. SHAP
values are in log-odds; moving along the straight line from the typical deal to this one, each feature's share
of the change in probability is its share of the change in log-odds (Aumann and Shapley 1974).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature
from serving.wording import NOBREAK, peers, percent, sentence
from training.calibration import Calibrator

MOST_REASONS = 5
LEAST_POINTS = 0.005
LEAST_DEALS = 10
LEAST_DIFFERENCE = 0.03


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
            "for": [_rounded(reason) for reason in self.raising],
            "against": [_rounded(reason) for reason in self.lowering],
            "rest": round(self.rest, 4),
        }


WON = "won"
STALLED = "stalled"


def probability_points(shap: np.ndarray, calibrator: Calibrator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Base (n,), contributions (n, features), probability (n,), with base + row sum = probability.

    :param shap: exact SHAP values in log-odds, shape (n, features + 1); the last column is the expected margin.
    """
    values, expected = shap[:, :-1], shap[:, -1]
    total = values.sum(axis=1)
    base = calibrator.probability(expected)
    probability = calibrator.probability(expected + total)
    slope = calibrator.slope * base * (1 - base)
    moved = np.abs(total) > 1e-9
    per_unit = np.where(moved, (probability - base) / np.where(moved, total, 1.0), slope)
    return base, values * per_unit[:, None], probability


def explain(
    features: np.ndarray,
    names: tuple[str, ...],
    base: float,
    contributions: np.ndarray,
    catalogue: Catalogue,
    reference: Mapping[str, Any],
    facts: Mapping[str, str],
    outcome: str = WON,
) -> Explanation:
    """The reasons of one deal: its feature values and contributions, shape (features,) each."""
    groups: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        groups.setdefault(catalogue.feature(name).group, []).append(column)
    reasons = []
    for group, columns in groups.items():
        points = float(contributions[columns].sum())
        if abs(points) >= LEAST_POINTS:
            told = _Told(features, names, contributions, catalogue, reference, facts, outcome)
            reasons.append(told.reason(group, columns, points))
    raising = sorted((r for r in reasons if r.points > 0), key=lambda r: -r.points)[:MOST_REASONS]
    lowering = sorted((r for r in reasons if r.points < 0), key=lambda r: r.points)[:MOST_REASONS]
    shown = sum(reason.points for reason in (*raising, *lowering))
    return Explanation(base, tuple(raising), tuple(lowering), float(contributions.sum()) - shown)


@dataclass(frozen=True)
class _Told:
    """What is needed to put one deal's contributions into words."""

    features: np.ndarray
    names: tuple[str, ...]
    contributions: np.ndarray
    catalogue: Catalogue
    reference: Mapping[str, Any]
    facts: Mapping[str, str]
    outcome: str

    def reason(self, group: str, columns: list[int], points: float) -> Reason:
        """The group's reason, told by the feature that moves it most and whose record agrees with it."""
        same_way = [c for c in columns if self.contributions[c] * points > 0]
        ranked = sorted(same_way, key=lambda c: -abs(self.contributions[c]))
        agreeing = [c for c in ranked if self._agrees(c, points)]
        lead = (agreeing or ranked)[0]
        feature, value = self.catalogue.feature(self.names[lead]), float(self.features[lead])
        rate, deals = self._rate(lead)
        return Reason(
            group,
            feature.name,
            None if math.isnan(value) else value,
            sentence(feature, value, self.facts),
            self._evidence(feature, lead) if agreeing else "",
            points,
            rate,
            deals,
            feature.actionable,
        )

    def _bin(self, column: int) -> tuple[Mapping[str, Any], int]:
        table, value = self.reference["features"][self.names[column]], float(self.features[column])
        if math.isnan(value):
            return table["missing"], -1
        which = max(int(np.searchsorted(table["bounds"], value, side="right")) - 1, 0)
        return table["bins"][which], which

    def _rate(self, column: int) -> tuple[float | None, int]:
        found, _ = self._bin(column)
        if self.outcome == STALLED:
            return found["stall_rate"], found["stall_deals"]
        return (found["won"] / found["deals"] if found["deals"] else None), found["deals"]

    @property
    def _overall(self) -> float:
        return float(self.reference["win_rate" if self.outcome == WON else "stall_rate"])

    def _agrees(self, column: int, points: float) -> bool:
        rate, deals = self._rate(column)
        if rate is None or deals < LEAST_DEALS:
            return False
        return (rate - self._overall) * np.sign(points) >= LEAST_DIFFERENCE

    def _evidence(self, feature: Feature, column: int) -> str:
        found, which = self._bin(column)
        rate, deals = self._rate(column)
        if rate is None:
            return ""
        if which < 0:
            who = "deals for which this was so"
        else:
            who = peers(feature, self.reference["features"][feature.name]["bounds"], which, self.facts)
        if self.outcome == STALLED:
            record = f"stall {percent(rate)} of the time (n{NOBREAK}={NOBREAK}{deals:,})"
        else:
            record = f"are won {percent(rate)} of the time ({found['won']:,} of {deals:,})"
        return f"{who[:1].upper()}{who[1:]} {record}, against {percent(self._overall)} of all."


def _rounded(reason: Reason) -> dict[str, Any]:
    data = asdict(reason)
    data["points"] = round(reason.points, 4)
    data["value"] = None if reason.value is None else round(reason.value, 3)
    data["rate"] = None if reason.rate is None else round(reason.rate, 4)
    return data
