"""The simulated company, where the true probability is known: how much of what can be known is found."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from benchmarks._tables import score_lines
from crm.clock import instants, parse_as_of
from crm.history import known_by
from crm.simulator import Simulation, SimulatorSettings, simulate
from features.dataset import TrainingSet, training_set
from features.histories import Histories
from features.settings import propose
from training.deal_model import DealModel
from training.learning import learn
from training.models.rates import StageRates, win_rates
from training.rows import Rows, all_rows, known_at
from training.scores import log_losses
from training.settings import BoostingSettings, Thresholds

TITLE = "The simulated company: share of what can be known"
SEEDS = (1, 2, 3)
JUDGED_DAYS = 180


def run() -> str:
    """Train half a year before the end, judge on later snapshots of deals created after the training date."""
    lines = [
        "| seed | rows (deals) | stage win rates | Dealcast | true probability | share of the achievable gain |",
        "|---|---|---|---|---|---|",
    ]
    pooled: list[tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]] = []
    for seed in SEEDS:
        company = simulate(SimulatorSettings(deals=5000, seed=seed))
        y, answers, deal = judged(company)
        loss = {name: float(log_losses(y, p).mean()) for name, p in answers.items()}
        share = (loss["stage win rates"] - loss["Dealcast"]) / (loss["stage win rates"] - loss["true probability"])
        lines.append(
            f"| {seed} | {len(y):,} ({len(np.unique(deal)):,}) | {loss['stage win rates']:.4f} "
            f"| {loss['Dealcast']:.4f} | {loss['true probability']:.4f} | {share:.0%} |"
        )
        pooled.append((y, answers, deal + seed * 1_000_000))
    y, deal = np.concatenate([p[0] for p in pooled]), np.concatenate([p[2] for p in pooled])
    answers = {name: np.concatenate([p[1][name] for p in pooled]) for name in pooled[0][1]}
    return "\n".join(
        [
            "5,000 deals in three years; trained on what was known half a year before the end, judged on weekly "
            "snapshots after it of deals that had closed by the end and had no row in training. Log loss of the "
            "final outcome. The true probability knows each deal's hidden state, which no feature shows in full.",
            "",
            *lines,
            "",
            f"All seeds together ({len(y):,} rows of {len(np.unique(deal)):,} deals):",
            "",
            *score_lines(y, answers, deal),
        ]
    )


def judged(company: Simulation) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Outcomes, probabilities by name, and deals of the later snapshots."""
    end = parse_as_of(company.settings.end.isoformat())
    cut = parse_as_of((company.settings.end - timedelta(days=JUDGED_DAYS)).isoformat())
    early = Histories(known_by(company.tables, cut))
    training = training_set(early, propose(early), cut)
    model = learn(training, BoostingSettings(), Thresholds()).model
    late = later_rows(company, model, end, cut)
    answer = {
        "Dealcast": late[1],
        "base rate": np.full(len(late[0]), _rates(training).overall),
        "stage win rates": _rates(training).probability(late[0].stage),
        "true probability": late[2],
    }
    return (late[0].outcome == 1).astype(float), answer, late[0].deal


def later_rows(company: Simulation, model: DealModel, end: int, cut: int) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Closed snapshots after the cut of deals created after it, the model's answer, and the truth."""
    histories = Histories(known_by(company.tables, end))
    whole = training_set(histories, model.time, end)
    rows = all_rows(whole)
    created = histories.created[rows.deal]
    keep = (rows.as_of > cut) & (created > cut) & (rows.outcome >= 0)
    answers = model.answer(whole.features.reindex(columns=list(model.names))[keep]).win
    ids = whole.ids[keep]
    truth = company.true_win_probability(ids, instants(rows.as_of[keep]))
    return rows.where(keep), answers, truth


def _rates(training: TrainingSet) -> StageRates:
    return win_rates(known_at(all_rows(training), training.until, training.time.stall_days))
