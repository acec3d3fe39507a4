"""The simulated company, where the true probability is known: how much of what can be known is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from crm.clock import instants, parse_as_of
from crm.history import known_by
from crm.simulator import Simulation, SimulatorSettings, simulate
from features.dataset import training_set
from features.histories import Histories
from features.settings import propose
from training.calibration import calibration_line
from training.deal_model import DealModel
from training.learning import learn
from training.models.rates import StageRates, win_rates
from training.rows import all_rows
from training.scores import calibration_error, log_losses, mean_interval
from training.settings import BoostingSettings, Thresholds

TITLE = "The simulated company: share of what can be known"
SEEDS = (1, 2, 3)
JUDGED_DAYS = 180


@dataclass(frozen=True)
class Later:
    """Snapshots after the training date of deals created after it; shape (n,) each."""

    truth: np.ndarray
    answers: dict[str, np.ndarray]
    deal: np.ndarray


def run() -> str:
    """Train half a year before the end; judge against the true probabilities of later snapshots."""
    lines = [
        "| seed | snapshots (deals) | base rate | stage win rates | Dealcast | true probability "
        "| share of the achievable gain |",
        "|---|---|---|---|---|---|---|",
    ]
    found = []
    for seed in SEEDS:
        later = judged(simulate(SimulatorSettings(deals=5000, seed=seed)))
        loss = {name: float(log_losses(later.truth, p).mean()) for name, p in later.answers.items()}
        stage, truth = loss["stage win rates"], loss["true probability"]
        lines.append(
            f"| {seed} | {len(later.truth):,} ({len(np.unique(later.deal)):,}) | {loss['base rate']:.4f} | {stage:.4f} "
            f"| {loss['Dealcast']:.4f} | {truth:.4f} | {(stage - loss['Dealcast']) / (stage - truth):.0%} |"
        )
        found.append(later)
    return "\n".join([_HEAD, "", *lines, "", *_pooled(found)])


_HEAD = (
    "5,000 deals in three years; trained on what was known half a year before the end, judged on all later weekly "
    "snapshots of deals created since. The figure is the expected log loss under the true probability, so that chance "
    "in the outcomes and deals still open do not matter. The truth knows each deal's hidden state and quality, "
    "which no feature shows in full: 100 % cannot be reached."
)


def _pooled(found: list[Later]) -> list[str]:
    truth = np.concatenate([later.truth for later in found])
    deal = np.concatenate([later.deal + seed * 1_000_000 for seed, later in enumerate(found)])
    weight = np.ones(len(truth))
    lines = [
        f"All seeds together: {len(truth):,} snapshots of {len(np.unique(deal)):,} deals, "
        f"mean true probability {truth.mean():.3f}.",
        "",
        "| | expected log loss | mean promised | calibration slope | calibration error |",
        "|---|---|---|---|---|",
    ]
    for name in found[0].answers:
        p = np.concatenate([later.answers[name] for later in found])
        slope, low, high = calibration_line(truth, p, weight, deal)
        lines.append(
            f"| {name} | {mean_interval(log_losses(truth, p), weight, deal)} | {p.mean():.3f} "
            f"| {slope:.2f} ({low:.2f} to {high:.2f}) | {calibration_error(truth, p, weight):.3f} |"
        )
    return lines


def judged(company: Simulation) -> Later:
    """The company's later snapshots with the answers of a model trained before them."""
    end = parse_as_of(company.settings.end.isoformat())
    cut = parse_as_of((company.settings.end - timedelta(days=JUDGED_DAYS)).isoformat())
    early = Histories(known_by(company.tables, cut))
    training = training_set(early, propose(early), cut)
    model = learn(training, BoostingSettings(), Thresholds()).model
    return _later(company, model, win_rates(all_rows(training)), cut, end)


def _later(company: Simulation, model: DealModel, rates: StageRates, cut: int, end: int) -> Later:
    histories = Histories(known_by(company.tables, end))
    whole = training_set(histories, model.time, end)
    rows = all_rows(whole)
    keep = (rows.as_of > cut) & (histories.created[rows.deal] > cut)
    truth = company.true_win_probability(whole.ids[keep], instants(rows.as_of[keep]))
    answers = {
        "base rate": np.full(int(keep.sum()), rates.overall),
        "stage win rates": rates.probability(rows.stage[keep]),
        "Dealcast": model.answer(whole.features.reindex(columns=list(model.names))[keep]).win,
        "true probability": truth,
    }
    return Later(truth, answers, rows.deal[keep])
