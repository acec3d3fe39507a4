"""Each stage's closed deals at the landmark, in strata of like ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.composition import Chance, strata_of
from training.landmarks import Landmark, landmarks
from training.rows import Rows

Kinds = Mapping[str, "pd.Categorical[str]"]
"""What kind of deal each row is, by field; shape (n,) each."""


@dataclass(frozen=True)
class StageDeals:
    """One stage's deals at the landmark.

    :param x: their features, shape (deals, features); :param won: bool, shape (deals,).
    :param stratum: the stratum of each, from 0; :param kinds: what kind of deal each is, by field.
    """

    name: str
    landmark: Landmark
    x: np.ndarray
    won: np.ndarray
    stratum: np.ndarray
    kinds: Mapping[str, pd.Categorical[str]]


def stage_deals(rows: Rows, segments: Kinds, chance: Chance, strata: int) -> list[StageDeals]:
    """The deals of each stage, in the order of the stages' names, their strata by `chance`."""
    found = landmarks(rows)
    if not found:
        return []
    places = np.concatenate([one.rows for one in found.values()])
    ends = np.cumsum([len(one.rows) for one in found.values()])[:-1]
    return [
        StageDeals(
            name,
            one,
            rows.x[one.rows],
            rows.outcome[one.rows] == 1,
            strata_of(likely, strata),
            {field: kind[one.rows] for field, kind in segments.items()},
        )
        for (name, one), likely in zip(found.items(), np.split(chance(rows, places), ends), strict=True)
    ]
