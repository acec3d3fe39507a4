"""Deals as they stood at later dates than models have learned from, with what models answer for them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crm.clock import DAY
from features.catalogue import catalogue
from features.dataset import groups, rows_at
from features.engines import prepare
from features.labels import label
from features.snapshots import EpisodeSnapshots, grid
from pipelines.company import Company
from training.deal_model import Answers, DealModel
from training.drift import WINDOW_DAYS, Drift, drift
from training.later import Kept, kept_promise
from training.rows import Rows, rows_of


@dataclass(frozen=True)
class Asked:
    """Snapshots with outcomes as known now, and a model's answers for them."""

    rows: Rows
    answers: Answers


def later_snapshots(company: Company, since: int, grid_days: int) -> EpisodeSnapshots:
    """The grid's snapshots after a date (milliseconds), up to the end of the data."""
    every = grid(company.histories, grid_days, company.until)
    keep = every.as_of > since
    return EpisodeSnapshots(every.deal[keep], every.as_of[keep], every.episode[keep])


def asked(company: Company, model: DealModel, snapshots: EpisodeSnapshots) -> Asked:
    """A model's answers for snapshots, from what was known then."""
    vocabulary, histories = model.vocabulary, company.histories
    prepared = prepare(histories, catalogue(vocabulary), vocabulary.calendar)
    known = rows_at(prepared, snapshots, model.names)
    labels = label(prepared, snapshots, model.time.stall_days, company.until)
    rows = rows_of(known, labels, groups(histories)[snapshots.deal])
    return Asked(rows, model.answer(known.features, known.snapshots.as_of))


def promise_and_drift(company: Company, model: DealModel) -> tuple[Kept | None, Drift | None]:
    """How a champion has done since its training, and how far today's deals have moved from those it was judged on."""
    until = model.facts["data"]["until_millis"]
    lately = company.until - WINDOW_DAYS * DAY
    snapshots = later_snapshots(company, min(until, lately), model.time.grid_days)
    answered = asked(company, model, snapshots)
    rows = answered.rows
    since = rows.as_of > until
    kept = kept_promise(rows.where(since), answered.answers.where(since), company.until) if since.any() else None
    reference, now = model.facts.get("drift"), rows.as_of > lately
    if reference is None or not now.any():
        return kept, None
    features = pd.DataFrame(rows.x[now], columns=list(rows.names))
    return kept, drift(reference, features, answered.answers.win[now], rows.deal[now])
