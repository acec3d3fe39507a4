"""Score: every open deal at a date, with reasons, into the store and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crm.errors import DataRefused
from features.catalogue import catalogue
from features.dataset import ScoringSet, scoring_set, training_set
from features.settings import TimeSettings, propose
from pipelines.champion import model_of, open_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.close_dates import close_dates
from serving.scoring import Explained, Run, absent_features, explain_all, explain_by_rates, score_table, texts
from serving.sinks.files import check_target, write_table
from serving.store import new_run_id
from training.deal_model import Answers, DealModel
from training.models.baseline import fit_baseline
from training.reference import reference_tables
from training.rows import all_rows

STEPS = 4
BASELINE = "baseline"


@dataclass(frozen=True)
class ScoreResult:
    """The scores (one row a deal, the most urgent first) and how people call the deals in them."""

    company: Company
    scores: pd.DataFrame
    shown: pd.DataFrame
    time: TimeSettings
    model_version: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """Open deals with their answers and reasons, from whichever model could give them."""

    scoring: ScoringSet
    answers: Answers
    explained: Explained
    reference: Mapping[str, Any]
    time: TimeSettings
    notes: tuple[str, ...] = ()


def score(data: Path, as_of: str, home: Home, out: Path | None, step: Callable[[str], None]) -> ScoreResult:
    """Score the deals open at a date. Without a champion, answer with shrunken rates and say so."""
    if out is not None:
        check_target(out)
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    store = open_store(home, config)
    champion = store.champion()
    step("answering for every open deal")
    if champion is None:
        answered, version = answer_by_rates(company, config), BASELINE
    else:
        answered, version = answer_by_model(company, model_of(champion, home)), champion["version"]
    step("ranking")
    moment = datetime.fromtimestamp(company.as_of / 1000, UTC)
    run = Run(new_run_id("score"), company.as_of, version)
    previous = store.previous_probabilities(moment)
    scores = score_table(
        answered.scoring,
        answered.answers,
        answered.explained,
        answered.reference,
        previous,
        run,
        config.grades,
    )
    step("keeping the scores")
    beside = close_dates(answered.scoring, answered.answers, answered.reference)
    shown = names_of(answered.scoring).join(beside).reindex(scores["opportunity_id"])
    store.save_scores(run.run_id, scores, shown.reset_index(), version, moment)
    if out is not None:
        write_table(scores, out)
    return ScoreResult(company, scores, shown, answered.time, version, (*company.notes, *answered.notes))


def answer_by_model(company: Company, model: DealModel) -> Answered:
    """Answers and reasons of the champion."""
    scoring = scoring_set(company.histories, model.vocabulary, model.names, company.as_of)
    answers = model.answer(scoring.features, scoring.snapshots.as_of)
    notes = []
    if model.facts["data"]["until_millis"] > company.as_of:
        notes.append("The champion has learned from later dates than this one; as a test of it these scores flatter.")
    lacking = absent_features(scoring.prepared, model.names)
    if lacking:
        notes.append(
            f"{len(lacking)} of the champion's {len(model.names)} features cannot be had from these tables "
            f"({'; '.join(sorted(set(lacking.values())))}). It answers as if they were unknown for every deal."
        )
    return Answered(scoring, answers, explain_all(scoring, model), model.facts["reference"], model.time, tuple(notes))


def answer_by_rates(company: Company, config: Config) -> Answered:
    """Answers of shrunken stage rates, for companies without a champion."""
    time = propose(company.histories, config.time)
    training = training_set(company.histories, time, company.until)
    rows = all_rows(training)
    if not (rows.outcome >= 0).any():
        raise DataRefused(
            "no deal has closed yet, so there is no rate to answer with",
            expected="at least one closed deal with some days of history",
            remedy="wait for deals to close, or give the history of earlier ones",
        )
    reference = reference_tables(rows, training.labels.amount_ratio, catalogue(training.vocabulary))
    scoring = scoring_set(company.histories, training.vocabulary, (), company.as_of)
    baseline = fit_baseline(rows)
    answers = baseline.answer(scoring.stage)
    closed = reference["closed_deals"]
    note = (
        f"No champion yet: every deal gets the shrunken win rate of its stage, from {closed:,} closed deals "
        "(model_version = baseline). `dealcast train` says what a model of its own would need."
    )
    explained = explain_by_rates(scoring, answers, baseline.wins.overall, reference)
    return Answered(scoring, answers, explained, reference, time, (note,))


def names_of(scoring: ScoringSet) -> pd.DataFrame:
    """What people call each scored deal: name, account, stage, owner, close date, amount; by opportunity_id."""
    histories = scoring.prepared.histories
    deals = histories.deals.iloc[scoring.snapshots.deal]
    accounts = histories.tables["accounts"].set_index("account_id")["name"]
    account = deals["account_id"].map(accounts[~accounts.index.duplicated()]).astype(object)
    facts = texts(scoring)
    return pd.DataFrame(
        {
            "name": deals["name"].fillna(deals["opportunity_id"]).to_numpy(object),
            "account": account.where(account.notna(), "").to_numpy(),
            "stage": np.array([facts_of["stage"] for facts_of in facts], dtype=object),
            "owner": np.array([facts_of["owner"] for facts_of in facts], dtype=object),
            "close_date": deals["close_date"].to_numpy(),
            "amount": deals["amount"].to_numpy(float, na_value=np.nan),
            "currency": deals["currency"].fillna("").to_numpy(object),
        },
        index=pd.Index(deals["opportunity_id"].to_numpy(object), name="opportunity_id"),
    )
