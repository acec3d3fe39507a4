"""Scores of probabilities against what happened, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.calibration import calibration_line, reliability
from training.scores import auc_interval, brier_losses, calibration_error, log_losses, mean_interval

HEAD = (
    "| | log loss | Brier | AUC | mean promised | calibration slope | calibration error |",
    "|---|---|---|---|---|---|---|",
)


def score_lines(y: np.ndarray, answers: Mapping[str, np.ndarray], deal: np.ndarray) -> list[str]:
    """One table: a line a model; `y` 0 or 1, probabilities and deals, shape (n,) each."""
    weight = np.ones(len(y))
    lines = list(HEAD)
    for name, p in answers.items():
        slope, low, high = calibration_line(y, p, weight, deal)
        spoken = "–" if np.isnan(slope) else f"{slope:.2f} ({low:.2f} to {high:.2f})"
        lines.append(
            f"| {name} | {mean_interval(log_losses(y, p), weight, deal)} "
            f"| {mean_interval(brier_losses(y, p), weight, deal)} | {auc_interval(y, p, weight, deal)} "
            f"| {p.mean():.3f} | {spoken} | {calibration_error(y, p, weight):.3f} |"
        )
    return lines


def saved_line(y: np.ndarray, better: np.ndarray, worse: np.ndarray, deal: np.ndarray) -> str:
    """Log loss saved by one set of probabilities against another, paired by deal."""
    return str(mean_interval(log_losses(y, worse) - log_losses(y, better), np.ones(len(y)), deal))


def reliability_lines(y: np.ndarray, p: np.ndarray, deal: np.ndarray, bins: int = 5) -> list[str]:
    """Promised against kept in bins of equal size."""
    rows = reliability(y, p, np.ones(len(y)), deal, bins)
    return [
        "| promised | kept | deals |",
        "|---|---|---|",
        *(f"| {row.promised:.1%} | {row.kept:.1%} | {row.deals} |" for row in rows),
    ]
