"""What won deals had done at a stage by then that lost deals had not, and whether more of anything goes with winning.

Each stage's closed deals are compared at one time in the stage (:mod:`training.landmarks`), a deal with others of a
like win chance: strata of the chance by all that is neither a practice nor volume, told by models that had not
seen the deal. It is association: deals may differ in what no feature tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature
from training.composition import Chance, chances, composition
from training.rows import Rows
from training.segments import AMOUNT, FALSE_ALARMS, size_bounds, sized
from training.stage_deals import Kinds, StageDeals, stage_deals
from training.stratified import Association, Tables, association, tables, unlike
from training.tellings import numbers_of, or_none, over_all
from training.volumes import volumes_of

STRATA = 10
"""Of a chance told by features alone; five leave more of what deals are (docs/decisions/0018 has the figures)."""

LEAST_DEALS = 20
"""Won deals, and lost ones, without which a stage or a segment has no statements."""

LEAST_SHARE, LEAST_DIFFERENCE = 0.2, 0.05
"""What fewer of the won deals had, or hardly more of them than of the lost, is no practice of theirs."""

MOST = 0.5
"""What so many of the won deals had may be missed in others; of bounds those are preferred that so many kept."""

OWNER = "owner"
SIZE = "size"


@dataclass(frozen=True)
class Statement:
    """A practice with one of its bounds; `column` is the feature's place among the rows' features."""

    feature: Feature
    bound: float
    column: int

    def had(self, x: np.ndarray) -> np.ndarray:
        """1 had, 0 had not, NaN not asked; shape (n,)."""
        assert self.feature.practice is not None
        return self.feature.practice.had(x[:, self.column].astype(float), self.bound)


def playbook(rows: Rows, kinds: Kinds, catalogue: Catalogue) -> dict[str, Any]:
    """The playbook as JSON-able data: each stage's practices and volumes, of the stage and of its segments.

    :param kinds: what kind of deal each row is, by field; owners are left out: they are people.
    """

    def chance(rows: Rows, places: np.ndarray) -> np.ndarray:
        return chances(rows, places, composition(rows.names, catalogue))

    return playbook_of(rows, kinds, catalogue, chance, STRATA)


def playbook_of(rows: Rows, kinds: Kinds, catalogue: Catalogue, chance: Chance, strata: int) -> dict[str, Any]:
    """The playbook by a chance and so many strata of it; else as :func:`playbook`."""
    asked = statements(rows, catalogue)
    volumes = [(f, rows.names.index(f.name)) for f in catalogue.features if f.volume and f.name in rows.names]
    bounds = size_bounds(_amounts(rows))
    segments = {field: kind for field, kind in kinds.items() if field != OWNER}
    segments |= {SIZE: sized(_amounts(rows), bounds)} if len(bounds) else {}
    stages = stage_deals(rows, segments, chance, strata)
    open_to = [stage for stage in stages if _enough(stage, np.ones(len(stage.won), dtype=bool))]
    practices = _practices(open_to, asked)
    amounts = volumes_of(open_to, volumes)
    return {
        "size_bounds": bounds.tolist(),
        "fields": _looked_at(open_to, segments),
        "stages": {
            stage.name: {
                "from_day": stage.landmark.from_day,
                "day": stage.landmark.day,
                "position": _position(rows, stage.name),
                "won": int(stage.won.sum()),
                "lost": int((~stage.won).sum()),
                **practices.get(stage.name, {"tried": 0, "practices": []}),
                "volume": amounts.get(stage.name, []),
            }
            for stage in stages
        },
    }


def statements(rows: Rows, catalogue: Catalogue) -> list[Statement]:
    """Every practice that the rows' features tell of, with each of its bounds."""
    place = {name: column for column, name in enumerate(rows.names)}
    return [
        Statement(feature, float(bound), place[feature.name])
        for feature in catalogue.features
        if feature.practice and feature.name in place
        for bound in feature.practice.bounds
    ]


def _practices(stages: list[StageDeals], asked: list[Statement]) -> dict[str, dict[str, Any]]:
    """Each stage's practices: the bound of each feature that is best supported, weightiest first."""
    had = [np.column_stack([one.had(stage.x) for one in asked]) if asked else np.zeros((0, 0)) for stage in stages]
    if not asked:
        return {}
    whole = [tables(yes, stage.won, stage.stratum) for stage, yes in zip(stages, had, strict=True)]
    found = [association(counts) for counts in whole]
    after = over_all([one.chance_of_more for one in found])
    parts = [_segments(*one) for one in zip(stages, had, whole, strict=True)]
    alarms = iter(over_all([part.differs for of_stage in parts for part in of_stage]))
    named = [[(part, next(alarms)) for part in of_stage] for of_stage in parts]
    return {
        stage.name: {
            "tried": int(found[i].told.sum()),
            "practices": _best(asked, whole[i], found[i], after[i], named[i]),
        }
        for i, stage in enumerate(stages)
    }


@dataclass(frozen=True)
class _Segment:
    """A segment's deals of a stage beside the stage's other deals; `differs` is how likely by chance alone."""

    field: str
    value: str
    counts: Tables
    found: Association
    differs: np.ndarray


def _segments(stage: StageDeals, had: np.ndarray, whole: Tables) -> list[_Segment]:
    """Each segment of a stage with enough deals, its strata those of the stage."""
    found = []
    for field, kind in stage.kinds.items():
        for code, value in enumerate(kind.categories):
            inside = np.asarray(kind.codes) == code
            if not _enough(stage, inside):
                continue
            counts = tables(np.where(inside[:, None], had, np.nan), stage.won, stage.stratum)
            here = association(counts)
            found.append(_Segment(field, str(value), counts, here, unlike(here, association(whole - counts))))
    return found


def _looked_at(stages: list[StageDeals], segments: Kinds) -> dict[str, list[str]]:
    """The segments that have enough deals in a stage at least, by field."""
    return {
        field: [
            str(value)
            for code, value in enumerate(kind.categories)
            if any(_enough(stage, np.asarray(stage.kinds[field].codes) == code) for stage in stages)
        ]
        for field, kind in segments.items()
    }


def _enough(stage: StageDeals, inside: np.ndarray) -> bool:
    """Whether these deals of a stage were won, and lost, often enough to be told of."""
    won = int(stage.won[inside].sum())
    return min(won, int(inside.sum()) - won) >= LEAST_DEALS


def _best(
    asked: list[Statement],
    counts: Tables,
    found: Association,
    after: np.ndarray,
    named: list[tuple[_Segment, np.ndarray]],
) -> list[dict[str, Any]]:
    """The practices of a stage that hold in it, or in a segment that differs from it; a bound a feature."""
    best: dict[str, tuple[tuple[bool, float], dict[str, Any]]] = {}
    for i, statement in enumerate(asked):
        own = numbers_of(counts, found, i)
        own["after"] = or_none(after[i])
        holds = _holds(own) and bool(after[i] <= FALSE_ALARMS)
        segments = [
            {"field": part.field, "value": part.value, **there, "holds": _holds(there)}
            for part, differs in named
            if differs[i] <= FALSE_ALARMS
            for there in [numbers_of(part.counts, part.found, i)]
        ]
        if not (holds or any(part["holds"] for part in segments)):
            continue
        name = statement.feature.name
        entry = {"id": f"{name}:{statement.bound:g}", "feature": name, "bound": statement.bound, **own, "holds": holds}
        support = (holds and own["won_had"] >= MOST * own["won"], float(found.score[i]) if holds else 0.0)
        if name not in best or support > best[name][0]:
            best[name] = (support, {**entry, "segments": segments})
    return sorted((entry for _, entry in best.values()), key=lambda one: (not one["holds"], -weight(one)))


def weight(numbers: Mapping[str, Any]) -> float:
    """How much winning goes with it at least, times how many of the won deals had it: what is told first."""
    return float(np.log(max(numbers["low"] or 1.0, 1.0)) * numbers["won_had"] / max(numbers["won"], 1))


def _holds(numbers: Mapping[str, Any]) -> bool:
    """Whether winning goes with it beyond chance and enough of the won deals had it, clearly more than of the lost."""
    if numbers["low"] is None or numbers["low"] <= 1:
        return False
    won, lost = numbers["won_had"] / numbers["won"], numbers["lost_had"] / numbers["lost"]
    return bool(won >= LEAST_SHARE and won - lost >= LEAST_DIFFERENCE)


def _amounts(rows: Rows) -> np.ndarray:
    return rows.x[:, rows.names.index(AMOUNT)].astype(float) if AMOUNT in rows.names else np.zeros(0)


def _position(rows: Rows, stage: str) -> float | None:
    """The stage's place in the process, where it is known."""
    if "stage_position" not in rows.names:
        return None
    place = rows.x[rows.stage == stage, rows.names.index("stage_position")]
    return or_none(float(np.nanmedian(place)) if (~np.isnan(place)).any() else np.nan)
