"""A training is a run in MLflow with all that belongs to it, a version in its registry, and a model it can serve."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.entities import Run

from crm.errors import FAILED, DealcastError
from features.dataset import TrainingSet
from pipelines.config import quiet_libraries
from tests.training.examples import QUICK
from training import registry
from training.learning import Trained
from training.provenance import code_hash, dealcast_version, vocabulary_hash
from training.registry import Move, Standing
from training.settings import Tracking
from training.tracking import EXPERIMENT, MODEL_NAME, LoggedRun, log_training

PARAMETERS = {"data": "sales", "grid_days": 14}
PATIENCE = 15
"""Seconds after which a user has to know that nobody answers."""


@dataclass(frozen=True)
class Logged:
    """A training that was logged into a store of its own."""

    tracking: Tracking
    trained: Trained
    folder: Path
    sha256: str
    aliases_before: Mapping[str, str]
    run: LoggedRun

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.tracking.uri, self.tracking.uri)

    @property
    def found(self) -> Run:
        return self.client.get_run(self.run.run_id)

    def files(self, under: str | None = None) -> set[str]:
        """Paths of the run's artifacts."""
        return {item.path for item in self.client.list_artifacts(self.run.run_id, under)}

    def text(self, path: str) -> str:
        """One of the run's artifacts."""
        return Path(self.client.download_artifacts(self.run.run_id, path)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def logged(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    home = tmp_path_factory.mktemp("home") / "not there yet"
    tracking = Tracking(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    before = mlflow.get_tracking_uri()
    sha256 = trained.model.save(home / "model")
    aliases_before = registry.aliases(tracking)
    run = log_training(tracking, trained, home / "model", sha256, PARAMETERS, {"leakage_audit.txt": "Größe: ✓"})
    yield Logged(tracking, trained, home / "model", sha256, aliases_before, run)
    mlflow.set_tracking_uri(before)


def test_a_run_holds_its_parameters(logged: Logged) -> None:
    found = logged.found
    assert found.info.status == "FINISHED"
    assert logged.client.get_experiment(found.info.experiment_id).name == EXPERIMENT
    settings = {name: str(value) for name, value in logged.trained.model.facts["parameters"].items()}
    assert settings["learning_rate"] == str(QUICK.learning_rate)
    assert found.data.params.items() >= {"data": "sales", "grid_days": "14", **settings}.items()
    assert found.data.tags["dealcast.sha256"] == logged.sha256
    assert found.data.tags["dealcast.gate"] == "passed"


def test_a_run_holds_the_scores_of_the_model_and_of_its_baselines(logged: Logged) -> None:
    metrics = logged.found.data.metrics
    card = logged.trained.cards[0]
    assert metrics["win.model.log_loss"] == pytest.approx(card.model.log_loss.value)
    assert metrics["win.stage_win_rates.log_loss"] == pytest.approx(card.line("stage win rates").log_loss.value)
    assert metrics["win.model.calibration_error"] == pytest.approx(card.model.calibration_error)
    assert metrics["win.calibration_slope"] == pytest.approx(card.slope[0])
    record = logged.trained.model.facts["close_date_record"]
    assert metrics["day_of_win.span.inside"] == record["span"]["inside"]["value"]
    assert metrics["day_of_win.other.promised"] == record["other"]["promised"]
    assert metrics["day_of_win.error_of_plan"] == record["error_of_plan"]["value"]
    assert {name.split(".")[0] for name in metrics} == {"win", "win_within", "stall", "slip", "day_of_win"}
    assert np.isfinite(list(metrics.values())).all()


def test_a_run_holds_the_fingerprint_of_its_data(logged: Logged) -> None:
    data = json.loads(logged.text("data.json"))
    assert data == logged.trained.model.facts["data"]
    assert data["fingerprint"] == logged.trained.fingerprint
    (used,) = logged.found.inputs.dataset_inputs
    assert used.dataset.name == "snapshots"
    assert logged.trained.fingerprint.startswith(used.dataset.digest)
    assert len(used.dataset.digest) >= 32
    assert json.loads(used.dataset.profile)["num_rows"] == len(logged.trained.rows)
    assert "sales" in used.dataset.source


def test_a_run_holds_its_model_card_gate_and_plots(logged: Logged) -> None:
    card = logged.text("model_card.md")
    assert card.startswith("# Deal model")
    for finding in logged.trained.verdict.findings:
        assert f"| {finding.check} | {finding.outcome.value} | {finding.says} |" in card
    for name in ("stage win rates", "logistic regression", "base rate"):
        assert f"| {name} |" in card
    assert {"gate.json", "absent_features.json", "reliability_won_in_the_end.json"} <= logged.files()
    plots = logged.files("plots")
    assert {"plots/shap_win.png", "plots/reliability_won_in_the_end.png"} <= plots
    assert "plots/lift_win.png" in plots
    assert len(plots) == len(logged.trained.cards) + 2
    for plot in plots:
        local = Path(logged.client.download_artifacts(logged.run.run_id, plot))
        assert local.read_bytes().startswith(b"\x89PNG")


def test_a_run_makes_a_version_in_the_registry(logged: Logged) -> None:
    version = logged.client.get_model_version(MODEL_NAME, logged.run.version)
    assert version.run_id == logged.run.run_id
    assert version.tags["dealcast.sha256"] == logged.sha256


def test_before_the_first_training_there_are_no_aliases(logged: Logged) -> None:
    assert logged.aliases_before == {}


def test_the_registry_is_brought_to_stand_as_wanted_and_left_alone_once_it_does(logged: Logged) -> None:
    version = logged.run.version
    wanted = Standing({"one": version, "other": None}, {version: {"why": "because"}, "999": {"why": "nobody"}})
    assert registry.align(logged.tracking, wanted) == (Move("one", None, version),)
    assert registry.aliases(logged.tracking)["one"] == version
    assert logged.client.get_model_version(MODEL_NAME, version).tags["why"] == "because"
    assert registry.align(logged.tracking, wanted) == ()
    assert registry.align(logged.tracking, Standing({"one": None})) == (Move("one", version, None),)
    assert "one" not in registry.aliases(logged.tracking)


def test_an_alias_for_a_version_that_does_not_exist_is_refused(logged: Logged) -> None:
    with pytest.raises(DealcastError, match="version"):
        registry.align(logged.tracking, Standing({"nobody": "999"}))
    assert "nobody" not in registry.aliases(logged.tracking)


def test_folds_and_spans_of_dates_are_runs_below_the_training(logged: Logged) -> None:
    experiment = logged.found.info.experiment_id
    children = logged.client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{logged.run.run_id}'")
    slices = {one["name"]: one for one in logged.trained.model.facts["slices"]}
    assert {run.info.run_name for run in children} == set(slices)
    assert {run.info.status for run in children} == {"FINISHED"}
    assert {run.data.tags["dealcast.slice"] for run in children} == {"fold", "dates"}
    for run in children:
        one = slices[run.info.run_name]
        assert run.data.metrics["win.model.log_loss"] == pytest.approx(one["scores"]["model"]["log_loss"])
        assert run.data.metrics["deals"] == one["deals"]
        assert run.data.params["first_day"] == one["first_day"]


def test_a_run_and_its_version_say_where_they_come_from(logged: Logged) -> None:
    facts = logged.trained.model.facts
    wanted = {
        "dealcast.version": dealcast_version(),
        "dealcast.code": code_hash(),
        "dealcast.vocabulary": vocabulary_hash(logged.trained.model.vocabulary),
        "dealcast.data": logged.trained.fingerprint,
        "dealcast.data_until": facts["data"]["until"],
        "dealcast.gate": "passed",
        "dealcast.sha256": logged.sha256,
    }
    assert logged.found.data.tags.items() >= wanted.items()
    assert logged.client.get_model_version(MODEL_NAME, logged.run.version).tags.items() >= wanted.items()


def test_a_run_holds_the_catalogue_scores_segments_and_what_it_was_given(logged: Logged) -> None:
    features = json.loads(logged.text("features.json"))
    named = [row[features["columns"].index("feature")] for row in features["data"]]
    assert tuple(named) == logged.trained.model.names
    assert json.loads(logged.text("scores.json"))["win"]["lines"][0]["log_loss"].keys() == {"value", "low", "high"}
    segments = json.loads(logged.text("segments.json"))
    field, value = (segments["columns"].index(name) for name in ("field", "value"))
    known = {(one["field"], one["value"]) for one in logged.trained.model.facts["segments"]}
    assert {(row[field], row[value]) for row in segments["data"]} == known
    assert {"stage", "owner", "region", "size"} & {field for field, _ in known}
    assert logged.text("leakage_audit.txt") == "Größe: ✓"


def test_mlflow_serves_the_same_probabilities(logged: Logged, training: TrainingSet) -> None:
    registry.align(logged.tracking, Standing({registry.CHAMPION: logged.run.version}))
    mlflow.set_tracking_uri(logged.tracking.uri)
    served = mlflow.pyfunc.load_model(f"models:/{MODEL_NAME}@{registry.CHAMPION}")
    features = training.features.iloc[:200]
    answers = logged.trained.model.answer(features)
    found = served.predict(features)
    np.testing.assert_array_equal(found["win_probability"], answers.win)
    np.testing.assert_array_equal(found["stall_risk"], answers.stall)
    # The signature is by name: another order is no other model.
    shuffled = served.predict(features[features.columns[::-1]])
    np.testing.assert_array_equal(shuffled["win_probability"], answers.win)


@pytest.fixture
def surroundings() -> Iterator[None]:
    """The environment, put back as it was."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_the_run_of_someone_else_in_the_environment_does_not_take_ours(logged: Logged, surroundings: None) -> None:
    """`mlflow run` names its own run to the command that it starts; that run is in another store."""
    os.environ.update(MLFLOW_RUN_ID="0" * 32, MLFLOW_EXPERIMENT_ID="77", MLFLOW_TRACKING_URI="http://127.0.0.1:1")
    quiet_libraries()
    again = log_training(logged.tracking, logged.trained, logged.folder, logged.sha256, PARAMETERS)
    assert again.run_id != logged.run.run_id
    assert int(again.version) == int(logged.run.version) + 1
    assert logged.client.get_run(again.run_id).info.experiment_id == logged.found.info.experiment_id


def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def nobody_listens(folder: Path) -> str:
    return f"http://127.0.0.1:{closed_port()}"


def a_file_stands_where_the_folder_should_be(folder: Path) -> str:
    (folder / "file").write_text("x")
    return f"sqlite:///{folder / 'file' / 'mlflow.db'}"


def a_folder_stands_where_the_file_should_be(folder: Path) -> str:
    return f"sqlite:///{folder}"


def the_file_is_no_database(folder: Path) -> str:
    (folder / "mlflow.db").write_bytes(b"not a database" * 100)
    return f"sqlite:///{folder / 'mlflow.db'}"


@pytest.mark.parametrize(
    "trouble",
    [
        nobody_listens,
        a_file_stands_where_the_folder_should_be,
        a_folder_stands_where_the_file_should_be,
        the_file_is_no_database,
    ],
)
def test_a_store_that_cannot_be_had_is_told_at_once(trained: Trained, tmp_path: Path, trouble: object) -> None:
    tracking = Tracking(trouble(tmp_path))  # type: ignore[operator]
    begun = time.monotonic()
    for attempt in (
        lambda: log_training(tracking, trained, tmp_path, "", {}),
        lambda: registry.align(tracking, Standing({registry.CHAMPION: "1"})),
        lambda: registry.aliases(tracking),
    ):
        with pytest.raises(DealcastError) as told:
            attempt()
        assert told.value.exit_code == FAILED
        assert told.value.where == tracking.uri
        assert "start the MLflow server" in told.value.remedy
    assert time.monotonic() - begun < PATIENCE


def test_a_server_that_is_silent_is_not_waited_for_long(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.tracking.ANSWERS_WITHIN", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        with pytest.raises(DealcastError, match="MLflow could not be used"):
            log_training(Tracking(f"http://127.0.0.1:{silent.getsockname()[1]}"), trained, tmp_path, "", {})
        assert time.monotonic() - begun < PATIENCE


def test_passwords_are_not_told(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(DealcastError) as told:
        log_training(Tracking(f"http://anna:geheim@127.0.0.1:{closed_port()}"), trained, tmp_path, "", {})
    assert "geheim" not in str(told.value)
    assert "http://***@127.0.0.1" in told.value.where
