"""What happened to deals like it: historical rates by feature value and stage, kept with the model.

Reasons and coaching read these tables; each rate comes with the count of deals it rests on, and each deal
counts once in a bin however many snapshots it has there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature
from training.models.amount import fit_amount
from training.models.rates import STRENGTH, win_rates
from training.playbook import playbook
from training.rows import Rows
from training.stage_deals import Kinds

MOVED_LEAST_DEALS = 100
FIFTHS = 5


def reference_tables(rows: Rows, amount_ratio: np.ndarray, catalogue: Catalogue, kinds: Kinds) -> dict[str, Any]:
    """All tables as JSON-able data; outcomes as known at the end of the rows.

    :param kinds: what kind of deal each row is, by field (:class:`features.dataset.TrainingSet`).
    """
    everywhere = np.ones(len(rows), dtype=bool)
    all_deals = _of_bin(rows, everywhere)
    return {
        "win_rate": all_deals["won"] / max(all_deals["deals"], 1),
        "stall_rate": all_deals["stall_rate"],
        "closed_deals": all_deals["deals"],
        "won_deals": all_deals["won"],
        "stages": {
            name: {
                **_of_bin(rows, rows.stage == name),
                **moved_against_stalled(rows, rows.stage == name),
            }
            for name in sorted({s for s in rows.stage if s is not None})
        },
        "all": moved_against_stalled(rows, everywhere),
        "amount": asdict(fit_amount(amount_ratio, rows.stage, rows.deal)),
        "features": {
            name: _of_feature(rows, column, catalogue.feature(name)) for column, name in enumerate(rows.names)
        },
        "playbook": playbook(rows, kinds, catalogue),
    }


def moved_against_stalled(rows: Rows, inside: np.ndarray) -> Mapping[str, float | None]:
    """Win rates of deals that moved on and of deals that stalled, shrunk to the overall rate."""
    known = inside & ~np.isnan(rows.stalled) & (rows.outcome >= 0)
    overall = win_rates(rows).overall
    return {
        name: _shrunken(rows, known & (rows.stalled == value), overall)
        for name, value in (("win_rate_moved", 0.0), ("win_rate_stalled", 1.0))
    }


def moved_by_chance(
    chance: np.ndarray, stalled: np.ndarray, outcome: np.ndarray, deal: np.ndarray
) -> dict[str, list[float]] | None:
    """Win rates of snapshots that moved on and that stalled, by win chance; what a stall costs a like deal.

    :param chance: win probability given at the time, by a model that had not seen the deal; other columns as
        in :class:`Rows`; shape (n,) each.
    Returns the mean chance of each fifth with both rates, shrunk to the chance itself; None where nothing is
    known of both.
    """
    known = ~np.isnan(stalled) & (outcome >= 0)
    if len(np.unique(deal[known])) < MOVED_LEAST_DEALS:
        return None
    chance, stalled, outcome, deal = chance[known], stalled[known], outcome[known], deal[known]
    found: dict[str, list[float]] = {"chance": [], "moved": [], "stalled": []}
    for part in np.array_split(np.argsort(chance, kind="stable"), FIFTHS):
        mean = float(chance[part].mean())
        found["chance"].append(mean)
        for name, value in (("moved", 0.0), ("stalled", 1.0)):
            inside = part[stalled[part] == value]
            deals = len(np.unique(deal[inside]))
            won = float((outcome[inside] == 1).mean()) if deals else mean
            found[name].append((won * deals + mean * STRENGTH) / (deals + STRENGTH))
    return found


def _shrunken(rows: Rows, inside: np.ndarray, overall: float) -> float | None:
    deals = np.unique(rows.deal[inside])
    if not len(deals):
        return None
    won = len(np.unique(rows.deal[inside & (rows.outcome == 1)]))
    return (won + overall * STRENGTH) / (len(deals) + STRENGTH)


def _of_feature(rows: Rows, column: int, feature: Feature) -> dict[str, Any]:
    values = rows.x[:, column].astype(float)
    known = ~np.isnan(values)
    bounds = bin_bounds(values[known], feature)
    which = np.where(known, np.searchsorted(bounds, values, side="right") - 1, -1)
    bins = [_of_bin(rows, which == b) for b in range(len(bounds))]
    return {
        "known": float(known.mean()),
        "bounds": [float(b) for b in bounds],
        "bins": bins,
        "missing": _of_bin(rows, ~known),
    }


def bin_bounds(values: np.ndarray, feature: Feature) -> np.ndarray:
    """Lower bounds of the spans of a feature's values: as declared, else quintiles of the data."""
    if feature.bins:
        return np.asarray(feature.bins, dtype=float)
    if not len(values):
        return np.zeros(1)
    return np.unique(np.quantile(values, [0, 0.2, 0.4, 0.6, 0.8], method="lower"))


def _of_bin(rows: Rows, inside: np.ndarray) -> dict[str, Any]:
    closed = inside & (rows.outcome >= 0)
    known = inside & ~np.isnan(rows.stalled)
    deals = len(np.unique(rows.deal[known]))
    return {
        "deals": len(np.unique(rows.deal[closed])),
        "won": len(np.unique(rows.deal[inside & (rows.outcome == 1)])),
        "stall_deals": deals,
        "stall_rate": float(rows.stalled[known].mean()) if deals else None,
    }
