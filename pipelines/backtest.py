"""Backtest: the forecast tried on the past, resumable, kept where later forecasts find it, logged to MLflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from crm.clock import utc_day
from crm.errors import DataRefused
from crm.history import known_by
from features.fingerprint import fingerprint
from features.settings import propose
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.sinks.files import check_target, write_table
from training.forecast.backtest import Stretch, Trial, stretches, tried
from training.forecast.summary import Score, summary
from training.provenance import code_hash
from training.tracking import log_backtest


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
        write_table(rows, kept)
        record = pd.concat([record, rows], ignore_index=True) if len(rows) else record
    if not len(record):
        raise too_young(company)
    step("scoring and keeping the record")
    write_table(record, home.record)
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


def _digest(trial: Trial, stretch: Stretch, config: Config, record: pd.DataFrame) -> str:
    """What the rows of a part depend on, and on nothing that came after its last window: 16 hexadecimal digits."""
    settings = [asdict(one) for one in (stretch, config.boosting, config.time, config.gate, trial.drawing)]
    tables = known_by(trial.histories.tables, min(stretch.last, trial.until)).frames
    prints = {name: fingerprint(frame) for name, frame in sorted(tables.items())}
    told = [code_hash(), *settings, trial.until < stretch.last, prints, fingerprint(record)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
