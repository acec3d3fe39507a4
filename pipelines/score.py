"""Score: every open deal at a date, with reasons, into the store and a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from crm.clock import DAY
from crm.errors import DealcastError
from features.dataset import ScoringSet
from features.settings import TimeSettings
from pipelines.answers import Answered, answer
from pipelines.champion import model_of, open_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from pipelines.feedback import all_feedback
from pipelines.trial import run_trial
from serving.change import with_step
from serving.close_dates import close_dates
from serving.closed_deals import closed_deals
from serving.earlier import then
from serving.formats import Formats
from serving.like_deals import Like, as_json, like_deals
from serving.runs import EarlierRun
from serving.scoring import Explained, Run, explain_all, explain_by_rates, score_table
from serving.sinks.files import check_target, write_table
from serving.stood import closed_between, crm_users, stood
from serving.store import Beside, Store, new_run_id
from serving.timeline import timelines
from serving.verdicts import snoozed, standing
from serving.what_if import what_if
from serving.win_curves import win_curves
from training.deal_model import DealModel

STEPS = 4
FIRST_LOOKS_BACK = 7 * DAY
"""For how long before the first run deals that closed are kept with it, milliseconds."""


@dataclass(frozen=True)
class ScoreResult:
    """The scores (one row a deal, the most urgent first) and how people call the deals in them.

    :param snoozed: deals that somebody does not want to see in the list for now.
    :param verdicts: what people say of deals (:func:`serving.verdicts.standing`).
    :param trial: counts of the trial under way; None where there is none.
    """

    company: Company
    scores: pd.DataFrame
    shown: pd.DataFrame
    time: TimeSettings
    model_version: str
    notes: tuple[str, ...]
    formats: Formats
    snoozed: frozenset[str]
    verdicts: pd.DataFrame
    trial: dict[str, object] | None


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
    moment = datetime.fromtimestamp(company.as_of / 1000, UTC)
    earlier = store.run_before(moment)
    explained = _explained(answered, earlier, store, home, config)
    like = _like(answered)
    explained = _with_changes(explained, answered, config, like)
    version = answered.version
    step("ranking")
    run = Run(new_run_id("score"), company.as_of, version)
    trial = run_trial(answered, explained, store, config.trial, run)
    previous = pd.Series(dtype=float) if earlier is None else earlier.probabilities
    scores = score_table(
        answered.scoring,
        answered.answers,
        explained if trial is None else trial.blinded(explained),
        answered.reference,
        previous,
        run,
        config.grades,
    )
    step("keeping the scores")
    dates = close_dates(answered.scoring, answered.answers, answered.reference)
    shown = stood(answered.scoring).join(dates).reindex(scores["opportunity_id"])
    since = company.as_of - FIRST_LOOKS_BACK if earlier is None else earlier.as_of
    beside = Beside(
        assigned=None if trial is None else trial.entered(scores),
        like=_as_text(like, answered.scoring),
        curves=win_curves(answered.scoring, answered.answers) if isinstance(answered.by, DealModel) else None,
        timelines=timelines(answered.scoring),
        closed=closed_between(company.histories, since, company.as_of),
        users=crm_users(company.histories.tables),
    )
    store.save_scores(run.run_id, scores, shown.reset_index(), version, moment, beside)
    if out is not None:
        write_table(scores, out)
    said = all_feedback(store)
    return ScoreResult(
        company,
        scores,
        shown,
        answered.time,
        version,
        (*company.notes, *answered.notes),
        config.formats,
        snoozed(said, shown, moment.date()),
        standing(said),
        None if trial is None else trial.counts(),
    )


def _explained(answered: Answered, earlier: EarlierRun | None, store: Store, home: Home, config: Config) -> Explained:
    """Reasons and coaching by the champion's exact SHAP values; where rates have answered, the stage's record."""
    model, scoring = answered.by, answered.scoring
    if not isinstance(model, DealModel):
        return explain_by_rates(scoring, answered.answers, model, answered.reference, config.formats)
    before = None
    if earlier is not None and len(scoring.snapshots):
        same = earlier.model_version == answered.version
        before = then(earlier, scoring, model, model if same else _model_of(earlier.model_version, store, home))
    return explain_all(scoring, model, config.formats, before)


def _model_of(version: str, store: Store, home: Home) -> DealModel | None:
    """The model of a version; None where it cannot be had any more (or there was none: the baseline)."""
    row = store.model(version)
    try:
        return None if row is None else model_of(row, home)
    except DealcastError:
        return None


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


def _with_changes(explained: Explained, answered: Answered, config: Config, like: Like | None) -> Explained:
    """The reasons with each deal's smallest change behind the other steps of its coaching."""
    if like is None or not isinstance(answered.by, DealModel):
        return explained
    changes = what_if(answered.scoring, answered.by, answered.answers, config.grades, like, config.formats)
    return replace(explained, coaching=[with_step(*both) for both in zip(explained.coaching, changes, strict=True)])
