"""Rows, judged rows and training sets written by hand, for tests of models and of their proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.history import data_through
from crm.simulator import Simulation
from features.dataset import TrainingSet, training_set
from features.feature import Vocabulary
from features.histories import Histories
from features.labels import Labels
from features.settings import TimeSettings, propose
from features.snapshots import EpisodeSnapshots
from training.evaluation import Cuts, Judged
from training.gate import Evidence
from training.learning import Trained
from training.rows import Rows
from training.scorecard import JudgedRows, card
from training.scores import Interval
from training.settings import BoostingSettings
from training.tuning import Trial, Tuning

QUICK = BoostingSettings(learning_rate=0.15, most_rounds=50, patience=8)
HASTY = BoostingSettings(learning_rate=0.2, most_rounds=15, patience=5)
"""Too few trees to be good, enough to be a model."""

TUNED = Tuning(
    start=BoostingSettings(num_leaves=15),
    searched=("num_leaves", "lambda_l2"),
    until=1_750_000_000_000,
    splits=3,
    trials=(
        Trial(0, {"num_leaves": 15, "lambda_l2": 10.0}, 0.93, 3),
        Trial(1, {"num_leaves": 50, "lambda_l2": 0.2}, 0.97, 1),
        Trial(2, {"num_leaves": 7, "lambda_l2": 31.5}, 0.91, 3),
    ),
    best=BoostingSettings(num_leaves=7, lambda_l2=31.5),
    gain=Interval(0.021, 0.004, 0.038),
)
"""Settings that were found by three trials, as a tuning would say it."""

NAN = float("nan")
WON, LOST, OPEN = 1, 0, -1


@dataclass(frozen=True)
class Learned:
    """A training with what it told on its way, and the predictions that it was judged by."""

    trained: Trained
    told: list[str]
    cuts: Cuts
    judged: Judged


def rows_of(outcome: Sequence[int], days: Sequence[float], **columns: Any) -> Rows:
    """Rows with an outcome and the days it took; each its own deal at day 0 unless a column says otherwise."""
    n = len(outcome)
    given = {name: np.asarray(values) for name, values in columns.items()}
    x = np.asarray(given.pop("x", np.arange(n)), np.float32).reshape(n, -1)
    return replace(
        Rows(
            x,
            tuple(f"feature {column}" for column in range(x.shape[1])),
            np.asarray(outcome, np.int8),
            np.asarray(days, float),
            stalled=np.full(n, NAN),
            as_of=np.zeros(n, np.int64),
            group=np.arange(n),
            deal=np.arange(n),
            stage=np.full(n, None, dtype=object),
        ),
        **given,
    )


def stages(*names: str | None) -> np.ndarray:
    """Stages as rows hold them."""
    return np.array(names, dtype=object)


def training_of_simulated(simulation: Simulation, grid_days: int = 14) -> TrainingSet:
    """All that the simulated company's tables say, on a coarse grid."""
    histories = Histories(simulation.tables)
    time = replace(propose(histories), grid_days=grid_days)
    return training_set(histories, time, data_through(simulation.tables))


def training_of(rows: Rows, until: int, time: TimeSettings) -> TrainingSet:
    """A training set that holds these rows, as if a company's tables had given them."""
    n = len(rows)
    return TrainingSet(
        EpisodeSnapshots(rows.deal, rows.as_of, rows.deal),
        pd.DataFrame(rows.x, columns=list(rows.names)),
        Labels(rows.outcome, rows.days, rows.stalled, np.full(n, NAN)),
        rows.group,
        rows.stage,
        np.array([f"D{deal}" for deal in rows.deal], dtype=object),
        {},
        Vocabulary(),
        time,
        until,
    )


def with_rows(training: TrainingSet, rows: Rows) -> TrainingSet:
    """The training set with other features and outcomes for the same snapshots."""
    labels = replace(training.labels, outcome=rows.outcome, days=rows.days, stalled=rows.stalled)
    return replace(training, features=pd.DataFrame(rows.x, columns=list(rows.names)), labels=labels)


def fewer(training: TrainingSet, keep: np.ndarray) -> TrainingSet:
    """The snapshots of a training set that a boolean mask keeps."""
    snapshots, labels = training.snapshots, training.labels
    return replace(
        training,
        snapshots=EpisodeSnapshots(snapshots.deal[keep], snapshots.as_of[keep], snapshots.episode[keep]),
        features=training.features[keep].reset_index(drop=True),
        labels=Labels(*(getattr(labels, name)[keep] for name in ("outcome", "days", "stalled", "amount_ratio"))),
        group=training.group[keep],
        stage=training.stage[keep],
        ids=training.ids[keep],
        kinds={field: kind[keep] for field, kind in training.kinds.items()},
    )


def judged_of(
    y: np.ndarray, deal: np.ndarray | None = None, stage: np.ndarray | None = None, **probabilities: np.ndarray
) -> JudgedRows:
    """Judged rows of equal weight; `model=…`, `base_rate=…` and `stage_win_rates=…` are what was promised."""
    n = len(y)
    promised = {"model": probabilities.pop("model"), "base rate": np.full(n, y.mean())}
    promised |= {name.replace("_", " "): p for name, p in probabilities.items()}
    return JudgedRows(
        y,
        np.ones(n),
        np.arange(n) if deal is None else deal,
        np.full(n, None, dtype=object) if stage is None else stage,
        np.zeros(n, np.int64),
        np.ones(n, dtype=bool),
        promised,
    )


def evidence_of(judged: JudgedRows | None, **said: Any) -> Evidence:
    """Evidence on these judged rows, plenty of closed deals, nothing that leaks; `said` says otherwise."""
    win = None if judged is None else card("won in the end", judged)
    given = {"won": 500, "lost": 500, "win": win, "stall": None, "judged": judged, "single_auc": {"age": 0.6}}
    return Evidence(**{**given, **said})


def days_after(day: float) -> int:
    """Milliseconds of so many days after the first."""
    return round(day * DAY)
