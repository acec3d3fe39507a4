"""Impact: what coaching brought, from the trial that the configuration names or the last one there was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from crm.clock import as_of_millis, time_zone
from crm.errors import WrongUse
from features.settings import propose
from pipelines.champion import found_store
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.store import Store
from serving.trial.impact import Impact, impact


@dataclass(frozen=True)
class ImpactResult:
    """What a trial says, whether it is still under way, and the trials before it."""

    company: Company
    impact: Impact
    under_way: bool
    earlier: tuple[Mapping[str, Any], ...]


def measured(data: Path, as_of: str, home: Home) -> ImpactResult:
    """The trial under way, else the last one. Raises WrongUse where no deal ever came into one."""
    config = load_config(home)
    store = found_store(home, config)
    trial, earlier = _trials(store, config, home)
    assert store is not None
    company = open_company(data, as_of, config)
    under_way = trial["trial_id"] == config.trial.trial_id and config.trial.is_on
    assigned = store.assigned(trial["trial_id"])
    shown = store.shown_coaching(trial["trial_id"])
    settings = propose(company.histories, config.time)
    enrols = _enrols_until(config, company) if under_way else company.complete_until
    scored = store.scored_since(trial["trial_id"])
    found = impact(trial, assigned, shown, company.histories, settings, company.complete_until, enrols, scored)
    return ImpactResult(company, found, under_way, earlier)


def _trials(store: Store | None, config: Config, home: Home) -> tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...]]:
    trials = () if store is None else store.trials()
    wanted = config.trial.trial_id if config.trial.is_on else trials[-1]["trial_id"] if trials else None
    trial = next((one for one in trials if one["trial_id"] == wanted), None)
    if trial is None:
        begun = "its first deals come in with the next `dealcast score --data DIR` by a champion"
        how = "switch one on in dealcast.toml: [trial] with share = 0.2 holds coaching back from a fifth of the deals"
        raise WrongUse(
            "no deal has come into this trial yet" if config.trial.is_on else "there is no trial here",
            where=str(home.path),
            remedy=begun if config.trial.is_on else how,
        )
    return trial, tuple(one for one in trials if one is not trial)


def _enrols_until(config: Config, company: Company) -> int | None:
    until = config.trial.until
    if until is None:
        return None
    end = datetime.combine(until + timedelta(days=1), time(), time_zone("UTC"))
    return max(as_of_millis(end) - 1, company.complete_until)
