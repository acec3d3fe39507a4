"""Answers for the open deals: by the champion, or by shrunken rates where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.errors import DataRefused
from features.catalogue import catalogue
from features.dataset import ScoringSet, TrainingSet, scoring_set, training_set
from features.settings import TimeSettings, propose
from pipelines.champion import model_of
from pipelines.company import Company
from pipelines.config import Config, Home
from serving.coach import asked_of_deals
from serving.scoring import absent_features
from serving.store import Store
from training.deal_model import Answers, DealModel
from training.models.baseline import fit_baseline
from training.reference import reference_tables
from training.rows import Rows, all_rows

BASELINE = "baseline"


@dataclass(frozen=True)
class Answered:
    """Open deals with their answers, from whichever model could give them.

    :param by: the champion; the company's win rate where rates have answered.
    """

    scoring: ScoringSet
    answers: Answers
    by: DealModel | float
    version: str
    reference: Mapping[str, Any]
    time: TimeSettings
    notes: tuple[str, ...]


def answer(company: Company, store: Store, home: Home, config: Config) -> Answered:
    """Answers of the champion. Without one, those of shrunken rates, and a note that says so.

    :raises DataRefused: where there is no champion and no deal has closed.
    """
    champion = store.champion()
    if champion is None:
        return _by_rates(company, config)
    return _by_model(company, model_of(champion, home), champion["version"])


def _by_model(company: Company, model: DealModel, version: str) -> Answered:
    scoring = scoring_set(company.histories, model.vocabulary, model.names, company.as_of)
    answers = model.answer(scoring.features, scoring.snapshots.as_of)
    notes = []
    if model.facts["data"]["until_millis"] > company.as_of:
        notes.append("The champion has learned from later dates than this one; as a test of it these answers flatter.")
    lacking = absent_features(scoring.prepared, model.names)
    if lacking:
        notes.append(
            f"{len(lacking)} of the champion's {len(model.names)} features cannot be had from these tables "
            f"({'; '.join(sorted(set(lacking.values())))}). It answers as if they were unknown for every deal."
        )
    return Answered(scoring, answers, model, version, model.facts["reference"], model.time, tuple(notes))


def history(company: Company, config: Config) -> tuple[TrainingSet, Rows]:
    """Everything that the tables tell of the past. Raises DataRefused where no deal has closed."""
    training = training_set(company.histories, propose(company.histories, config.time), company.until)
    rows = all_rows(training)
    if not (rows.outcome >= 0).any():
        raise DataRefused(
            "no deal has closed yet, so there is no rate to answer with",
            expected="at least one closed deal with some days of history",
            remedy="wait for deals to close, or give the history of earlier ones",
        )
    return training, rows


def _by_rates(company: Company, config: Config) -> Answered:
    training, rows = history(company, config)
    reference = reference_tables(rows, training.labels.amount_ratio, catalogue(training.vocabulary), training.kinds)
    known = tuple(name for name in asked_of_deals(catalogue(training.vocabulary)) if name in rows.names)
    scoring = scoring_set(company.histories, training.vocabulary, known, company.as_of)
    baseline = fit_baseline(rows)
    note = (
        "No champion yet: every deal gets the shrunken win rate of its stage, from "
        f"{reference['closed_deals']:,} closed deals (model_version = baseline). "
        "`dealcast train` says what a model of its own would need."
    )
    answers = baseline.answer(scoring.stage)
    return Answered(scoring, answers, float(baseline.wins.overall), BASELINE, reference, training.time, (note,))
