"""Which model to start from: hazard, direct classifier, stage win rates, on histories cut to their beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks import _simulated
from benchmarks._came import outcomes
from benchmarks._real_data import real_data
from benchmarks._simulated import later_rows, past_of
from benchmarks._tables import saved
from crm.clock import instants, parse_as_of
from crm.history import data_through, known_by
from crm.sources.files import read_folder
from crm.tables import CrmTables
from features.dataset import TrainingSet, scoring_set, training_set
from features.histories import Histories
from features.settings import propose
from training.deal_model import fit_boosters
from training.models.blend import fit_blend
from training.models.rates import win_rates
from training.models.win_curve import timing_of
from training.rows import all_rows
from training.scores import calibration_error, log_losses
from training.settings import BoostingSettings

TITLE = "Young histories: hazard, direct classifier, stage win rates"
SEEDS = (1, 2, 3)
KNOWN_DAYS = (91, 182, 365, 915)
OFFERS_FROM = "2011-10-01"
OFFERS_DATES = ("2011-10-30", "2011-11-06", "2011-11-13", "2011-11-27", "2011-12-11", "2011-12-18")
STAGE, DIRECT, HAZARD, SOFT = "stage win rates", "direct", "hazard", "soft"
"""*Soft* is what Dealcast shows: fitted on outcomes where known, on the hazard's answer where not."""


@dataclass(frozen=True)
class Answered:
    """Later snapshots: what came (or the true probability), and the answers to it; shape (n,) each."""

    closed: int
    y: np.ndarray
    answers: dict[str, np.ndarray]
    deal: np.ndarray


def run() -> str:
    """A table of the simulated company, and one of the loan offers where they are there."""
    text = [
        "Before any recalibration, all with the same features and settings. *Direct*: fitted on snapshots of closed "
        "deals alone. *Hazard*: the win curve's probability of ever being won. *Soft*: fitted on outcomes where "
        "they are known and on the hazard's answer where deals are open, as Dealcast shows it. Log loss "
        "(calibration error); *soft saves*: log loss against the direct classifier, with its interval over deals.",
        "",
        f"The simulated company, {len(SEEDS)} seeds, judged on the weekly snapshots of deals created in the "
        f"{_simulated.JUDGED_DAYS} days after, by the true probability:",
        "",
        *_head(),
        *(_line(f"{days} days", _joined([_simulated_company(seed, days) for seed in SEEDS])) for days in KNOWN_DAYS),
    ]
    folder = real_data("loan_offers")
    if folder is not None:
        tables = read_folder(folder).tables
        tables = replace(tables, fixed=tables.fixed | {"amount"})
        text += ["", f"Loan offers (from {OFFERS_FROM}), judged by the open deals that had closed by 2012-01-15:", ""]
        text += [*_head(), *(_line(f"to {date}", _offers(tables, date)) for date in OFFERS_DATES)]
    return "\n".join(text)


def _answers(training: TrainingSet, x: np.ndarray, stage: np.ndarray) -> dict[str, np.ndarray]:
    settings, rows = BoostingSettings(), all_rows(training)
    rows = replace(rows, stalled=np.full(len(rows), np.nan))
    fitted = fit_boosters(rows, timing_of(rows, training.time), settings)
    closed = rows.where(rows.outcome >= 0)
    direct = fit_blend(closed.x, (closed.outcome == 1).astype(float), closed.group, closed.deal, settings)
    return {
        STAGE: win_rates(rows).probability(stage),
        DIRECT: expit(direct.margin(x)),
        HAZARD: fitted.curve.curve(x).ever_won,
        SOFT: expit(fitted.win.margin(x)),
    }


def _simulated_company(seed: int, known_days: int) -> Answered:
    past = past_of(seed, known_days=known_days)
    training, names = past.training, tuple(past.training.features)
    seen = later_rows(past, training.vocabulary, training.time, names)
    truth = past.company.true_win_probability(seen.ids, instants(seen.snapshots.as_of))
    answers = _answers(training, seen.features[list(names)].to_numpy(np.float32), seen.stage)
    return Answered(_closed(training), truth, answers, seen.snapshots.deal + seed * 10_000_000)


def _offers(tables: CrmTables, date: str) -> Answered:
    at, end = parse_as_of(date), data_through(tables)
    histories = Histories(known_by(tables, at))
    training = training_set(histories, propose(histories), at)
    names = tuple(training.features)
    scoring = scoring_set(histories, training.vocabulary, names, at)
    ids = pd.Series(histories.deals["opportunity_id"].to_numpy(object)[scoring.snapshots.deal])
    came = outcomes(Histories(known_by(tables, end)), ids, at, training.time.stall_days)
    known = came.outcome >= 0
    answers = _answers(training, scoring.features[list(names)].to_numpy(np.float32)[known], scoring.stage[known])
    return Answered(_closed(training), came.outcome[known].astype(float), answers, np.flatnonzero(known))


def _closed(training: TrainingSet) -> int:
    rows = all_rows(training)
    return len(np.unique(rows.deal[rows.outcome >= 0]))


def _joined(parts: Sequence[Answered]) -> Answered:
    return Answered(
        sum(part.closed for part in parts) // len(parts),
        np.concatenate([part.y for part in parts]),
        {name: np.concatenate([part.answers[name] for part in parts]) for name in parts[0].answers},
        np.concatenate([part.deal for part in parts]),
    )


def _head() -> list[str]:
    shown = " | ".join((STAGE, DIRECT, HAZARD, SOFT))
    return [f"| known | closed deals | judged (deals) | {shown} | soft saves |", "|---" * 8 + "|"]


def _line(known: str, found: Answered) -> str:
    even = np.ones(len(found.y))
    cells = [
        f"{log_losses(found.y, p).mean():.4f} ({calibration_error(found.y, p, even):.3f})"
        for p in found.answers.values()
    ]
    gain = saved(found.y, found.answers[SOFT], found.answers[DIRECT], found.deal)
    judged = f"{len(found.y):,} ({len(np.unique(found.deal)):,})"
    return f"| {known} | {found.closed:,} | {judged} | {' | '.join(cells)} | {gain} |"
