"""Whether more of anything goes with winning: told as a fact, and never advised."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.feature import Feature
from training.stage_deals import StageDeals
from training.stratified import association, tables
from training.tellings import numbers_of, or_none, over_all


def volumes_of(stages: list[StageDeals], volumes: list[tuple[Feature, int]]) -> dict[str, list[dict[str, Any]]]:
    """Of each volume in each stage: medians of won and lost deals, and whether more than usual goes with either."""
    if not volumes:
        return {}
    columns = [column for _, column in volumes]
    usual = [np.nan_to_num(np.nanmedian(stage.x[:, columns].astype(float), axis=0)) for stage in stages]
    counts = [
        tables(_more(stage.x[:, columns].astype(float), here), stage.won, stage.stratum)
        for stage, here in zip(stages, usual, strict=True)
    ]
    found = [association(one) for one in counts]
    after = over_all([one.chance_of_other for one in found])
    return {
        stage.name: [
            {
                "feature": feature.name,
                "usual": float(usual[s][i]),
                "won_median": or_none(np.nanmedian(stage.x[stage.won, column])),
                "lost_median": or_none(np.nanmedian(stage.x[~stage.won, column])),
                **numbers_of(counts[s], found[s], i),
                "after": or_none(after[s][i]),
            }
            for i, (feature, column) in enumerate(volumes)
            if found[s].told[i]
        ]
        for s, stage in enumerate(stages)
    }


def _more(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Whether each deal has more than is usual; NaN where that is not known. Shape of `values`."""
    return np.where(np.isnan(values), np.nan, values > usual)
