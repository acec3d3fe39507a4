"""Simulated companies, trained half a year before their end, judged on what came later by the true probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from benchmarks._tables import share_interval, slope_text
from crm.clock import instants, parse_as_of
from crm.history import known_by
from crm.simulator import Simulation, SimulatorSettings, simulate
from features.catalogue import catalogue
from features.dataset import SnapshotFeatures as Known
from features.dataset import TrainingSet, rows_at, training_set
from features.engines import prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.settings import TimeSettings, propose
from features.snapshots import EpisodeSnapshots, grid
from training.calibration import Calibrator
from training.deal_model import DealModel, fit_boosters
from training.learning import Trained
from training.models.rates import win_rates
from training.models.win_curve import timing_of
from training.rows import COLUMNS, Rows, all_rows
from training.scores import auc, calibration_error, log_losses, mean_interval
from training.settings import BoostingSettings

DEALS = 5_000
SEEDS = (1, 2, 3, 4, 5)
JUDGED_DAYS = 180
LIMIT_COMPANIES = 20
LIMIT_SEEDS = tuple(range(101, 101 + LIMIT_COMPANIES))
BASE, STAGE, OURS, TRUTH = "base rate", "stage win rates", "Dealcast", "true probability"
LIMIT = f"{LIMIT_COMPANIES} times the deals"


@dataclass(frozen=True)
class Past:
    """A simulated company, and the training set of what was known at `cut` (milliseconds)."""

    company: Simulation
    cut: int
    end: int
    training: TrainingSet


@dataclass(frozen=True)
class Later:
    """Snapshots after the cut of deals created after it; shape (n,) each."""

    truth: np.ndarray
    answers: dict[str, np.ndarray]
    deal: np.ndarray


def past_of(seed: int, deals: int = DEALS, known_days: int | None = None) -> Past:
    """The company of that seed as it was known so many days after its start, or half a year before its end."""
    company = simulate(SimulatorSettings(deals=deals, seed=seed))
    last = company.settings.end - timedelta(days=JUDGED_DAYS)
    day = last if known_days is None else min(company.settings.start + timedelta(days=known_days), last)
    cut = parse_as_of(day.isoformat())
    early = Histories(known_by(company.tables, cut))
    training = training_set(early, propose(early), cut)
    return Past(company, cut, parse_as_of((day + timedelta(days=JUDGED_DAYS)).isoformat()), training)


def judged_later(past: Past, models: dict[str, DealModel]) -> Later:
    """The later snapshots with the answers of models, of two baselines and of the truth."""
    first = next(iter(models.values()))
    seen = later_rows(past, first.vocabulary, first.time, tuple({n: 0 for m in models.values() for n in m.names}))
    rates = win_rates(all_rows(past.training))
    answers = {
        BASE: np.full(len(seen.stage), rates.overall),
        STAGE: rates.probability(seen.stage),
        **{name: model.answer(seen.features).win for name, model in models.items()},
    }
    truth = past.company.true_win_probability(seen.ids, instants(seen.snapshots.as_of))
    return Later(truth, {**answers, TRUTH: truth}, seen.snapshots.deal)


def later_rows(past: Past, vocabulary: Vocabulary, time: TimeSettings, names: tuple[str, ...]) -> Known:
    """The later snapshots of deals created after the cut."""
    histories = Histories(known_by(past.company.tables, past.end))
    every = grid(histories, time.grid_days, past.end)
    keep = (every.as_of > past.cut) & (histories.created[every.deal] > past.cut)
    later = EpisodeSnapshots(every.deal[keep], every.as_of[keep], every.episode[keep])
    return rows_at(prepare(histories, catalogue(vocabulary), vocabulary.calendar), later, names)


def limit_model(settings: BoostingSettings, seeds: Sequence[int] = LIMIT_SEEDS) -> DealModel:
    """The boosters of a deal model, fitted on many companies' deals together, each as known at its cut.

    So many deals need no calibrator of their own. Owners and accounts are each company's own, so that each deal
    has as many neighbours as in one company.
    """
    pasts = [past_of(seed).training for seed in seeds]
    names = tuple(name for name in pasts[0].features if all(name in past.features for past in pasts))
    rows = _together([all_rows(replace(past, features=past.features[list(names)])) for past in pasts])
    time, vocabulary = pasts[0].time, pasts[0].vocabulary
    rows = replace(rows, stalled=np.full(len(rows), np.nan))  # of stalls the simulation knows no truth
    boosters = fit_boosters(rows, timing_of(rows, time), settings)
    return DealModel(boosters, Calibrator(), Calibrator(), names, vocabulary, time, {"rows": len(rows)})


def _together(parts: Sequence[Rows]) -> Rows:
    """Rows of several companies; deals and groups of each are its own."""
    own = [
        replace(part, deal=part.deal + number * 10_000_000, group=part.group * len(parts) + number)
        for number, part in enumerate(parts)
    ]
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in own]) for name in COLUMNS})


def together(found: Sequence[Later]) -> Later:
    """The judged snapshots of all companies; deals of each are its own."""
    return Later(
        np.concatenate([later.truth for later in found]),
        {name: np.concatenate([later.answers[name] for later in found]) for name in found[0].answers},
        np.concatenate([later.deal + number * 10_000_000 for number, later in enumerate(found)]),
    )


def section(found: dict[int, Later], trained: dict[int, Trained]) -> list[str]:
    """How much of the achievable gain is reached, by seed and on the whole, and whether promises are kept."""
    whole = together(list(found.values()))
    names = [name for name in (OURS, LIMIT) if name in whole.answers]
    lines = [
        f"{DEALS:,} deals in three years; trained on what was known half a year before the end, judged on all later "
        "weekly snapshots of deals created since. Losses are expected log losses under the true probability, so that "
        "chance in the outcomes and deals still open do not matter. *Share of the achievable gain*: (loss of stage "
        "win rates − loss of the model) ÷ (loss of stage win rates − loss of the true probabilities). The truth knows "
        "each deal's hidden state and quality, which no feature shows in full, so that 100 % cannot be reached; "
        f"*{LIMIT}* is what the same boosters reach that were fitted on {LIMIT_COMPANIES} other companies of "
        f"{DEALS:,} deals together: a practical limit.",
        "",
        f"| seed | snapshots (deals) | base rate | {STAGE} | {' | '.join(names)} | {TRUTH} "
        f"| {' | '.join(f'share: {name}' for name in names)} | gate |",
        "|---" * (6 + 2 * len(names)) + "|",
    ]
    for seed, later in found.items():
        gate = "passed" if trained[seed].verdict.passed else "refused"
        lines.append(f"| {seed} | {_line(later, names)} | {gate} |")
    lines += [f"| all | {_line(whole, names)} | |", "", *_calibration(whole, found)]
    return lines


def _line(later: Later, names: Sequence[str]) -> str:
    shown = (BASE, STAGE, *names, TRUTH)
    losses = " | ".join(f"{log_losses(later.truth, later.answers[name]).mean():.4f}" for name in shown)
    shares = " | ".join(_percent(later, name) for name in names)
    return f"{len(later.truth):,} ({len(np.unique(later.deal)):,}) | {losses} | {shares}"


def _percent(later: Later, name: str) -> str:
    loss = {one: log_losses(later.truth, later.answers[one]) for one in (STAGE, name, TRUTH)}
    share = share_interval(loss[STAGE] - loss[name], loss[STAGE] - loss[TRUTH], later.deal)
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def _calibration(whole: Later, found: dict[int, Later]) -> list[str]:
    lines = [
        f"All seeds together, mean true probability {whole.truth.mean():.3f}. Aim: slope 0.9 to 1.1, error at most "
        "0.02. *Expected AUC*: of an outcome drawn by the true probability.",
        "",
        "| | expected log loss | expected AUC | mean promised | calibration slope | by seed | calibration error "
        "| by seed |",
        "|---" * 8 + "|",
    ]
    weight = np.ones(len(whole.truth))
    for name, p in whole.answers.items():
        slopes = [_slope(later, name).split(" ")[0] for later in found.values()]
        errors = [calibration_error(one.truth, one.answers[name], np.ones(len(one.truth))) for one in found.values()]
        lines.append(
            f"| {name} | {mean_interval(log_losses(whole.truth, p), weight, whole.deal)} "
            f"| {expected_auc(whole.truth, p):.3f} | {p.mean():.3f} "
            f"| {_slope(whole, name)} | {', '.join(slopes)} "
            f"| {calibration_error(whole.truth, p, weight):.3f} | {', '.join(f'{error:.3f}' for error in errors)} |"
        )
    return lines


def _slope(later: Later, name: str) -> str:
    return "–" if name == BASE else slope_text(later.truth, later.answers[name], later.deal)


def expected_auc(truth: np.ndarray, p: np.ndarray) -> float:
    """AUC of `p` where each row is won with its true probability: every row counts as both, by its chances."""
    y = np.repeat([1.0, 0.0], len(truth))
    return auc(y, np.concatenate([p, p]), np.concatenate([truth, 1 - truth]))
