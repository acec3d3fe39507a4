"""Homes and folders that acceptance tests share, each made once a session: simulated companies, trained homes."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from crm.simulator import SimulatorSettings, simulate
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
    """Run a command in a process of its own."""
    return finished([sys.executable, "-m", "pipelines.cli", *map(str, arguments)], cwd=cwd)


def finished(command: Sequence[str], *, cwd: Path = ROOT, **environment: str) -> Told:
    """Run a program to its end."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OMP_WAIT_POLICY": "PASSIVE", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return Told(done.returncode, done.stdout, done.stderr)


def simulated(folder: Path, **settings: object) -> Path:
    """A simulated company's tables as CSV files."""
    simulate(SimulatorSettings(**settings)).write(folder)  # type: ignore[arg-type]
    return folder


def new_home(path: Path, configuration: str = FAST) -> Path:
    """A home that holds nothing but a configuration."""
    path.mkdir(parents=True)
    (path / "dealcast.toml").write_text(configuration, encoding="utf-8")
    return path


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
def company(factory: pytest.TempPathFactory) -> Path:
    """The tables of a company whose deals tell early how they will end; a little dirt in them."""
    return simulated(factory.mktemp("company") / "data", deals=DEALS, signal=2.5)


@dataclass(frozen=True)
class TrainedHome:
    """A home with a champion, what training told, and the company's tables."""

    home: Path
    data: Path
    told: Told


@cache
def trained(factory: pytest.TempPathFactory) -> TrainedHome:
    """A home with a champion trained a week before the company's last day."""
    data, home = company(factory), new_home(factory.mktemp("trained") / "home")
    told = dealcast("train", "--data", data, "--home", home, "--as-of", WEEK_BEFORE)
    return TrainedHome(home, data, told)


@dataclass(frozen=True)
class ScoredHome:
    """A trained home in which a week ago and the last day were scored; the last day's file and summary."""

    home: Path
    data: Path
    before: Path
    out: Path
    told: Told

    @property
    def scores(self) -> pd.DataFrame:
        return pd.read_parquet(self.out)


@cache
def scored(factory: pytest.TempPathFactory) -> ScoredHome:
    """Scores of a week ago and of the last day, by the champion."""
    world = trained(factory)
    home = copied(world.home, factory.mktemp("scored") / "home")
    before, out = home.parent / "before.parquet", home.parent / "out" / "scores.parquet"
    first = dealcast("score", "--data", world.data, "--home", home, "--as-of", WEEK_BEFORE, "--out", before)
    assert first.code == 0, first.err
    told = dealcast("score", "--data", world.data, "--home", home, "--as-of", LAST_DAY, "--out", out)
    return ScoredHome(home, world.data, before, out, told)
