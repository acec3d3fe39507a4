"""The configuration: `dealcast.toml` in the home, and where things lie under the home."""

from __future__ import annotations

import getpass
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from crm.errors import WrongUse
from crm.sources.mapping import SourceMapping, mapping_from_toml
from features.settings import TimeWishes
from serving.formats import HOUSE, Formats, formats_of
from serving.grades import Grades
from serving.trial.assignment import TrialWishes
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
)
_ZERO_FITS = ("gate", "retrain", "grades", "trial", "seed", "lambda_l2")
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text in quotes"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "date": ((date,), "a day without quotes, such as 2026-12-31"),
    "bool": ((bool,), "true or false"),
}
Section = TypeVar("Section")


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
    _known(data, _SECTIONS, str(path))
    time = _section(TimeWishes, data, "time")
    time.calendar()  # raises WrongUse where there is none such
    return Config(
        source=mapping_from_toml(data),
        time=time,
        gate=_section(Thresholds, data, "gate"),
        boosting=_section(BoostingSettings, data, "training"),
        boosting_given=frozenset(data.get("training", {})),
        tuning=_section(TuningWishes, data, "tuning"),
        retrain=_section(RetrainWishes, data, "retrain"),
        grades=_falling(_section(Grades, data, "grades")),
        formats=formats_of(_one(data, "display", "locale") or ""),
        trial=_section(TrialWishes, data, "trial"),
        tracking_uri=_one(data, "mlflow", "tracking_uri"),
        store_url=_one(data, "store", "url"),
        spark=_spark_settings(data),
        sinks=_sinks(data),
        write_back=_names(data, "nightly", "write_back"),
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


def _section(kind: type[Section], data: Mapping[str, Any], name: str) -> Section:
    """A section of the file as its dataclass; field names and types are the section's keys and types."""
    return settings_from(kind, _table(data, name), f"[{name}]")


def settings_from(kind: type[Section], given: Mapping[str, Any], where: str) -> Section:
    """Entries as their dataclass. Raises WrongUse for one that does not fit, is not known, or is missing."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    _known(given, tuple(known), where)
    for key, value in given.items():
        _fitting(value, str(known[key].type).removesuffix(" | None"), where, key)
    for one in known.values():
        if one.name not in given and one.default is MISSING and one.default_factory is MISSING:
            _, expected = _TYPES[str(one.type)]
            raise WrongUse(f"'{one.name}' is not given", where=where, expected=expected)
    return kind(**given)


def _fitting(value: Any, type_name: str, where: str, key: str) -> None:
    """Raises WrongUse for a value that is not of the type, or a number that is too low."""
    types, expected = _TYPES[type_name]
    fits = isinstance(value, types) and not isinstance(value, datetime) and isinstance(value, bool) == (bool in types)
    if fits and isinstance(value, int | float) and not isinstance(value, bool):
        zero = where.strip("[]") in _ZERO_FITS or key in _ZERO_FITS
        fits, expected = value > 0 or (zero and value == 0), f"{expected}{' from' if zero else ' above'} 0"
    if not fits:
        raise WrongUse(f"{value!r} does not fit", where=f"{where} {key}", expected=expected)


def _sinks(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The sections [sinks.NAME]; what they say beside their kind is looked at when a sink is used."""
    given = _table(data, "sinks")
    for name in given:
        where, said = f"[sinks.{name}]", _table(given, name)
        if not isinstance(said.get("kind"), str):
            raise WrongUse("its kind is not given", where=where, expected='a line such as kind = "sql"')
        if "most" in said:
            _fitting(said["most"], "int", where, "most")
    return {str(name): dict(said) for name, said in given.items()}


def _falling(grades: Grades) -> Grades:
    if not grades.a > grades.b > grades.c:
        found = f"a = {grades.a}, b = {grades.b}, c = {grades.c} do not fall"
        raise WrongUse(found, where="[grades]", expected="a above b above c: the least score of each grade")
    return grades


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = data.get(name, {})
    if not isinstance(given, Mapping):
        raise WrongUse(f"{given!r} is not a section", where=name, expected=f"a line [{name}] with its entries below")
    return given


def _spark_settings(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Spark's own settings, by Spark's own names ("spark.executor.memory")."""
    given = _table(data, "spark")
    for key, value in given.items():
        if not (key.startswith("spark.") and isinstance(value, str)):
            expected = '"spark.executor.memory" = "8g": a setting by Spark\'s own name, its value in quotes'
            raise WrongUse(f"{key} = {value!r} does not fit", where="[spark]", expected=expected)
    return dict(given)


def _one(data: Mapping[str, Any], section: str, key: str) -> str | None:
    given = _table(data, section)
    _known(given, (key,), f"[{section}]")
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise WrongUse(f"{value!r} is not text", where=f"[{section}] {key}")
    return value


def _names(data: Mapping[str, Any], section: str, key: str) -> tuple[str, ...]:
    given = _table(data, section)
    _known(given, (key,), f"[{section}]")
    value = given.get(key, [])
    if not (isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)):
        raise WrongUse(f"{value!r} does not fit", where=f"[{section}] {key}", expected='names, such as ["crm"]')
    return tuple(value)


def _known(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            remedy = f"write '{near[0]}'" if near else f"use one of {', '.join(known)}"
            raise WrongUse(f"there is no '{key}'", where=where, remedy=remedy)
