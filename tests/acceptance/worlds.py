"""Homes and folders that tests share, each made once in a session, below its folder for temporary files."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from benchmarks._injected import injected
from crm.simulator import Simulation, SimulatorSettings, simulate
from pipelines.cli import main
from tests.tracking import empty_tracking_store

ROOT = Path(__file__).parents[2]
DEALS = 1500
LAST_DAY, WEEK_BEFORE = "2026-08-14", "2026-08-07"

FAST = """
[data]
fixed = ["type", "lead_source", "product", "region"]

[time]
grid_days = 28

[training]
most_rounds = 30
learning_rate = 0.3
patience = 5
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


@contextlib.contextmanager
def served(home: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The pages of a home, served by a process of their own: where they are reached, and the process."""
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--home", str(home), "--port", "0", *arguments]
    process = started(command).process
    try:
        first = process.stdout.readline()
        assert "http://" in first, first + process.stderr.read()
        yield first.partition(": ")[2].split()[0], process
    finally:
        process.kill()
        process.wait()


def simulated(folder: Path, **settings: object) -> Path:
    """A simulated company's tables as CSV files."""
    simulate(SimulatorSettings(**settings)).write(folder)  # type: ignore[arg-type]
    return folder


def new_home(path: Path, configuration: str = FAST, *, tracks: bool = True) -> Path:
    """A home that holds nothing but a configuration and, where it `tracks`, a store of MLflow's with nothing in it."""
    path.mkdir(parents=True)
    (path / "dealcast.toml").write_text(configuration, encoding="utf-8")
    if tracks:
        shutil.copy(empty_tracking_store(), path / "mlflow.db")
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


def _once(base: Path, name: str, make: Callable[[Path], Told]) -> tuple[Path, Told]:
    """A folder that `make` fills, and what was told; of processes that test side by side one makes it for all.

    Each gets a copy of its own, as what is opened changes: a database leaves its log beside it.
    """
    own = base / name
    first = base.parent / "once" / name if "PYTEST_XDIST_WORKER" in os.environ else own
    told = first / "told.json"
    first.parent.mkdir(parents=True, exist_ok=True)
    with (first.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(first, ignore_errors=True)  # whoever began it did not come to its end
            first.mkdir()
            told.write_text(json.dumps(asdict(make(first))), encoding="utf-8")
    if first != own:
        shutil.copytree(first, own)
    kept = json.loads(told.read_text(encoding="utf-8"))
    return own, Told(kept["code"], *(kept[name].replace(str(first), str(own)) for name in ("out", "err")))


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
    data = company(base)

    def make(folder: Path) -> Told:
        return dealcast("train", "--data", data, "--home", new_home(folder / "home"), "--as-of", WEEK_BEFORE)

    folder, told = _once(base, "trained", make)
    return TrainedHome(folder / "home", data, told)


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
    world, out = trained(base), Path("made", "on the way", "scores.parquet")

    def make(folder: Path) -> Told:
        score = ("score", "--data", world.data, "--home", copied(world.home, folder / "home"))
        first = dealcast(*score, "--as-of", WEEK_BEFORE, "--out", folder / "before.parquet")
        assert first.code == 0, first.err
        return dealcast(*score, "--as-of", LAST_DAY, "--out", folder / out)

    folder, told = _once(base, "scored", make)
    return ScoredHome(folder / "home", world.data, folder / out, told)


@cache
def by_rates(base: Path) -> ScoredHome:
    """Scores of the last day in a home that has no champion."""

    def make(folder: Path) -> Told:
        home, out = new_home(folder / "home"), folder / "scores.parquet"
        return dealcast("score", "--data", company(base), "--home", home, "--as-of", LAST_DAY, "--out", out)

    folder, told = _once(base, "by-rates", make)
    return ScoredHome(folder / "home", company(base), folder / "scores.parquet", told)
