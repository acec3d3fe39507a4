"""Whether a retraining is due, asked of the company's data and of its champion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.champion import champion_model, found_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from pipelines.later import promise_and_drift
from pipelines.train import TrainResult, train_on
from serving.store import Store
from training.due import Due, Tried, judge_due, no_champion


@dataclass(frozen=True)
class DueResult:
    """What is due and why; `trained` is None where nothing was."""

    company: Company
    due: Due
    trained: TrainResult | None


def train_if_due(data: Path, as_of: str, home: Home, step: Callable[[str], None], tune: bool = False) -> DueResult:
    """Train where a retraining is due, tuned where that is wanted; otherwise nothing is written."""
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    step("seeing whether a retraining is due")
    due = find_due(company, home, config)
    return DueResult(company, due, train_on(company, data, home, config, step, tune) if due.due else None)


def find_due(company: Company, home: Home, config: Config) -> Due:
    """Every reason to retrain, looked at."""
    store = found_store(home, config)
    tried = None if store is None else tried_in_vain(store)
    model = None if store is None else champion_model(store, home)
    if model is None:
        return no_champion(company.until, tried, config.retrain)
    kept, drift = promise_and_drift(company, model)
    until = model.facts["data"]["until_millis"]
    return judge_due(until, company.until, kept, drift, tried, config.retrain)


def tried_in_vain(store: Store) -> Tried | None:
    """The newest version where it is not champion: it did not pass the gate, or was rolled back from."""
    models, promotions = store.models(), store.promotions()
    if not models or (promotions and promotions[-1].version == models[-1]["version"]):
        return None
    data = models[-1]["facts"].get("data")
    return None if data is None else Tried(models[-1]["version"], data["until_millis"])
