"""Why a deal's win chance moved since the run before: reason by reason, and what was not the deal's doing.

The change has up to three parts that sum to it: what changed in the facts (the same model asked of both dates), what
was entered or corrected since about the time before (the same model asked of the earlier date, then and now), and
another model (both models asked of the earlier date).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.explain import LEAST_POINTS, points_per_unit
from serving.tell import Tell
from training.calibration import Calibrator

MOST_MOVES = 5


@dataclass(frozen=True)
class Then:
    """What was said of n deals in the run before, and what is said today of that date; NaN where nothing was.

    :param as_of: of the run before, milliseconds.
    :param said: the win probability that it gave; (n,).
    :param by_its_model: what its model says today of that date, which differs where facts were entered late; (n,).
        NaN where that model cannot be asked any more.
    :param shap: the present model's SHAP values of that date in log-odds, (n, features + 1).
    :param values: the present model's features of that date, (n, features).
    :param facts: what people called each deal's facts then.
    :param same_model: whether the present model is the one of then.
    """

    as_of: int
    said: np.ndarray
    by_its_model: np.ndarray
    shap: np.ndarray
    values: np.ndarray
    facts: Sequence[Mapping[str, str]]
    same_model: bool


@dataclass(frozen=True)
class Move:
    """One reason why it moved: the fact now and before, and by how much it moved the probability."""

    group: str
    feature: str
    says: str
    before: str
    points: float

    def as_json(self) -> dict[str, Any]:
        """Plain data for storing."""
        return {
            "group": self.group,
            "feature": self.feature,
            "says": self.says,
            "before": self.before,
            "points": round(self.points, 4),
        }


@dataclass(frozen=True)
class Movement:
    """A change of probability: the points of all `moves`, `rest`, `late` and `model` sum to it."""

    start: float
    end: float
    moves: tuple[Move, ...]
    rest: float
    late: float
    model: float

    def as_json(self) -> dict[str, Any]:
        """Plain data for storing; `facts` is what the deal's own facts moved."""
        return {
            "from": round(self.start, 4),
            "to": round(self.end, 4),
            "facts": round(self.end - self.start - self.late - self.model, 4),
            "moves": [move.as_json() for move in self.moves],
            "rest": round(self.rest, 4),
            "late": round(self.late, 4),
            "model": round(self.model, 4),
        }


def movements(
    tell: Tell,
    values: np.ndarray,
    shap: np.ndarray,
    calibrator: Calibrator,
    then: Then,
    facts: Sequence[Mapping[str, str]],
) -> list[Movement | None]:
    """Why each of n deals moved; None for those of which nothing was said before.

    :param values, shap: the model's features and SHAP values (log-odds, the expected margin last) of now.
    """
    end = calibrator.probability(shap.sum(axis=1))
    start = calibrator.probability(then.shap.sum(axis=1))
    moved = shap[:, :-1] - then.shap[:, :-1]
    points = moved * points_per_unit(moved.sum(axis=1), start, end, calibrator)[:, None]
    by_group = tell.summed(points)
    asked = np.where(np.isnan(then.by_its_model), then.said, then.by_its_model)
    late = start - then.said if then.same_model else asked - then.said
    model = np.zeros_like(late) if then.same_model else start - asked
    found: list[Movement | None] = []
    for row, said in enumerate(then.said):
        if np.isnan(said) or np.isnan(start[row]):
            found.append(None)
            continue
        order = np.argsort(-np.abs(by_group[row]), kind="stable")[:MOST_MOVES]
        told = tuple(
            _move(tell, int(group), points[row], (values[row], then.values[row]), (facts[row], then.facts[row]))
            for group in order
            if abs(by_group[row, group]) >= LEAST_POINTS
        )
        rest = float(points[row].sum()) - sum(move.points for move in told)
        found.append(Movement(float(said), float(end[row]), told, rest, float(late[row]), float(model[row])))
    return found


def _move(
    tell: Tell,
    group: int,
    points: np.ndarray,
    values: tuple[np.ndarray, np.ndarray],
    facts: tuple[Mapping[str, str], Mapping[str, str]],
) -> Move:
    """The group's move, told by the feature that moved it most, those first whose own value differs; now and then."""
    columns = tell.columns[group]
    total = float(points[columns].sum())
    now, then = (side[columns] for side in values)
    same_way = points[columns] * np.sign(total)
    differs = ~((now == then) | (np.isnan(now) & np.isnan(then)))
    lead = int(columns[np.argmax(np.where(differs, same_way + np.abs(same_way).max(), same_way))])
    says, said = (tell.fact(lead, float(side[lead]), fact) for side, fact in zip(values, facts, strict=True))
    return Move(tell.groups[group], tell.features[lead].name, says, "" if said == says else said, total)
