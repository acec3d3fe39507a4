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
    """A rate for each stage, shrunk towards the overall one; `deals` counts what each rests on."""

    overall: float
    by_stage: Mapping[str, float]
    deals: Mapping[str, int]

    def probability(self, stage: np.ndarray) -> np.ndarray:
        """The rate of each row's stage; the overall one where the stage is new or not known. Shape (n,)."""
        return np.array([self.by_stage.get(s, self.overall) for s in stage], dtype=float)


def win_rates(rows: Rows, strength: float = STRENGTH) -> StageRates:
    """Share won of closed deals by each stage they stood in at a snapshot; each deal counts once a stage."""
    closed = rows.where(rows.outcome >= 0)
    return _rates(closed, (closed.outcome == 1).astype(float), strength)


def stall_rates(rows: Rows, strength: float = STRENGTH) -> StageRates:
    """Share of a deal's snapshots in a stage that were followed by a stall, averaged over deals."""
    known = rows.where(~np.isnan(rows.stalled))
    return _rates(known, known.stalled, strength)


def _rates(rows: Rows, target: np.ndarray, strength: float) -> StageRates:
    overall = _mean_over_deals(rows.deal, target)
    names = sorted({stage for stage in rows.stage if stage is not None})
    by_stage, deals = {}, {}
    for name in names:
        inside = rows.stage == name
        count = len(np.unique(rows.deal[inside]))
        rate = _mean_over_deals(rows.deal[inside], target[inside])
        by_stage[name] = (rate * count + overall * strength) / (count + strength)
        deals[name] = count
    return StageRates(overall, by_stage, deals)


def _mean_over_deals(deal: np.ndarray, target: np.ndarray) -> float:
    if not len(deal):
        return 0.5
    _, code = np.unique(deal, return_inverse=True)
    return float((np.bincount(code, target) / np.bincount(code)).mean())
