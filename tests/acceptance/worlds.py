"""Homes and folders that tests share, each made once in a session, below its folder for temporary files."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from benchmarks._injected import injected
from crm.simulator import Simulation, SimulatorSettings, simulate
from pipelines.cli import main

ROOT = Path(__file__).parents[2]
DEALS = 1500
LAST_DAY, WEEK_BEFORE = "2026-08-14", "2026-08-07"

FAST = """
[data]
fixed = ["type", "lead_source", "product", "region"]

[time]
grid_days = 14

[training]
most_rounds = 60
learning_rate = 0.2
"""
"""Few snapshots and few trees: what is tested is that all parts play together, not how good the model is."""


@dataclass(frozen=True)
class Told:
    """What a command told whoever started it."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def dealcast(*arguments: object) -> Told:
    """Run a command in this process, as the installed program would."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse leaves in this way
            code = int(stop.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


def program(*arguments: object, cwd: Path = ROOT) -> Told:
    """Run a command in a process of its own, to its end."""
    return started([sys.executable, "-m", "pipelines.cli", *map(str, arguments)], cwd=cwd).told()


@dataclass(frozen=True)
class Started:
    """A program under way."""

    process: subprocess.Popen[str]

    def told(self) -> Told:
        """What it told, once it has come to its end."""
        out, err = self.process.communicate(timeout=600)
        return Told(self.process.returncode, out, err)


def started(command: Sequence[str], *, cwd: Path = ROOT, **environment: str) -> Started:
    """Start a program and go on."""
    surroundings = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OMP_WAIT_POLICY": "PASSIVE", **environment}
    return Started(
        subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **surroundings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
    )


def simulated(folder: Path, **settings: object) -> Path:
    """A simulated company's tables as CSV files."""
    simulate(SimulatorSettings(**settings)).write(folder)  # type: ignore[arg-type]
    return folder


def new_home(path: Path, configuration: str = FAST, *, tracks: bool = True) -> Path:
    """A home that holds nothing but a configuration and, where it `tracks`, a store of MLflow's with nothing in it."""
    path.mkdir(parents=True)
    (path / "dealcast.toml").write_text(configuration, encoding="utf-8")
    if tracks:
        shutil.copy(_empty_tracking_store(), path / "mlflow.db")
    return path


@cache
def _empty_tracking_store() -> Path:
    """A new store of MLflow's; to make one it walks through all versions that there ever were."""
    folder = Path(tempfile.mkdtemp(prefix="dealcast-mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "mlruns"))
    return folder / "mlflow.db"


def copied(home: Path, to: Path) -> Path:
    """A home of one's own, to be changed at will."""
    shutil.copytree(home, to)
    return to


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def text_table(path: Path) -> pd.DataFrame:
    """A CSV file as text, cell by cell."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@cache
def simulation() -> Simulation:
    """A company whose deals tell early how they will end."""
    return simulate(SimulatorSettings(deals=DEALS, signal=2.5))


@cache
def company(base: Path) -> Path:
    """Its tables as CSV files, a little dirt in them."""
    folder = (base / "company") / "data"
    simulation().write(folder)
    return folder


@cache
def instructive(base: Path) -> Path:
    """The tables of a company whose won deals had a security review at Proposal, and are known for it."""
    folder = (base / "instructive") / "data"
    injected(SimulatorSettings(deals=2000, seed=3), 0.05, (1.0, 1.0, 1.0)).write(folder)
    return folder


@cache
def few_deals(base: Path) -> Path:
    """The tables of a company that has too few deals for a model, and is quickly read."""
    return simulated((base / "few") / "data", deals=120)


@dataclass(frozen=True)
class TrainedHome:
    """A home with a champion, what its training told, and the company's tables."""

    home: Path
    data: Path
    told: Told


@cache
def trained(base: Path) -> TrainedHome:
    """A champion trained a week before the company's last day."""
    data, home = company(base), new_home((base / "trained") / "home")
    told = dealcast("train", "--data", data, "--home", home, "--as-of", WEEK_BEFORE)
    return TrainedHome(home, data, told)


@dataclass(frozen=True)
class ScoredHome:
    """A home in which open deals were scored: the home, the tables, the file and what the command told."""

    home: Path
    data: Path
    out: Path
    told: Told

    @property
    def scores(self) -> pd.DataFrame:
        return pd.read_parquet(self.out)


@cache
def scored(base: Path) -> ScoredHome:
    """Scores of a week ago (beside the home: before.parquet) and of the last day, by the champion."""
    world = trained(base)
    home = copied(world.home, (base / "scored") / "home")
    score = ("score", "--data", world.data, "--home", home)
    first = dealcast(*score, "--as-of", WEEK_BEFORE, "--out", home.parent / "before.parquet")
    assert first.code == 0, first.err
    out = home.parent / "made" / "on the way" / "scores.parquet"
    return ScoredHome(home, world.data, out, dealcast(*score, "--as-of", LAST_DAY, "--out", out))


@cache
def by_rates(base: Path) -> ScoredHome:
    """Scores of the last day in a home that has no champion."""
    home = new_home((base / "by-rates") / "home")
    out = home.parent / "scores.parquet"
    told = dealcast("score", "--data", company(base), "--home", home, "--as-of", LAST_DAY, "--out", out)
    return ScoredHome(home, company(base), out, told)
