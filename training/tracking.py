"""Experiments in MLflow: each training is a run with its data, parameters, scores, plots and model files."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.store.db.db_types import DATABASE_ENGINES
from mlflow.types.schema import ColSpec, Schema
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from crm.errors import DealcastError
from training.learning import Trained
from training.model_card import model_card
from training.plots import reliability_plot, shap_plot
from training.scorecard import Card
from training.settings import Tracking

EXPERIMENT = "dealcast"
MODEL_NAME = "dealcast-deal-model"
ANSWERS_WITHIN = 10
"""Seconds that a tracking server has for its first answer."""
_PYFUNC = Path(__file__).with_name("pyfunc_model.py")


@dataclass(frozen=True)
class LoggedRun:
    """A run in MLflow and the registry version that it made."""

    run_id: str
    version: str


def log_training(
    tracking: Tracking, trained: Trained, folder: Path, sha256: str, parameters: Mapping[str, object]
) -> LoggedRun:
    """Log a training with its model files (`folder`) and register them as a new version.

    Raises DealcastError where MLflow cannot be reached.
    """
    with reached(tracking):
        mlflow.set_tracking_uri(tracking.uri)
        experiment = _experiment(tracking)
        with mlflow.start_run(experiment_id=experiment.experiment_id, run_name="train") as run:
            mlflow.set_tags({"dealcast.sha256": sha256, "dealcast.gate": _gate(trained)})
            mlflow.log_params({**parameters, **trained.model.facts["parameters"]})
            mlflow.log_metrics(_metrics(trained))
            _log_data(trained)
            _log_documents(trained)
            version = _log_model(tracking, trained, folder, sha256)
        return LoggedRun(run.info.run_id, version)


@contextlib.contextmanager
def reached(tracking: Tracking) -> Iterator[None]:
    """Asks MLflow once whether it is there, and says as a DealcastError what it cannot do."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    where = re.sub(r"(?<=://)[^/@]*@", "***@", tracking.uri)  # user and password
    try:
        _knock(tracking.uri)
        yield
    except (MlflowException, SQLAlchemyError, OSError, ModuleNotFoundError) as error:
        said = str(error).replace(tracking.uri, where).strip().splitlines() or [type(error).__name__]
        raise DealcastError(
            f"MLflow could not be used: {said[0]}",
            where=where,
            remedy="start the MLflow server, or leave [mlflow] tracking_uri out to use the home's own SQLite",
        ) from error


def _knock(uri: str) -> None:
    """Raise at once where nobody answers: MLflow itself goes on asking for minutes."""
    if uri.startswith(("http://", "https://")):
        ask = partial(http_request, get_default_host_creds(uri))  # type: ignore[no-untyped-call]
        ask("/health", "GET", max_retries=0, timeout=ANSWERS_WITHIN, raise_on_status=False)
    elif uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES:
        url = make_url(uri)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, poolclass=NullPool)
        inspect(engine).get_table_names()


def _experiment(tracking: Tracking) -> Experiment:
    found = mlflow.get_experiment_by_name(EXPERIMENT)
    if found is None:
        location = tracking.artifacts.resolve().as_uri() if tracking.artifacts else None
        found = mlflow.get_experiment(mlflow.create_experiment(EXPERIMENT, artifact_location=location))
    return found


def _gate(trained: Trained) -> str:
    return "passed" if trained.verdict.passed else "not passed"


def _metrics(trained: Trained) -> dict[str, float]:
    metrics = {}
    for key, card in trained.model.facts["scores"].items():
        for line in card["lines"]:
            name = line["name"].replace(" ", "_")
            for score in ("log_loss", "brier", "auc", "gain"):
                metrics[f"{key}.{name}.{score}"] = line[score]["value"]
            metrics[f"{key}.{name}.calibration_error"] = line["calibration_error"]
        metrics[f"{key}.calibration_slope"] = card["slope"][0]
    return {name: value for name, value in metrics.items() if not math.isnan(value)}


def _log_data(trained: Trained) -> None:
    data = trained.model.facts["data"]
    sample = pd.DataFrame(trained.rows.x[:5], columns=list(trained.rows.names))
    dataset = from_pandas(sample, name="snapshots", digest=trained.fingerprint[:36])
    mlflow.log_input(dataset, context="training")
    mlflow.log_dict(data, "data.json")
    mlflow.log_dict(trained.model.facts["absent_features"], "absent_features.json")


def _log_documents(trained: Trained) -> None:
    mlflow.log_text(model_card(trained), "model_card.md")
    mlflow.log_table(_findings(trained), "gate.json")
    for card in trained.cards:
        name = card.question.replace(" ", "_")
        mlflow.log_figure(reliability_plot(card), f"plots/reliability_{name}.png")
        mlflow.log_table(_reliability(card), f"reliability_{name}.json")
    mlflow.log_figure(shap_plot(trained.model, trained.rows), "plots/shap_win.png")


def _findings(trained: Trained) -> pd.DataFrame:
    return pd.DataFrame(
        [(f.check, f.outcome.value, f.says) for f in trained.verdict.findings],
        columns=["check", "outcome", "says"],
    )


def _reliability(card: Card) -> pd.DataFrame:
    return pd.DataFrame([vars(row) for row in card.reliability])


def _log_model(tracking: Tracking, trained: Trained, folder: Path, sha256: str) -> str:
    """The model files as a pyfunc from code, for `mlflow models serve` and Spark; never read back by us."""
    inputs = Schema([ColSpec("float", name) for name in trained.model.names])
    outputs = Schema([ColSpec("double", "win_probability"), ColSpec("double", "stall_risk")])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example.*", category=UserWarning)
        info = mlflow.pyfunc.log_model(
            name="deal_model",
            python_model=str(_PYFUNC),
            artifacts={"deal_model": str(folder)},
            model_config={"sha256": sha256},
            signature=ModelSignature(inputs, outputs),
            pip_requirements=["dealcast"],
            metadata=json.loads(json.dumps(trained.model.facts["data"])),
        )
    return _register(tracking, info.model_id, info.model_uri, sha256)


def _register(tracking: Tracking, model_id: str, uri: str, sha256: str) -> str:
    """A new version in the registry; its number as text."""
    client = mlflow.MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(MODEL_NAME)
    version = client.create_model_version(MODEL_NAME, uri, model_id=model_id, tags={"dealcast.sha256": sha256})
    return str(version.version)
