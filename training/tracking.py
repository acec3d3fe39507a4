"""Experiments in MLflow: each training is a run with its data, parameters, scores, plots and model files."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.data.pandas_dataset import PandasDataset, from_pandas
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
from features.catalogue import catalogue
from features.questions import formula
from training.forecast.summary import Score
from training.learning import Trained
from training.model_card import model_card
from training.plots import fan_plot, lift_plot, reliability_plot, shap_plot
from training.run_metrics import forecast_metrics, slice_metrics, training_metrics
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
    tracking: Tracking,
    trained: Trained,
    folder: Path,
    sha256: str,
    parameters: Mapping[str, object],
    documents: Mapping[str, str] | None = None,
) -> LoggedRun:
    """Log a training with its model files (`folder`) and register them as a new version.

    Each fold and each span of dates that the model was judged on is a run of its own below the training's, and so is
    each trial of its tuning.

    :param parameters: what was trained with beside the model's own settings; `data` is where the tables lie.
    :param documents: further artifacts, text by file name.
    Raises DealcastError where MLflow cannot be reached.
    """
    with reached(tracking):
        mlflow.set_tracking_uri(tracking.uri)
        experiment = _experiment(tracking)
        with mlflow.start_run(experiment_id=experiment.experiment_id, run_name="train") as run:
            tags = {"dealcast.sha256": sha256, **_tags(trained)}
            mlflow.set_tags(tags)
            mlflow.log_params({**parameters, **trained.model.facts["parameters"]})
            mlflow.log_metrics(training_metrics(trained.model.facts))
            _log_data(trained, str(parameters.get("data", "")))
            _log_documents(trained)
            for name, text in (documents or {}).items():
                mlflow.log_text(text, name)
            _log_slices(trained, experiment)
            _log_trials(trained, experiment)
            version = _log_model(tracking, trained, folder, tags)
        return LoggedRun(run.info.run_id, version)


def log_backtest(
    tracking: Tracking, record: pd.DataFrame, scores: Sequence[Score], parameters: Mapping[str, object]
) -> str:
    """Log a backtest: its record, its scores, the fan of its forecasts with what came true. Returns the run's id.

    Raises DealcastError where MLflow cannot be reached.
    """
    with reached(tracking):
        mlflow.set_tracking_uri(tracking.uri)
        experiment = _experiment(tracking)
        with mlflow.start_run(experiment_id=experiment.experiment_id, run_name="backtest") as run:
            mlflow.log_params(dict(parameters))
            mlflow.log_metrics(forecast_metrics(scores))
            mlflow.log_table(pd.DataFrame([vars(score) for score in scores]), "scores.json")
            mlflow.log_figure(fan_plot(record), "plots/fan.png")
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "record.parquet"
                record.to_parquet(path, index=False)
                mlflow.log_artifact(str(path))
        return str(run.info.run_id)


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


def _tags(trained: Trained) -> dict[str, str]:
    """What a run and its version are known by."""
    facts = trained.model.facts
    return {
        "dealcast.gate": "passed" if trained.verdict.passed else "not passed",
        "dealcast.tuned": _tuned(facts["tuning"]),
        "dealcast.data": facts["data"]["fingerprint"],
        "dealcast.data_until": facts["data"]["until"],
        **{f"dealcast.{name}": value for name, value in facts["provenance"].items()},
    }


def _tuned(tuning: Mapping[str, Any] | None) -> str:
    if tuning is None:
        return "no"
    if tuning["carried"]:
        return "for an earlier champion"
    return "yes" if tuning["accepted"] else "no gain beyond chance"


class _Snapshots(PandasDataset):
    """A training set whose columns are all numbers, any of them unknown; MLflow would look at each cell to find out."""

    @staticmethod
    def of(found: PandasDataset) -> _Snapshots:
        """The same dataset."""
        return _Snapshots(found.df, found.source, name=found.name, digest=found.digest)

    @cached_property
    def schema(self) -> Schema:
        """A column a feature."""
        return Schema([ColSpec("float", str(name), required=False) for name in self.df.columns])


def _log_data(trained: Trained, source: str) -> None:
    data = trained.model.facts["data"]
    snapshots = pd.DataFrame(trained.rows.x, columns=list(trained.rows.names), copy=False)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The specified dataset source can be interpreted", category=UserWarning
        )
        # MLflow has two names for a folder of the file system, both of the same kind.
        where: dict[str, Any] = {"source": source} if source else {}
        dataset = _Snapshots.of(from_pandas(snapshots, name="snapshots", digest=trained.fingerprint[:36], **where))
    mlflow.log_input(dataset, context="training")
    mlflow.log_dict(data, "data.json")
    mlflow.log_dict(trained.model.facts["absent_features"], "absent_features.json")
    mlflow.log_table(_features(trained), "features.json")


def _features(trained: Trained) -> pd.DataFrame:
    """The features that the model asks, from the catalogue."""
    known = catalogue(trained.model.vocabulary)
    rows = [(known.family_of(name), known.feature(name)) for name in trained.model.names]
    return pd.DataFrame(
        [(one.name, family, one.unit.value, one.group, one.meaning, formula(one.ask)) for family, one in rows],
        columns=["feature", "family", "unit", "group", "meaning", "question"],
    )


def _log_slices(trained: Trained, experiment: Experiment) -> None:
    """Folds and spans of dates as runs below the training's."""
    for one in trained.model.facts["slices"]:
        with mlflow.start_run(experiment_id=experiment.experiment_id, run_name=one["name"], nested=True):
            mlflow.set_tags({"dealcast.slice": one["kind"]})
            mlflow.log_params({name: one[name] for name in ("first_day", "last_day")})
            mlflow.log_metrics(slice_metrics(one))


def _log_trials(trained: Trained, experiment: Experiment) -> None:
    """Trials of a tuning as runs below the training's; `score` is what was tuned for, lower is better."""
    tuning = trained.model.facts["tuning"]
    for one in [] if tuning is None else tuning["trials"]:
        with mlflow.start_run(experiment_id=experiment.experiment_id, run_name=f"trial {one['number']}", nested=True):
            mlflow.set_tags({"dealcast.trial": "complete" if one["splits"] == tuning["splits"] else "given up"})
            mlflow.log_params(one["values"])
            mlflow.log_metrics({"score": one["score"], "splits": one["splits"]})


def _log_documents(trained: Trained) -> None:
    mlflow.log_text(model_card(trained), "model_card.md")
    mlflow.log_table(_findings(trained), "gate.json")
    mlflow.log_dict(trained.model.facts["scores"], "scores.json")
    if trained.model.facts["segments"]:
        mlflow.log_table(pd.json_normalize(trained.model.facts["segments"]), "segments.json")
    for card in trained.cards:
        name = card.question.replace(" ", "_")
        mlflow.log_figure(reliability_plot(card), f"plots/reliability_{name}.png")
        mlflow.log_table(_reliability(card), f"reliability_{name}.json")
    mlflow.log_figure(shap_plot(trained.model, trained.rows), "plots/shap_win.png")
    if len(trained.judged.y):
        mlflow.log_figure(lift_plot(trained.judged), "plots/lift_win.png")


def _findings(trained: Trained) -> pd.DataFrame:
    return pd.DataFrame(
        [(f.check, f.outcome.value, f.says) for f in trained.verdict.findings],
        columns=["check", "outcome", "says"],
    )


def _reliability(card: Card) -> pd.DataFrame:
    return pd.DataFrame([vars(row) for row in card.reliability])


def _log_model(tracking: Tracking, trained: Trained, folder: Path, tags: dict[str, str]) -> str:
    """The model files as a pyfunc from code, for `mlflow models serve` and Spark; never read back by us."""
    inputs = Schema([ColSpec("float", name) for name in trained.model.names])
    outputs = Schema([ColSpec("double", "win_probability"), ColSpec("double", "stall_risk")])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example.*", category=UserWarning)
        info = mlflow.pyfunc.log_model(
            name="deal_model",
            python_model=str(_PYFUNC),
            artifacts={"deal_model": str(folder)},
            model_config={"sha256": tags["dealcast.sha256"]},
            signature=ModelSignature(inputs, outputs),
            pip_requirements=["dealcast"],
            metadata=json.loads(json.dumps(trained.model.facts["data"])),
        )
    return _register(tracking, info.model_id, info.model_uri, tags)


def _register(tracking: Tracking, model_id: str, uri: str, tags: dict[str, str]) -> str:
    """A new version in the registry; its number as text."""
    client = mlflow.MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(MODEL_NAME)
    version = client.create_model_version(MODEL_NAME, uri, model_id=model_id, tags=tags)
    return str(version.version)
