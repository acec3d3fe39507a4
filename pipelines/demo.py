"""Demo: the whole road on a simulated company."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from crm.errors import WrongUse
from crm.simulator import SimulatorSettings, simulate
from pipelines.champion import open_store
from pipelines.config import FILE, Home, load_config
from pipelines.score import STEPS as SCORE_STEPS
from pipelines.score import ScoreResult, score
from pipelines.train import STEPS as TRAIN_STEPS
from pipelines.train import TrainResult, train
from serving.accounts import Account, Role, hashed

STEPS = 1 + TRAIN_STEPS + 2 * SCORE_STEPS
FIRST_LINE = "# The demo company's configuration, written by `dealcast demo`."
CONFIGURATION = f"""{FIRST_LINE}

[data]
# Fields that this company never changes once a deal is entered.
fixed = [{{fixed}}]
"""


@dataclass(frozen=True)
class DemoResult:
    """What the demo brought: the training, the scores of a week ago and of today, and accounts to look at the pages.

    :param password: that of each account, made up anew for each demo.
    """

    data: Path
    deals: int
    trained: TrainResult
    scored: ScoreResult
    accounts: tuple[Account, ...]
    password: str


def demo(home: Home, deals: int, seed: int, step: Callable[[str], None]) -> DemoResult:
    """Simulate a company, train as of a week before its last day, score then and now.

    Training a week earlier lets the list show what moved since, and lets no score flatter itself.
    """
    settings = SimulatorSettings(deals=deals, seed=seed)
    data = _fresh(home)
    step(f"simulating a company with {deals:,} deals")
    company = simulate(settings)
    company.write(data)
    fixed = ", ".join(f'"{name}"' for name in sorted(company.tables.fixed))
    (home.path / FILE).write_text(CONFIGURATION.format(fixed=fixed), encoding="utf-8")
    week_ago = (settings.end - timedelta(days=7)).isoformat()
    trained = train(data, week_ago, home, step)
    score(data, week_ago, home, None, step)
    scored = score(data, settings.end.isoformat(), home, None, step)
    password = secrets.token_hex(12)
    return DemoResult(data, deals, trained, scored, _accounts(home, scored, password), password)


def _accounts(home: Home, scored: ScoreResult, password: str) -> tuple[Account, ...]:
    """A rep, the rep's manager and an admin: the rep who has most at stake of those who have a manager."""
    store = open_store(home, load_config(home))
    managers = {row["user_id"]: row["manager_id"] for row in store.crm_users() if row["manager_id"]}
    owners = scored.shown["owner_id"].to_numpy(object)
    at_stake = scored.scores["revenue_at_stake"].fillna(0.0).to_numpy(float)
    managed = np.array([owner in managers for owner in owners])
    rep = str(pd.Series(at_stake[managed]).groupby(owners[managed]).sum().idxmax())
    wanted = (("rep", Role.REP, rep), ("manager", Role.MANAGER, managers[rep]), ("admin", Role.ADMIN, None))
    return tuple(store.add_account(name, role, who, hashed(password, name)) for name, role, who in wanted)


def _fresh(home: Home) -> Path:
    """An empty folder for the demo's data; an earlier demo in this home is cleared, nothing else ever is."""
    configuration = home.path / FILE
    if configuration.exists():
        if not configuration.read_text(encoding="utf-8", errors="replace").startswith(FIRST_LINE):
            raise WrongUse(
                f"{home.path} belongs to another company",
                expected="an empty home, or one of an earlier demo",
                remedy="give the demo a home of its own: dealcast demo --home demo-home",
            )
        for name in ("demo-data", "models", "mlartifacts"):
            shutil.rmtree(home.path / name, ignore_errors=True)
        for file in (*home.path.glob("dealcast.db*"), *home.path.glob("mlflow.db*")):
            file.unlink()
    elif home.path.exists() and any(home.path.iterdir()):
        raise WrongUse(
            f"{home.path} is not empty",
            expected="an empty home, or one of an earlier demo",
            remedy="give the demo a home of its own: dealcast demo --home demo-home",
        )
    data = home.path / "demo-data"
    home.path.mkdir(parents=True, exist_ok=True)
    # First of all, so that a demo that was interrupted is known for one.
    configuration.write_text(f"{FIRST_LINE}\n", encoding="utf-8")
    data.mkdir(exist_ok=True)
    return data
