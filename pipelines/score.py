"""Score: every open deal at a date, with reasons, into the store and a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.dataset import ScoringSet
from features.settings import TimeSettings
from pipelines.answers import Answered, answer
from pipelines.champion import open_store
from pipelines.company import Company, open_company
from pipelines.config import Home, load_config
from serving.change import with_step
from serving.close_dates import close_dates
from serving.closed_deals import closed_deals
from serving.grades import Grades
from serving.like_deals import Like, as_json, like_deals
from serving.names import names
from serving.scoring import Explained, Run, explain_all, explain_by_rates, score_table, texts
from serving.sinks.files import check_target, write_table
from serving.store import new_run_id
from serving.what_if import what_if
from training.deal_model import DealModel

STEPS = 4


@dataclass(frozen=True)
class ScoreResult:
    """The scores (one row a deal, the most urgent first) and how people call the deals in them."""

    company: Company
    scores: pd.DataFrame
    shown: pd.DataFrame
    time: TimeSettings
    model_version: str
    notes: tuple[str, ...]


def score(data: Path, as_of: str, home: Home, out: Path | None, step: Callable[[str], None]) -> ScoreResult:
    """Score the deals open at a date. Without a champion, answer with shrunken rates and say so."""
    if out is not None:
        check_target(out)
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    store = open_store(home, config)
    step("answering for every open deal")
    answered = answer(company, store, home, config)
    explained = _explained(answered)
    like = _like(answered)
    explained = _with_changes(explained, answered, config.grades, like)
    version = answered.version
    step("ranking")
    moment = datetime.fromtimestamp(company.as_of / 1000, UTC)
    run = Run(new_run_id("score"), company.as_of, version)
    previous = store.previous_probabilities(moment)
    scores = score_table(
        answered.scoring,
        answered.answers,
        explained,
        answered.reference,
        previous,
        run,
        config.grades,
    )
    step("keeping the scores")
    beside = close_dates(answered.scoring, answered.answers, answered.reference)
    shown = names_of(answered.scoring).join(beside).reindex(scores["opportunity_id"])
    store.save_scores(run.run_id, scores, shown.reset_index(), version, moment, _as_text(like, answered.scoring))
    if out is not None:
        write_table(scores, out)
    return ScoreResult(company, scores, shown, answered.time, version, (*company.notes, *answered.notes))


def _explained(answered: Answered) -> Explained:
    """Reasons and coaching by the champion's exact SHAP values; where rates have answered, the stage's record."""
    if isinstance(answered.by, DealModel):
        return explain_all(answered.scoring, answered.by)
    return explain_by_rates(answered.scoring, answered.answers, answered.by, answered.reference)


def _like(answered: Answered) -> Like | None:
    """The closed deals most like each open one in the champion's eyes; None where rates have answered."""
    if not isinstance(answered.by, DealModel):
        return None
    return like_deals(answered.scoring, answered.by, closed_deals(answered.scoring, answered.by))


def _as_text(like: Like | None, scoring: ScoringSet) -> pd.Series | None:
    """Each deal's like deals as JSON text, by opportunity_id."""
    if like is None:
        return None
    ids = scoring.prepared.histories.deals["opportunity_id"].to_numpy(object)[scoring.snapshots.deal]
    texts_of = [json.dumps(one, ensure_ascii=False, allow_nan=False) for one in as_json(like, scoring)]
    return pd.Series(texts_of, index=pd.Index(ids, dtype=object), dtype=object)


def _with_changes(explained: Explained, answered: Answered, grades: Grades, like: Like | None) -> Explained:
    """The reasons with each deal's smallest change behind the other steps of its coaching."""
    if like is None or not isinstance(answered.by, DealModel):
        return explained
    changes = what_if(answered.scoring, answered.by, answered.answers, grades, like)
    return replace(explained, coaching=[with_step(*both) for both in zip(explained.coaching, changes, strict=True)])


def names_of(scoring: ScoringSet) -> pd.DataFrame:
    """What people call each scored deal: name, account, stage, owner, close date, amount; by opportunity_id."""
    histories = scoring.prepared.histories
    deals = histories.deals.iloc[scoring.snapshots.deal]
    facts = texts(scoring)
    return pd.DataFrame(
        {
            **names(histories, scoring.snapshots.deal),
            "stage": np.array([facts_of["stage"] for facts_of in facts], dtype=object),
            "owner": np.array([facts_of["owner"] for facts_of in facts], dtype=object),
            "close_date": deals["close_date"].to_numpy(),
            "amount": deals["amount"].to_numpy(float, na_value=np.nan),
            "currency": deals["currency"].fillna("").to_numpy(object),
        },
        index=pd.Index(deals["opportunity_id"].to_numpy(object), name="opportunity_id"),
    )
