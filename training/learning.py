"""From a training set to a deal model with its proof: fit, judge by time, calibrate, refit, gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import utc_text
from crm.errors import DataRefused
from features.catalogue import catalogue
from features.dataset import TrainingSet
from features.fingerprint import fingerprint
from training.amount_record import amount_record
from training.calibration import Calibrator
from training.checks.against_champion import comparable
from training.close_dates import close_date_record, shape_now
from training.deal_model import Boosters, DealModel, fit_boosters
from training.drift import drift_reference
from training.equal_terms import challenger_then, champion_says, late_rows
from training.evaluation import FOLDS, Cuts, Judged, calibrators, choose_cuts, fold_of, out_of_fold
from training.gate import Evidence, Verdict, judge
from training.models.win_curve import timing_of
from training.provenance import provenance
from training.reference import moved_by_chance, reference_tables
from training.rows import Rows, all_rows
from training.scorecard import Card, JudgedRows, card, judged_slip, judged_stall, judged_win, judged_win_within
from training.scores import auc
from training.segments import AMOUNT, Segment, segments, sizes
from training.settings import BoostingSettings, Thresholds
from training.slices import slices

Progress = Callable[[str], None]
Kinds = dict[str, "np.ndarray | pd.Categorical[str]"]


@dataclass(frozen=True)
class Trained:
    """A challenger with everything that was found out about it; `judged` are the rows that judge its win chance."""

    model: DealModel
    cards: tuple[Card, ...]
    verdict: Verdict
    rows: Rows
    judged: JudgedRows
    fingerprint: str


def outcomes(rows: Rows) -> tuple[int, int]:
    """Closed deals that were won, and that were lost."""
    return tuple(len(np.unique(rows.deal[rows.outcome == value])) for value in (1, 0))  # type: ignore[return-value]


def refuse_hopeless(training: TrainingSet, thresholds: Thresholds) -> None:
    """Raise DataRefused where no model can be fitted: nothing closed, one outcome only, too few deals."""
    won, lost = outcomes(all_rows(training))
    remedy = "score works without a model: it answers with shrunken rates (model_version = baseline)"
    if won + lost == 0:
        raise DataRefused("no deal has closed yet, so there is nothing to learn from", remedy="wait for deals to close")
    if min(won, lost) == 0:
        which = "won" if won else "lost"
        raise DataRefused(f"all {won + lost} closed deals were {which}; a model needs both outcomes", remedy=remedy)
    if won + lost < thresholds.least_closed or min(won, lost) < thresholds.least_each:
        raise DataRefused(
            f"{won + lost} closed deals ({won} won, {lost} lost) are too few for a model of their own",
            expected=f"at least {thresholds.least_closed} closed deals, {thresholds.least_each} of each outcome",
            remedy=remedy,
        )


def learn(
    training: TrainingSet,
    settings: BoostingSettings,
    thresholds: Thresholds,
    champion: DealModel | None = None,
    progress: Progress = lambda step: None,
    tuning: Mapping[str, Any] | None = None,
) -> Trained:
    """Fit and judge a challenger. Raises DataRefused where the data allow no model.

    :param tuning: how the settings were found, for the model's facts (:meth:`training.tuning.Tuning.facts`).
    """
    refuse_hopeless(training, thresholds)
    rows, time = all_rows(training), training.time
    cuts = choose_cuts(rows, training.until, time.cycle_days)
    progress("fitting on what was known then, judging on later dates")
    judged = out_of_fold(rows, cuts, time, settings)
    win_rows = judged_win(judged, cuts, time.stall_days)
    cards = _cards(judged, win_rows, cuts, training)
    progress("fitting on everything known now")
    boosters = fit_boosters(rows, timing_of(rows, time), settings)  # of more rows, more rounds
    both = calibrators(judged, cuts.end, time.stall_days)
    kinds = _kinds(training, rows, cuts, win_rows) if "win" in cards else {}
    found = segments(win_rows, kinds)
    late = late_rows(judged, win_rows, cuts)
    champions = None if champion is None else champion_says(champion, late)
    then = None
    if champion is not None and champions is not None and comparable(champions, late.deal):
        then = challenger_then(champion, rows, judged, late, settings, time)
    evidence = _evidence(rows, cards, win_rows, found, thresholds, champions, then)
    verdict = judge(evidence)
    prints = fingerprint(training.frame())
    facts = _facts(training, rows, cuts, cards, verdict, settings, prints)
    facts["slices"] = slices(win_rows, fold_of(late.group), FOLDS)
    later, chance = judged.rows, both[0].probability(judged.win_margin)
    facts["tuning"] = tuning
    facts["segments"] = [asdict(one) for one in found]
    record = amount_record(rows, training.labels.amount_ratio, cuts)
    facts["amount_record"] = None if record is None else asdict(record)
    days = close_date_record(rows, judged, cuts, time.stall_days)
    facts["close_date_record"] = None if days is None else asdict(days)
    facts["reference"]["day_of_win_shape"] = shape_now(days, judged, cuts, time.stall_days)
    # Later answers are this model's own, and so are those that they are compared with.
    facts["drift"] = drift_reference(later, both[0].probability(boosters.win.margin(later.x)))
    facts["reference"]["moved_by_chance"] = moved_by_chance(chance, later.stalled, later.outcome, later.deal)
    model = _model(boosters, both, training, facts)
    return Trained(model, tuple(cards.values()), verdict, rows, win_rows, prints)


def _model(
    boosters: Boosters, both: tuple[Calibrator, Calibrator], training: TrainingSet, facts: dict[str, Any]
) -> DealModel:
    names = tuple(training.features.columns)
    return DealModel(boosters, both[0], both[1], names, training.vocabulary, training.time, facts)


def _cards(judged: Judged, win: JudgedRows, cuts: Cuts, training: TrainingSet) -> dict[str, Card]:
    time = training.time
    found = {
        "win": card("won in the end", win),
        "win_within": card(f"won within {time.horizon_days} days", judged_win_within(judged, cuts, time)),
        "stall": card(f"stalled for {time.stall_days} days", judged_stall(judged, cuts, time.stall_days)),
        "slip": card("still open after the planned close date", judged_slip(judged, cuts, time)),
    }
    return {name: one for name, one in found.items() if one is not None}


def _evidence(
    rows: Rows,
    cards: dict[str, Card],
    win: JudgedRows,
    found: tuple[Segment, ...],
    thresholds: Thresholds,
    champion: np.ndarray | None,
    challenger_then: np.ndarray | None,
) -> Evidence:
    won, lost = outcomes(rows)
    judged = win if "win" in cards else None
    return Evidence(
        won,
        lost,
        cards.get("win"),
        cards.get("stall"),
        judged,
        single_feature_auc(rows),
        champion,
        thresholds,
        found,
        challenger_then,
    )


def _kinds(
    training: TrainingSet, rows: Rows, cuts: Cuts, win: JudgedRows
) -> dict[str, np.ndarray | pd.Categorical[str]]:
    """What kind of deal each judged row is, by field: stage, owner, segments, size."""
    places = np.flatnonzero(rows.as_of > cuts.calibrate)[win.kept]
    kinds: Kinds = {"stage": rows.stage[places]}
    kinds |= {name: kind[places] for name, kind in training.kinds.items()}
    if AMOUNT in rows.names:
        kinds["size"] = sizes(rows.x[places, rows.names.index(AMOUNT)].astype(float))
    return kinds


def single_feature_auc(rows: Rows) -> dict[str, float]:
    """How well each feature alone sorts won from lost among closed deals' snapshots: max(AUC, 1 - AUC)."""
    closed = rows.where(rows.outcome >= 0)
    y = (closed.outcome == 1).astype(float)
    found = {}
    for column, name in enumerate(rows.names):
        values = closed.x[:, column].astype(float)
        one = auc(y, np.where(np.isnan(values), -1e30, values))
        found[name] = max(one, 1 - one)
    return found


def _facts(
    training: TrainingSet,
    rows: Rows,
    cuts: Cuts,
    cards: dict[str, Card],
    verdict: Verdict,
    settings: BoostingSettings,
    prints: str,
) -> dict[str, Any]:
    won, lost = outcomes(rows)
    until, fit, calibrate = utc_text(training.until), utc_text(cuts.fit), utc_text(cuts.calibrate)
    return {
        "data": {
            "fingerprint": prints,
            "until": until,
            "until_millis": training.until,
            "rows": len(rows),
            "deals": len(np.unique(rows.deal)),
            "won": won,
            "lost": lost,
        },
        "evaluation": {"fit_until": fit, "calibrated_until": calibrate, "judged_until": until},
        "provenance": provenance(training.vocabulary),
        "parameters": asdict(settings),
        "absent_features": training.absent,
        "scores": {name: asdict(one) for name, one in cards.items()},
        "gate": [{**asdict(f), "outcome": f.outcome.value} for f in verdict.findings],
        "reference": reference_tables(
            rows, training.labels.amount_ratio, catalogue(training.vocabulary), training.kinds
        ),
    }
