"""Where there is nothing to learn: outcomes shuffled over deals, and a company whose outcomes cannot be predicted."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks._real_data import mapping_of_the_guide
from features.dataset import TrainingSet, training_set
from features.settings import propose
from pipelines.company import open_company
from pipelines.config import FILE, Home, load_config
from training.gate import Outcome
from training.learning import Trained, learn
from training.settings import BoostingSettings, Thresholds


@dataclass(frozen=True)
class Refusal:
    """What became of a training; `outcomes` says which were learned from."""

    company: str
    outcomes: str
    trained: Trained

    @property
    def half_within(self) -> bool:
        """Whether an AUC of 0.5 lies within the interval of the judged rows."""
        auc = self.trained.cards[0].model.auc
        return auc.low <= 0.5 <= auc.high


def shuffled(training: TrainingSet, seed: int) -> TrainingSet:
    """The same snapshots with outcomes permuted over the spans in which deals were open and that have ended.

    Rows of one span keep one outcome; when it ended, and what is still open, stay as they are.
    """
    labels, episode = training.labels, training.snapshots.episode
    closed = np.unique(episode[labels.outcome >= 0])
    outcome = np.full(int(episode.max()) + 1, -1, dtype=np.int8)
    outcome[episode] = labels.outcome
    outcome[closed] = outcome[closed][np.random.default_rng(seed).permutation(len(closed))]
    return replace(training, labels=replace(labels, outcome=outcome[episode]))


def learned_from_chance(company: str, training: TrainingSet, seed: int) -> Refusal:
    """Trained on shuffled outcomes."""
    return Refusal(company, "shuffled", learn(shuffled(training, seed), BoostingSettings(), Thresholds()))


def maven(folder: Path) -> Refusal:
    """Trained on `maven` with the guide's mapping."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(Path(scratch))
        (home.path / FILE).write_text(mapping_of_the_guide(), encoding="utf-8")
        config = load_config(home)
    company = open_company(folder, "now", config)
    training = training_set(company.histories, propose(company.histories, config.time), company.until)
    return Refusal("maven", "its own", learn(training, config.boosting, config.gate))


def section(found: list[Refusal]) -> list[str]:
    """AUC on the judged rows, and whether the gate refused."""
    chance = [one for one in found if one.outcomes == "shuffled"]
    within = sum(one.half_within for one in chance)
    return [
        "Outcomes permuted over deals before training: the features tell nothing of them, whatever they are. Judged as "
        "every training is, on later dates and groups not learned from. `maven`: outcomes that nothing known then "
        "predicts, with the mapping of your-data.md.",
        "",
        "| company | outcomes | judged snapshots (deals) | AUC | 0.5 within | log loss saved against the base rate "
        "| gate | because of |",
        "|---" * 8 + "|",
        *map(_line, found),
        "",
        f"0.5 lies within the 90 % interval in {within} of {len(chance)} shuffled trainings; "
        f"the gate refused {sum(not one.trained.verdict.passed for one in found)} of {len(found)}.",
    ]


def _line(one: Refusal) -> str:
    card, verdict = one.trained.cards[0], one.trained.verdict
    failed = ", ".join(finding.check for finding in verdict.findings if finding.outcome is Outcome.FAILED)
    gate = "passed" if verdict.passed else "refused"
    half = "yes" if one.half_within else "no"
    return (
        f"| {one.company} | {one.outcomes} | {card.rows:,} ({card.deals:,}) | {card.model.auc} | {half} "
        f"| {card.model.gain} | {gate} | {failed} |"
    )
