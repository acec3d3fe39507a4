"""Turning a model's margin into a probability that keeps its promise, and showing whether it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from training.scores import EPSILON, equal_bins, resampled_clusters

NEWTON_STEPS = 30
AS_IT_STANDS = np.array([0.0, 1.0])
TRUST = 100.0
"""How surely a margin is taken to be right as it stands: 1 ÷ (0.1 log-odds)², of the intercept and of the slope."""


@dataclass(frozen=True)
class Calibrator:
    """Logistic recalibration: probability = expit(intercept + slope × margin) (Cox 1958, Platt 1999)."""

    intercept: float = 0.0
    slope: float = 1.0

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Calibrated probability of a margin (log-odds); strictly increasing, or flat where slope is 0."""
        return expit(self.intercept + self.slope * margin)


def fit_calibrator(margin: np.ndarray, target: np.ndarray, deals: int | None = None) -> Calibrator:
    """Fit on dates later than the model saw; `target` in [0, 1] may be soft (a probability).

    A model whose margin tells nothing, or tells the wrong way, gets slope 0: the base rate for everyone.

    :param deals: how many deals the rows are of, for a margin that needs little correction: the fewer, the less it
        is moved (docs/decisions/0013). None where the rows are to decide alone.
    """
    base = float(np.clip(target.mean(), EPSILON, 1 - EPSILON))
    flat = Calibrator(float(logit(base)), 0.0)
    if np.ptp(margin) < EPSILON or base in (EPSILON, 1 - EPSILON):
        return flat
    each = np.ones(len(margin))
    intercept, slope = _logistic_line(margin, target, each)
    if slope <= 0:
        return flat
    if deals is not None:
        intercept, slope = _logistic_line(margin, target, each * deals / len(margin), TRUST)
    return Calibrator(intercept, slope)


def calibration_line(
    y: np.ndarray, p: np.ndarray, weight: np.ndarray, cluster: np.ndarray, draws: int = 100
) -> tuple[float, float, float]:
    """Calibration slope (1 = right; below 1 = too sure) with its 90 % interval over clusters (deals)."""
    margin = logit(np.clip(p, EPSILON, 1 - EPSILON))
    if np.ptp(margin) < EPSILON or len(np.unique(y)) < 2:
        return float("nan"), float("nan"), float("nan")
    _, code = np.unique(cluster, return_inverse=True)
    samples = resampled_clusters(int(code.max()) + 1, draws)
    slopes = [_logistic_line(margin, y, weight * times[code])[1] for times in samples]
    low, high = np.quantile(slopes, [0.05, 0.95])
    return _logistic_line(margin, y, weight)[1], float(low), float(high)


@dataclass(frozen=True)
class ReliabilityRow:
    """One bin of a reliability table: promised against kept, with deals counted once."""

    promised: float
    kept: float
    rows: int
    deals: int


def reliability(
    y: np.ndarray, p: np.ndarray, weight: np.ndarray, cluster: np.ndarray, bins: int = 10
) -> tuple[ReliabilityRow, ...]:
    """Share won in bins of about equal row count, by rising probability; equal probabilities share a bin."""
    rows = []
    which = equal_bins(p, np.ones(len(p)), bins)
    for part in (np.flatnonzero(which == b) for b in np.unique(which)):
        if weight[part].sum() > 0:
            rows.append(
                ReliabilityRow(
                    float(np.average(p[part], weights=weight[part])),
                    float(np.average(y[part], weights=weight[part])),
                    len(part),
                    len(np.unique(cluster[part])),
                )
            )
    return tuple(rows)


def _logistic_line(
    margin: np.ndarray, target: np.ndarray, weight: np.ndarray, trust: float = 0.0
) -> tuple[float, float]:
    """Intercept and slope of a weighted logistic regression on one margin, targets in [0, 1] (Newton).

    :param trust: precision of a normal prior at intercept 0 and slope 1.
    """
    base = float(np.clip(np.average(target, weights=weight), EPSILON, 1 - EPSILON))
    line = np.array([logit(base), 0.0])
    design = np.column_stack([np.ones(len(margin)), margin])
    for _ in range(NEWTON_STEPS):
        p = expit(design @ line)
        gradient = design.T @ (weight * (target - p)) - trust * (line - AS_IT_STANDS)
        curvature = (design * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design
        step = np.linalg.solve(curvature + (trust + 1e-9) * np.eye(2), gradient)
        line = line + np.clip(step, -2, 2)  # a bounded step keeps separable data from running away
        if np.abs(step).max() < 1e-8:
            break
    return float(line[0]), float(line[1])
