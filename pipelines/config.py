"""The configuration: `dealcast.toml` in the home, and where things lie under the home."""

from __future__ import annotations

import getpass
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm.errors import WrongUse
from crm.sources.mapping import SourceMapping, mapping_from_toml
from features.settings import TimeWishes
from pipelines.sections import check_known, names_of, places_of, section_of, table_of, text_of
from serving.digest.wishes import DigestWishes
from serving.formats import HOUSE, Formats, formats_of
from serving.grades import Grades
from serving.trial.assignment import TrialWishes
from serving.web.settings import WebSettings
from training.settings import BoostingSettings, RetrainWishes, Thresholds, Tracking, TuningWishes

FILE = "dealcast.toml"
_SECTIONS = (
    "data",
    "tables",
    "fields",
    "activities",
    "time",
    "gate",
    "training",
    "tuning",
    "retrain",
    "grades",
    "display",
    "mlflow",
    "store",
    "spark",
    "trial",
    "sinks",
    "nightly",
    "channels",
    "digest",
    "serve",
)


@dataclass(frozen=True)
class Home:
    """The folder that holds configuration, store, models and MLflow's own store."""

    path: Path

    @property
    def models(self) -> Path:
        """Where model files are kept, a folder a model."""
        return self.path / "models"

    @property
    def backtests(self) -> Path:
        """Where the parts of the record of past forecasts are kept."""
        return self.path / "backtests"

    @property
    def record(self) -> Path:
        """The record of past forecasts as a whole; there is none before the first backtest."""
        return self.backtests / "record.parquet"

    @property
    def mirrors(self) -> Path:
        """Where remote sources are mirrored, a folder a kind of source."""
        return self.path / "mirror"


@dataclass(frozen=True)
class Config:
    """What `dealcast.toml` says; every part has a default that needs no file.

    :param boosting_given: the settings that [training] names: neither tuned nor taken from a champion.
    :param sinks: what [sinks.NAME] says, by name; read by :mod:`pipelines.sinks`.
    :param write_back: the sinks that a night writes back to without being asked.
    :param channels: what [channels.NAME] says, by name; read by :mod:`pipelines.channels`.
    """

    source: SourceMapping = field(default_factory=SourceMapping)
    time: TimeWishes = field(default_factory=TimeWishes)
    gate: Thresholds = field(default_factory=Thresholds)
    boosting: BoostingSettings = field(default_factory=BoostingSettings)
    boosting_given: frozenset[str] = frozenset()
    tuning: TuningWishes = field(default_factory=TuningWishes)
    retrain: RetrainWishes = field(default_factory=RetrainWishes)
    grades: Grades = field(default_factory=Grades)
    formats: Formats = HOUSE
    trial: TrialWishes = field(default_factory=TrialWishes)
    tracking_uri: str | None = None
    store_url: str | None = None
    spark: Mapping[str, str] = field(default_factory=dict)
    sinks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    write_back: tuple[str, ...] = ()
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    digest: DigestWishes = field(default_factory=DigestWishes)
    serve: WebSettings = field(default_factory=WebSettings)

    @property
    def zone(self) -> str:
        """The time zone in which a date ends."""
        return self.source.time_zone or "UTC"

    def tracking(self, home: Home) -> Tracking:
        """Where runs are tracked: as configured, else SQLite under the home."""
        if self.tracking_uri:
            return Tracking(self.tracking_uri)
        return Tracking(f"sqlite:///{(home.path / 'mlflow.db').resolve()}", home.path / "mlartifacts")


def load_config(home: Home) -> Config:
    """Read the home's `dealcast.toml`; the defaults where there is none. Raises WrongUse for what is off."""
    path = home.path / FILE
    if not path.is_file():
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"not readable as TOML: {error}", where=str(path)) from error
    check_known(data, _SECTIONS, str(path))
    time = section_of(TimeWishes, data, "time")
    time.calendar()  # raises WrongUse where there is none such
    return Config(
        source=mapping_from_toml(data),
        time=time,
        gate=section_of(Thresholds, data, "gate"),
        boosting=section_of(BoostingSettings, data, "training"),
        boosting_given=frozenset(data.get("training", {})),
        tuning=section_of(TuningWishes, data, "tuning"),
        retrain=section_of(RetrainWishes, data, "retrain"),
        grades=_falling(section_of(Grades, data, "grades")),
        formats=formats_of(text_of(data, "display", "locale") or ""),
        trial=section_of(TrialWishes, data, "trial"),
        tracking_uri=text_of(data, "mlflow", "tracking_uri"),
        store_url=text_of(data, "store", "url"),
        spark=_spark_settings(data),
        sinks=places_of(data, "sinks", "sql"),
        write_back=names_of(data, "nightly", "write_back"),
        channels=places_of(data, "channels", "smtp"),
        digest=section_of(DigestWishes, data, "digest"),
        serve=section_of(WebSettings, data, "serve"),
    )


def quiet_libraries() -> None:
    """Settings that libraries read from the environment when they start."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # Threads that spin while they wait starve each other where cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Spark starts Python for its workers: the one that runs here.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # `mlflow run` hands its own run's ids to the command, which keeps its runs in the home's store.
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)


def caller() -> str:
    """The name of whoever runs the command, as the system has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user that has no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def secret(name: str) -> str | None:
    """A secret by its name, from the environment or from the file that the environment names; None where neither is.

    "HUBSPOT_TOKEN" is what DEALCAST_HUBSPOT_TOKEN holds, or the file that DEALCAST_HUBSPOT_TOKEN_FILE names.
    """
    variable = f"DEALCAST_{name}"
    given, file = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if given and file:
        raise WrongUse("given twice", where=variable, expected=f"{variable} or {variable}_FILE, not both")
    if not file:
        return given or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise WrongUse(f"the file cannot be read: {why}", where=f"{variable}_FILE", remedy="name another") from None


def _falling(grades: Grades) -> Grades:
    if not grades.a > grades.b > grades.c:
        found = f"a = {grades.a}, b = {grades.b}, c = {grades.c} do not fall"
        raise WrongUse(found, where="[grades]", expected="a above b above c: the least score of each grade")
    return grades


def _spark_settings(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Spark's own settings, by Spark's own names ("spark.executor.memory")."""
    given = table_of(data, "spark")
    for key, value in given.items():
        if not (key.startswith("spark.") and isinstance(value, str)):
            expected = '"spark.executor.memory" = "8g": a setting by Spark\'s own name, its value in quotes'
            raise WrongUse(f"{key} = {value!r} does not fit", where="[spark]", expected=expected)
    return dict(given)
