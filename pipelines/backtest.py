"""Backtest: the forecast tried on the past, resumable, kept where later forecasts find it, logged to MLflow."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from crm.clock import utc_day
from crm.errors import DataRefused
from crm.history import known_by
from crm.tables import CrmTables
from features.settings import propose
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.sinks.files import check_target, write_table
from training.forecast.backtest import Stretch, Trial, stretches, tried
from training.forecast.summary import Score, summary
from training.tracking import log_backtest

RECORD = "record.parquet"
METHOD = 1
"""Counts up when what a backtest does is changed, so that parts of earlier versions are not taken for its own."""


@dataclass(frozen=True)
class BacktestResult:
    """The record (columns of :mod:`training.forecast.record`), its scores, and how many of its parts were there."""

    company: Company
    record: pd.DataFrame
    scores: list[Score]
    parts: int
    resumed: int
    run_id: str


def backtest(
    data: Path, as_of: str, home: Home, periods: int, out: Path | None, step: Callable[[str], None]
) -> BacktestResult:
    """Try the forecast on the last full periods. Raises DataRefused where no period can be tried."""
    if out is not None:
        check_target(out)
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    trial, parts = planned(company, config, periods)
    record, resumed = pd.DataFrame(), 0
    for stretch in parts:
        step(f"forecasting from {utc_day(stretch.at)} on with what was known then")
        kept = home.backtests / f"{_digest(trial, stretch, config, record)}.parquet"
        resumed += kept.is_file()
        rows = pd.read_parquet(kept) if kept.is_file() else tried(trial, stretch, record)
        _keep(rows, kept)
        record = pd.concat([record, rows], ignore_index=True) if len(rows) else record
    if not len(record):
        raise too_young(company)
    step("scoring and keeping the record")
    _keep(record, home.backtests / RECORD)
    if out is not None:
        write_table(record, out)
    scores = summary(record)
    run_id = log_backtest(config.tracking(home), record, scores, {"data": str(data), "periods": periods})
    return BacktestResult(company, record, scores, len(parts), resumed, run_id)


def planned(company: Company, config: Config, periods: int) -> tuple[Trial, tuple[Stretch, ...]]:
    """What is tried, and in which parts. Raises DataRefused where the history is too short for one."""
    histories = company.histories
    calendar = propose(histories, config.time).calendar
    opened = histories.episodes.opened
    parts = stretches(calendar, int(opened.min()), company.until, periods) if len(opened) else ()
    if not parts:
        raise too_young(company)
    return Trial(histories, calendar, company.until, config.boosting, config.gate, config.time), parts


def too_young(company: Company) -> DataRefused:
    """What is said where no period can be tried."""
    return DataRefused(
        "the history is too short to try a forecast on the past",
        expected="two full periods, the first one with closed deals",
        remedy=f"give a longer history (it ends on {utc_day(company.until)}), or shorter periods: [time] period",
    )


def read_record(home: Home) -> pd.DataFrame:
    """The record of the last backtest; empty where there is none."""
    path = home.backtests / RECORD
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _digest(trial: Trial, stretch: Stretch, config: Config, record: pd.DataFrame) -> str:
    """What the rows of a part depend on, and on nothing that came after its last window: 16 hexadecimal digits."""
    digest = hashlib.sha256(
        json.dumps([METHOD, asdict(stretch), asdict(config.boosting), asdict(config.time)]).encode()
    )
    digest.update(json.dumps([asdict(config.gate), asdict(trial.drawing), trial.until < stretch.last]).encode())
    last = min(stretch.last, trial.until)
    _add_tables(digest, known_by(trial.histories.tables, last))
    if len(record):
        digest.update(pd.util.hash_pandas_object(record, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def _add_tables(digest: hashlib._Hash, tables: CrmTables) -> None:
    for name in sorted(tables.frames):
        digest.update(f"{name} {','.join(map(str, tables[name].columns))}".encode())
        digest.update(pd.util.hash_pandas_object(tables[name], index=False).to_numpy().tobytes())


def _keep(rows: pd.DataFrame, path: Path) -> None:
    """Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    rows.to_parquet(beside, index=False)
    beside.replace(path)
