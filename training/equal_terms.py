"""Champion and challenger on equal terms: both from what was known when the champion was trained.

The models that judge a challenger know what was known at its first cut, and two thirds of the deals of then; a champion
knows more. Compared as they are, the same recipe loses against itself (docs/decisions/0015).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.settings import TimeSettings
from training.deal_model import DealModel, fit_boosters
from training.evaluation import Cuts, Judged, calibrators
from training.models.win_curve import timing_of
from training.rows import Rows, known_at
from training.scorecard import JudgedRows
from training.settings import BoostingSettings


def champion_says(champion: DealModel, late: Rows) -> np.ndarray:
    """The champion's win probabilities for rows behind its own training; NaN elsewhere.

    Features that the tables no longer have are unknown to it, as they are when it scores.
    """
    features = pd.DataFrame(late.x, columns=list(late.names)).reindex(columns=list(champion.names))
    return np.where(late.as_of > _known_until(champion), champion.answer(features).win, np.nan)


def challenger_then(
    champion: DealModel,
    rows: Rows,
    judged: Judged,
    late: Rows,
    settings: BoostingSettings,
    time: TimeSettings,
) -> np.ndarray | None:
    """What the challenger's features, settings and code, trained when the champion was, say of the same rows.

    NaN where the champion's is; None where nothing could be learned then.

    :param rows: all of the training; :param late: those of `judged` that judge the win chance.
    """
    then = _known_until(champion)
    behind = late.as_of > then
    seen = known_at(rows, then, time.stall_days)
    if not behind.any() or not ((seen.outcome == 1).any() and (seen.outcome == 0).any()):
        return None
    seen = replace(seen, stalled=np.full(len(seen), np.nan))  # of stalls nothing is asked
    win = fit_boosters(seen, timing_of(seen, time), settings).win
    calibrator, _ = calibrators(judged, then, time.stall_days)
    return np.where(behind, calibrator.probability(win.margin(late.x)), np.nan)


def late_rows(judged: Judged, win: JudgedRows, cuts: Cuts) -> Rows:
    """The rows that judge the win chance."""
    return judged.rows.where(judged.rows.as_of > cuts.calibrate).where(win.kept)


def _known_until(champion: DealModel) -> int:
    return int(champion.facts["data"]["until_millis"])
