"""Train: features → models → judged by time → MLflow → gate → champion."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.clock import utc_text
from crm.errors import DealcastError
from crm.leakage import leakage_audit
from crm.suspicions import findings
from features.dataset import TrainingSet, training_set
from features.settings import propose
from pipelines.aliases import Followed, let_mlflow_follow
from pipelines.champion import champion_model, open_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, caller, load_config
from pipelines.reports.leakage import audit_json, audit_lines
from pipelines.tuning import tuned_before, tuned_now
from serving.champions import How
from serving.store import Store
from training.deal_model import DealModel
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
    followed: Followed
    note: str


def train(data: Path, as_of: str, home: Home, step: Callable[[str], None], tune: bool = False) -> TrainResult:
    """Train on what was known at a date; promote through the gate only.

    :param tune: search for settings first; else those that were tuned for the champion are kept.
    Raises DataRefused where the data allow no model; the current champion then stays.
    """
    config = load_config(home)
    step("reading the tables")
    return train_on(open_company(data, as_of, config), data, home, config, step, tune)


def train_on(
    company: Company, data: Path, home: Home, config: Config, step: Callable[[str], None], tune: bool = False
) -> TrainResult:
    """Train on a company that has been opened (from `data`)."""
    step("building what was known at each date")
    histories = company.histories
    training = training_set(histories, propose(histories, config.time), company.until)
    refuse_hopeless(training, config.gate)
    store = open_store(home, config)
    champion, note = champion_to_beat(store, home)
    settings, tuning = tuned_now(training, config, step) if tune else tuned_before(champion, config)
    trained = learn(training, settings, config.gate, champion, step, tuning)
    step("logging to MLflow")
    parameters = {"data": str(data), "as_of": utc_text(company.as_of)}
    run = keep(trained, home, config, store, parameters, leakage_documents(company))
    step("promoting" if trained.verdict.passed else "keeping the current champion")
    if trained.verdict.passed:
        store.promote(run.version, How.GATE, "passed the gate", caller(), store.promotions())
    followed = let_mlflow_follow(store, config.tracking(home))
    return TrainResult(company, training, trained, run, trained.verdict.passed, followed, note)


def champion_to_beat(store: Store, home: Home) -> tuple[DealModel | None, str]:
    """The champion; where its files cannot be used, none and why: it answers no one, and a new one is what helps."""
    try:
        return champion_model(store, home), ""
    except DealcastError as error:
        return None, f"The champion could not be compared with: {error.found} ({error.where})."


def keep(
    trained: Trained,
    home: Home,
    config: Config,
    store: Store,
    parameters: Mapping[str, object],
    documents: Mapping[str, str],
) -> LoggedRun:
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
        "horizon_days": time.horizon_days,
        "stall_days": time.stall_days,
        "period": time.calendar.period,
    }
    run = log_training(config.tracking(home), trained, folder, sha256, known, documents)
    passed = trained.verdict.passed
    store.record_model(run.version, sha256, Path(folder.name), run.run_id, passed, facts_to_keep(trained, known))
    return run


def facts_to_keep(trained: Trained, parameters: Mapping[str, object]) -> dict[str, Any]:
    """What the store remembers of a model beside its files, for lists and comparisons."""
    facts = trained.model.facts
    kept = {name: facts[name] for name in ("data", "evaluation", "provenance", "scores", "slices", "gate")}
    names = list(trained.model.names)
    return {**kept, "parameters": {**parameters, **facts["parameters"]}, "features": names}


def leakage_documents(company: Company) -> dict[str, str]:
    """The leakage audit that `dealcast check` prints, as artifacts of the run."""
    audit = leakage_audit(company.histories.tables)
    found = findings(audit)
    return {
        "leakage_audit.txt": "\n".join(audit_lines(audit, found)) + "\n",
        "leakage_audit.json": json.dumps(audit_json(audit, found), indent=1, ensure_ascii=False),
    }
