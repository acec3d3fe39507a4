"""Train: features → models → judged by time → MLflow → gate → champion."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm.clock import utc_text
from features.dataset import TrainingSet, training_set
from features.settings import propose
from pipelines.champion import champion_model, open_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.store import Store
from training import registry
from training.learning import Trained, learn, refuse_hopeless
from training.tracking import LoggedRun, log_training

STEPS = 6


@dataclass(frozen=True)
class TrainResult:
    """What a training brought: the challenger, its run, and whether it is champion now."""

    company: Company
    training: TrainingSet
    trained: Trained
    run: LoggedRun
    promoted: bool


def train(data: Path, as_of: str, home: Home, step: Callable[[str], None]) -> TrainResult:
    """Train on what was known at a date; promote through the gate only.

    Raises DataRefused where the data allow no model; the current champion then stays.
    """
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    step("building what was known at each date")
    histories = company.histories
    training = training_set(histories, propose(histories, config.time), company.until)
    refuse_hopeless(training, config.gate)
    store = open_store(home, config)
    trained = learn(training, config.boosting, config.gate, champion_model(store, home), step)
    step("logging to MLflow")
    run = keep(trained, home, config, store, {"data": str(data), "as_of": utc_text(company.as_of)})
    step("promoting" if trained.verdict.passed else "keeping the current champion")
    tracking = config.tracking(home)
    if trained.verdict.passed:
        registry.point(tracking, registry.CHAMPION, run.version)
        store.promote(run.version, "passed the gate")
    else:
        registry.point(tracking, registry.CHALLENGER, run.version)
    return TrainResult(company, training, trained, run, trained.verdict.passed)


def keep(trained: Trained, home: Home, config: Config, store: Store, parameters: dict[str, object]) -> LoggedRun:
    """Write the model's files whole under the home, log them, and remember their SHA-256."""
    home.models.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=home.models))
    try:
        sha256 = trained.model.save(beside)
        folder = home.models / sha256[:16]
        if not folder.exists():
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    time = trained.model.time
    known = {
        **parameters,
        "grid_days": time.grid_days,
        "stall_days": time.stall_days,
        "period": time.calendar.period,
    }
    run = log_training(config.tracking(home), trained, folder, sha256, known)
    store.record_model(run.version, sha256, Path(folder.name), run.run_id, trained.verdict.passed)
    return run
