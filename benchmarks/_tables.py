"""Scores of probabilities against what happened, with intervals over deals, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.calibration import calibration_line, reliability
from training.scores import (
    Interval,
    auc,
    auc_interval,
    brier_losses,
    calibration_error,
    log_losses,
    mean_interval,
    resampled_clusters,
)

DRAWS = 500


def saved(y: np.ndarray, better: np.ndarray, worse: np.ndarray, deal: np.ndarray) -> Interval:
    """Log loss saved by one set of probabilities against another, paired by deal."""
    return mean_interval(log_losses(y, worse) - log_losses(y, better), np.ones(len(y)), deal)


def auc_gained(y: np.ndarray, better: np.ndarray, worse: np.ndarray, deal: np.ndarray) -> Interval:
    """By how much one set of probabilities sorts won from lost better than another, paired by deal."""
    _, code = np.unique(deal, return_inverse=True)
    drawn = [times[code].astype(float) for times in resampled_clusters(int(code.max()) + 1, DRAWS)]
    gaps = [auc(y, better, weight) - auc(y, worse, weight) for weight in drawn]
    low, high = np.nanquantile(gaps, [0.05, 0.95])
    return Interval(auc(y, better) - auc(y, worse), float(low), float(high))


def share_interval(part: np.ndarray, whole: np.ndarray, deal: np.ndarray) -> Interval:
    """Sum of `part` ÷ sum of `whole`, both per row, bootstrapped over deals."""
    _, code = np.unique(deal, return_inverse=True)
    top, bottom = np.bincount(code, part), np.bincount(code, whole)
    drawn = [(times @ top) / (times @ bottom) for times in resampled_clusters(len(top), DRAWS)]
    low, high = np.quantile(drawn, [0.05, 0.95])
    return Interval(float(part.sum() / whole.sum()), float(low), float(high))


def brier_skill(y: np.ndarray, p: np.ndarray, base: np.ndarray, deal: np.ndarray) -> Interval:
    """1 - Brier score ÷ that of the base rate: 1 is perfect, 0 the base rate itself, below 0 worse than it."""
    worse = brier_losses(y, base)
    return share_interval(worse - brier_losses(y, p), worse, deal)


def score_cells(y: np.ndarray, p: np.ndarray, base: np.ndarray, deal: np.ndarray) -> str:
    """AUC, log loss, Brier skill, mean promised, calibration slope and error: cells of one line."""
    weight = np.ones(len(y))
    told = not np.array_equal(p, base)
    skill, slope = (str(brier_skill(y, p, base, deal)), slope_text(y, p, deal)) if told else ("–", "–")
    return (
        f"{auc_interval(y, p, weight, deal)} | {mean_interval(log_losses(y, p), weight, deal)} | {skill} "
        f"| {p.mean():.3f} | {slope} | {calibration_error(y, p, weight):.3f}"
    )


SCORE_HEAD = "AUC | log loss | Brier skill | mean promised | calibration slope | calibration error"


def slope_text(y: np.ndarray, p: np.ndarray, deal: np.ndarray) -> str:
    """The calibration slope with its interval; a dash where all probabilities are alike."""
    slope, low, high = calibration_line(y, p, np.ones(len(y)), deal)
    return "–" if np.isnan(slope) else f"{slope:.2f} ({low:.2f} to {high:.2f})"


def reliability_lines(y: np.ndarray, answers: Mapping[str, np.ndarray], deal: np.ndarray, bins: int = 5) -> list[str]:
    """Promised against kept in bins of equal size, a line a model."""
    lines = [f"| | {' | '.join(f'bin {number}' for number in range(1, bins + 1))} |", "|---" * (bins + 1) + "|"]
    for name, p in answers.items():
        rows = reliability(y, p, np.ones(len(y)), deal, bins)
        cells = [f"{row.promised:.0%} → {row.kept:.0%} (n = {row.rows})" for row in rows]
        lines.append(f"| {name} | {' | '.join(cells + [''] * (bins - len(cells)))} |")
    return lines
