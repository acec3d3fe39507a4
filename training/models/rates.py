"""Shrunken rates: the answer where data are few, and the baselines that every model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.rows import Rows

STRENGTH = 10.0
"""As if so many deals more had gone as the company's do."""


@dataclass(frozen=True)
class StageRates:
    """A rate for each stage, shrunk towards the overall one; `deals` counts the deals that each rests on.

    Rates are over snapshots, as models answer for snapshots: a deal that stood long counts more.
    """

    overall: float
    by_stage: Mapping[str, float]
    deals: Mapping[str, int]

    def probability(self, stage: np.ndarray) -> np.ndarray:
        """The rate of each row's stage; the overall one where the stage is new or not known. Shape (n,)."""
        return np.array([self.by_stage.get(s, self.overall) for s in stage], dtype=float)


def win_rates(rows: Rows, strength: float = STRENGTH) -> StageRates:
    """Share of closed deals' snapshots, by the stage they stood in, that ended in a win."""
    closed = rows.where(rows.outcome >= 0)
    return stage_rates(closed, (closed.outcome == 1).astype(float), strength)


def stall_rates(rows: Rows, strength: float = STRENGTH) -> StageRates:
    """Share of snapshots, by the stage they stood in, that were followed by a stall."""
    known = rows.where(~np.isnan(rows.stalled))
    return stage_rates(known, known.stalled, strength)


def stage_rates(rows: Rows, target: np.ndarray, strength: float = STRENGTH) -> StageRates:
    """Mean of a target in [0, 1] over the snapshots of each stage."""
    overall = float(target.mean()) if len(target) else 0.5
    by_stage, deals = {}, {}
    for name in sorted({stage for stage in rows.stage if stage is not None}):
        inside = rows.stage == name
        deals[name] = len(np.unique(rows.deal[inside]))
        rate = float(target[inside].mean())
        by_stage[name] = (rate * deals[name] + overall * strength) / (deals[name] + strength)
    return StageRates(overall, by_stage, deals)
