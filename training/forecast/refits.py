"""What a forecast knew at a date: the model, rates and amounts fitted on what had been known by then, and no later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crm.errors import DataRefused
from crm.history import known_by
from features.catalogue import catalogue
from features.dataset import rows_at, training_set
from features.engines import prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.settings import TimeSettings, TimeWishes, propose
from features.snapshots import EpisodeSnapshots, open_deals
from training.calibration import Calibrator
from training.deal_model import Answers, Boosters, DealModel, fit_boosters
from training.learning import refuse_hopeless
from training.models.amount import AmountModel, fit_amount
from training.models.baseline import Baseline, fit_baseline
from training.models.win_curve import timing_of
from training.rows import all_rows
from training.settings import BoostingSettings, Thresholds


@dataclass(frozen=True)
class Refit:
    """What was fitted at an instant (milliseconds); `model` is None where deals were too few for one."""

    at: int
    model: DealModel | None
    vocabulary: Vocabulary
    rates: Baseline
    amounts: AmountModel
    time: TimeSettings


def refit(
    histories: Histories, at: int, settings: BoostingSettings, thresholds: Thresholds, wishes: TimeWishes
) -> Refit | None:
    """Fit on what was known at an instant, all that is later forgotten first; None where no deal had closed."""
    then = Histories(known_by(histories.tables, at))
    if not len(then):
        return None
    time = propose(then, wishes)
    training = training_set(then, time, at)
    rows = all_rows(training)
    if not (rows.outcome >= 0).any():
        return None
    amounts = fit_amount(training.labels.amount_ratio, rows.stage, rows.deal)
    rates = fit_baseline(rows)
    try:
        refuse_hopeless(training, thresholds)
    except DataRefused:
        return Refit(at, None, training.vocabulary, rates, amounts, time)
    rows = replace(rows, stalled=np.full(len(rows), np.nan))  # of stalls nothing is asked
    fitted = fit_boosters(rows, timing_of(rows, time), settings)
    names = tuple(training.features.columns)
    model = DealModel(
        Boosters(fitted.curve, fitted.win, None), Calibrator(), Calibrator(), names, training.vocabulary, time, {}
    )
    return Refit(at, model, training.vocabulary, rates, amounts, time)


@dataclass(frozen=True)
class Asked:
    """The deals open at some instants with what a refit says of them."""

    snapshots: EpisodeSnapshots
    answers: Answers
    stage: np.ndarray

    def at(self, instant: int) -> Asked:
        """Those of one instant."""
        keep = self.snapshots.as_of == instant
        snapshots = self.snapshots
        some = EpisodeSnapshots(snapshots.deal[keep], snapshots.as_of[keep], snapshots.episode[keep])
        return Asked(some, self.answers.where(keep), self.stage[keep])


def ask(fitted: Refit, histories: Histories, instants: Sequence[int]) -> Asked:
    """What a refit says of the deals open at each instant, from what was known of them at that instant."""
    at_each = [open_deals(histories, at) for at in instants]
    snapshots = EpisodeSnapshots(
        *(np.concatenate([getattr(one, name) for one in at_each]) for name in ("deal", "as_of", "episode"))
    )
    prepared = prepare(histories, catalogue(fitted.vocabulary), fitted.time.calendar)
    known = rows_at(prepared, snapshots, fitted.model.names if fitted.model else ())
    if fitted.model is None:
        return Asked(snapshots, fitted.rates.answer(known.stage), known.stage)
    return Asked(snapshots, fitted.model.answer(known.features, snapshots.as_of), known.stage)
