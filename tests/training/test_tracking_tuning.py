"""Trials of a tuning are runs below the training's, and a run says whether its settings were tuned."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import Run

from tests.tracking import empty_tracking_store
from tests.training.examples import TUNED
from training.learning import Trained
from training.settings import Tracking
from training.tracking import LoggedRun, log_training


@pytest.fixture
def tracking(tmp_path: Path) -> Tracking:
    store = shutil.copy(empty_tracking_store(), tmp_path)
    return Tracking(f"sqlite:///{store}", tmp_path / "artifacts")


def logged(trained: Trained, tracking: Tracking, folder: Path, tuning: Mapping[str, Any] | None) -> LoggedRun:
    told = replace(trained, model=replace(trained.model, facts={**trained.model.facts, "tuning": tuning}))
    before = mlflow.get_tracking_uri()
    try:
        return log_training(tracking, told, folder, told.model.save(folder), {})
    finally:
        mlflow.set_tracking_uri(before)


def trials_below(tracking: Tracking, run: LoggedRun) -> dict[str, Run]:
    client = mlflow.MlflowClient(tracking.uri)
    experiment = client.get_run(run.run_id).info.experiment_id
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    return {one.info.run_name: one for one in children if "dealcast.trial" in one.data.tags}


def test_each_trial_is_a_run_with_its_settings_and_its_score(trained: Trained, tracking: Tracking, tmp_path: Path):
    run = logged(trained, tracking, tmp_path / "model", TUNED.facts())
    found = trials_below(tracking, run)
    assert set(found) == {"trial 0", "trial 1", "trial 2"}
    assert [found[name].data.tags["dealcast.trial"] for name in sorted(found)] == ["complete", "given up", "complete"]
    assert found["trial 2"].data.params == {"num_leaves": "7", "lambda_l2": "31.5"}
    assert found["trial 2"].data.metrics == {"score": 0.91, "splits": 3}
    assert {one.info.status for one in found.values()} == {"FINISHED"}
    assert mlflow.MlflowClient(tracking.uri).get_run(run.run_id).data.tags["dealcast.tuned"] == "yes"


@pytest.mark.parametrize(
    ("tuning", "says"),
    [
        (None, "no"),
        ({**TUNED.facts(), "carried": True, "trials": []}, "for an earlier champion"),
        ({**TUNED.facts(), "accepted": False, "trials": []}, "no gain beyond chance"),
    ],
)
def test_a_run_and_its_version_say_whether_they_were_tuned(
    trained: Trained, tracking: Tracking, tmp_path: Path, tuning: dict[str, Any] | None, says: str
):
    run = logged(trained, tracking, tmp_path / "model", tuning)
    client = mlflow.MlflowClient(tracking.uri, tracking.uri)
    assert client.get_run(run.run_id).data.tags["dealcast.tuned"] == says
    assert client.get_model_version("dealcast-deal-model", run.version).tags["dealcast.tuned"] == says
    assert trials_below(tracking, run) == {}
