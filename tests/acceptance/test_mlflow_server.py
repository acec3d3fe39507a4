"""The same road through a real MLflow server: train, promote, roll back, compare; and the server gone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow
import pytest

from pipelines.config import Home, load_config
from serving.store import Store
from tests.acceptance.test_promote import FIRST, LENIENT, SECOND, STRICT
from tests.acceptance.worlds import WEEK_BEFORE, dealcast, new_home, simulated
from tests.tracking import empty_tracking_store
from training import registry
from training.tracking import MODEL_NAME

pytestmark = pytest.mark.slow
STARTS_WITHIN = 120
"""Seconds; on an idle machine it takes 10 to 20."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2) as told:
            return told.status == 200
    except OSError:
        return False


class Server:
    """`mlflow server` on loopback, with a folder of its own; stopped with all that it has started."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.uri = f"http://127.0.0.1:{port}"
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{shutil.copy(empty_tracking_store(), folder)}"),
            *("--artifacts-destination", str(folder / "artifacts")),
            *("--allowed-hosts", f"127.0.0.1:{port}"),
        ]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        """Until it answers."""
        begun = time.monotonic()
        while not answers(self.uri):
            said = self.log.read_text(errors="replace")
            assert self.process.poll() is None, said
            assert time.monotonic() - begun < STARTS_WITHIN, said
            time.sleep(0.3)

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def home(server, tmp_path_factory):
    """A home whose runs go to the server: versions 1 and 2 champions one after the other, 3 past no gate."""
    folder = tmp_path_factory.mktemp("by-server")
    data, home = simulated(folder / "data", deals=1200, signal=4.0, seed=1), new_home(folder / "home", tracks=False)
    server.wait()
    before = mlflow.get_tracking_uri()
    for as_of, configuration, code in ((FIRST, LENIENT, 0), (SECOND, LENIENT, 0), (WEEK_BEFORE, STRICT, 4)):
        tracked = f'{configuration}\n[mlflow]\ntracking_uri = "{server.uri}"\n'
        (home / "dealcast.toml").write_text(tracked, encoding="utf-8")
        told = dealcast("train", "--data", data, "--home", home, "--as-of", as_of)
        assert told.code == code, told.out + told.err
    yield home, data
    mlflow.set_tracking_uri(before)


def aliases(home):
    return dict(registry.aliases(load_config(Home(home)).tracking(Home(home))))


# In this order: each goes on where the one before has left the registry.


def test_runs_children_files_and_versions_are_on_the_server_and_none_at_home(home, server):
    client = mlflow.MlflowClient(server.uri, server.uri)
    runs = {row["version"]: row["mlflow_run_id"] for row in Store.under(home[0]).models()}
    assert set(runs) == {"1", "2", "3"}
    for version, run_id in runs.items():
        assert client.get_model_version(MODEL_NAME, version).run_id == run_id
        run = client.get_run(run_id)
        assert run.info.status == "FINISHED"
        experiment = run.info.experiment_id
        children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
        assert len(children) == 6
        assert all("win.model.log_loss" in child.data.metrics for child in children)
        files = {item.path for item in client.list_artifacts(run_id)}
        assert {"model_card.md", "leakage_audit.txt", "leakage_audit.json", "scores.json", "plots"} <= files
        audit = json.loads(Path(client.download_artifacts(run_id, "leakage_audit.json")).read_text())
        assert audit["fields"]
    assert not (home[0] / "mlflow.db").exists()
    assert not (home[0] / "mlartifacts").exists()
    assert aliases(home[0]) == {"champion": "2", "challenger": "3"}


def test_promote_and_roll_back_move_the_servers_alias(home):
    assert dealcast("promote", "--home", home[0]).code == 4
    told = dealcast("promote", "--force", "--reason", "to see it", "--home", home[0])
    assert told.code == 0, told.err
    assert aliases(home[0]) == {"champion": "3"}
    for back in ("2", "1"):
        assert dealcast("rollback", "--home", home[0]).code == 0
        assert aliases(home[0]) == {"champion": back}
    assert dealcast("promote", "2", "--home", home[0]).code == 0
    assert aliases(home[0]) == {"champion": "2"}


def test_two_versions_are_compared(home):
    told = dealcast("models", "compare", "1", "champion", "--data", home[1], "--home", home[0], "--json")
    assert told.code == 0, told.err
    said = json.loads(told.out)
    assert said["second"]["version"] == "2"
    assert len(said["same_later_deals"]) == 2


def test_another_machine_can_serve_what_the_server_keeps(home, server):
    """The registered model is loaded from the server alone, by MLflow's own means."""
    mlflow.set_tracking_uri(server.uri)
    served = mlflow.pyfunc.load_model(f"models:/{MODEL_NAME}@{registry.CHAMPION}")
    names = served.metadata.get_input_schema().input_names()
    row = next(row for row in Store.under(home[0]).models() if row["version"] == "2")
    assert names == row["facts"]["features"]


def test_when_the_server_is_gone_rolling_back_and_scoring_go_on_and_training_says_so_at_once(home, server):
    server.stop()
    told = dealcast("rollback", "--home", home[0])
    assert told.code == 0, told.err
    assert "MLflow's aliases could not be brought in line" in " ".join(told.out.split())
    scores = dealcast("score", "--data", home[1], "--home", home[0], "--json")
    assert json.loads(scores.out)["model_version"] == "1"
    told = dealcast("models", "--home", home[0])
    assert told.code == 0, told.err
