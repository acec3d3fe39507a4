"""What was said of the deals in the run before, and what is said today of that date."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.dataset import ScoringSet, scoring_set
from serving.movement import Then
from serving.runs import EarlierRun
from serving.scoring import texts
from training.deal_model import DealModel


def then(earlier: EarlierRun, scoring: ScoringSet, model: DealModel, its_model: DealModel | None) -> Then:
    """The earlier run's date, asked again for the deals of `scoring`.

    :param its_model: the model that answered then; None where it cannot be had. The present one where it is the same.
    """
    before = scoring_set(scoring.prepared.histories, model.vocabulary, model.names, earlier.as_of)
    row = _rows(before, scoring)
    there = row >= 0
    values = np.full((len(row), len(model.names)), np.nan, dtype=np.float32)
    shap = np.full((len(row), len(model.names) + 1), np.nan)
    facts: list[Mapping[str, str]] = [{}] * len(row)
    if there.any():
        x = model.matrix(before.features)[row[there]]
        values[there], shap[there] = x, model.boosters.win.contributions(x)
        told = texts(before)
        facts = [told[one] if one >= 0 else {} for one in row]
    ids = scoring.prepared.histories.deals["opportunity_id"].to_numpy(object)[scoring.snapshots.deal]
    said = np.where(there, earlier.probabilities.reindex(ids).to_numpy(float), np.nan)
    same = its_model is model
    asked = np.full(len(row), np.nan)
    if its_model is not None and not same:
        asked = _win(its_model, scoring, earlier.as_of)
    return Then(earlier.as_of, said, asked, shap, values, facts, same)


def _win(model: DealModel, scoring: ScoringSet, as_of: int) -> np.ndarray:
    """What a model says of the deals of `scoring` at an earlier date; NaN where they were not open."""
    before = scoring_set(scoring.prepared.histories, model.vocabulary, model.names, as_of)
    row = _rows(before, scoring)
    if not len(before.snapshots):
        return np.full(len(row), np.nan)
    win = model.win_calibrator.probability(model.boosters.win.margin(model.matrix(before.features)))
    return np.where(row >= 0, win[row], np.nan)


def _rows(before: ScoringSet, scoring: ScoringSet) -> np.ndarray:
    """The row of `before` of each deal of `scoring`, where it is the same episode; -1 where there is none."""
    place = pd.Index(before.snapshots.episode).get_indexer(scoring.snapshots.episode)
    return place.astype(np.int64)
