"""The settings that a training uses: tuned now, tuned for the champion, or as configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from features.dataset import TrainingSet
from pipelines.config import Config
from training.deal_model import DealModel
from training.settings import BoostingSettings
from training.tuning import tune

Found = tuple[BoostingSettings, Mapping[str, Any] | None]
"""Settings, and how they were found: None where they are as configured."""


def tuned_now(training: TrainingSet, config: Config, step: Callable[[str], None]) -> Found:
    """Searched for on what was known at the first cut; what [training] names stays as it is."""
    found = tune(training, config.boosting, config.tuning.trials, config.boosting_given, step)
    return found.settings, found.facts()


def tuned_before(champion: DealModel | None, config: Config) -> Found:
    """Those that were tuned for the champion, so that later trainings keep them; what [training] names wins."""
    tuning = None if champion is None else champion.facts.get("tuning")
    if tuning is None or not tuning["accepted"]:
        return config.boosting, None
    kept = {name: value for name, value in tuning["settings"].items() if name not in config.boosting_given}
    if not kept:
        return config.boosting, None
    return replace(config.boosting, **kept), {**tuning, "carried": True, "settings": kept, "trials": []}
