"""The judged rows in parts: each fold, each span of dates, with its scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from crm.clock import utc_day
from training.scorecard import JudgedRows
from training.scores import auc, brier_losses, calibration_error, log_losses

SPANS = 3


def slices(judged: JudgedRows, fold: np.ndarray, folds: int) -> list[dict[str, Any]]:
    """Every part that has both outcomes.

    :param fold: which of `folds` models has judged each row, none having seen its group; shape (n,).
    Returns for each its kind (fold, dates), name, counts and scores (point values; JSON-able).
    """
    parts = [*_folds(fold, folds), *_spans(judged)]
    return [
        {"kind": kind, "name": name, **described(judged, inside)}
        for kind, name, inside in parts
        if len(np.unique(judged.y[inside])) == 2
    ]


def described(judged: JudgedRows, inside: np.ndarray) -> dict[str, Any]:
    """Rows, deals, first and last day, kept share, and each line's scores of a part with both outcomes."""
    y, weight, as_of = judged.y[inside], judged.weight[inside], judged.as_of[inside]
    return {
        "rows": len(y),
        "deals": len(np.unique(judged.deal[inside])),
        "first_day": utc_day(int(as_of.min())),
        "last_day": utc_day(int(as_of.max())),
        "kept": float(np.average(y, weights=weight)),
        "scores": {name: _scores(y, p[inside], weight) for name, p in judged.probabilities.items()},
    }


def _scores(y: np.ndarray, p: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    return {
        "log_loss": float(np.average(log_losses(y, p), weights=weight)),
        "brier": float(np.average(brier_losses(y, p), weights=weight)),
        "auc": auc(y, p, weight),
        "calibration_error": calibration_error(y, p, weight),
        "promised": float(np.average(p, weights=weight)),
    }


def _folds(fold: np.ndarray, folds: int) -> Iterator[tuple[str, str, np.ndarray]]:
    for k in range(folds):
        yield "fold", f"fold {k + 1} of {folds}", fold == k


def _spans(judged: JudgedRows) -> Iterator[tuple[str, str, np.ndarray]]:
    """Spans of about equally many rows, one after the other; rows of one date stay together."""
    if not len(judged.y):
        return
    bounds = np.unique(np.quantile(judged.as_of, np.arange(1, SPANS) / SPANS, method="lower"))
    which = np.searchsorted(bounds, judged.as_of, side="left")
    for k in range(len(bounds) + 1):
        inside = which == k
        if inside.any():
            first, last = utc_day(int(judged.as_of[inside].min())), utc_day(int(judged.as_of[inside].max()))
            yield "dates", f"{first} to {last}", inside
