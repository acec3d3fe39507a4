"""Wherever a command takes --data, a database's address answers as the folder does that holds the same tables."""

from __future__ import annotations

import argparse
import json
import re
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipelines.cli import COMMANDS
from serving.store import Store
from tests.acceptance.worlds import LAST_DAY, WEEK_BEFORE, copied, dealcast, new_home

FEW, SCORED = "few", "scored"
CASES = {
    "check": (FEW, "--json"),
    "init": (FEW, "--print"),
    "features": (FEW, "--json --out {home}/set.parquet"),
    "train": (FEW, "--json"),
    "playbook": (FEW, "--json"),
    "backtest": (FEW, "--json --periods 1"),
    "nightly": (FEW, "--json"),
    "score": (SCORED, "--json"),
    "forecast": (SCORED, f"--json --since {WEEK_BEFORE}"),
    "coach": (SCORED, "--json"),
    "feedback": (SCORED, "--json --record"),
    "impact": (SCORED, "--json"),
    "models": (SCORED, "compare 1 1 --json"),
}
"""Every command that reads tables, whose home it is asked in, and what else is asked. Sync reads none."""
CODES = {"train": 3, "nightly": 3}
"""Few deals teach nothing."""
OWN = {"run_id", "night_id", "source", "began_at", "ended_at", "seconds", "out"}
"""What differs from run to run."""


def in_sqlite(folder: Path, file: Path) -> str:
    """The address of a database that holds a folder's tables, as text."""
    engine = sa.create_engine(f"sqlite:///{file}")
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.to_sql(path.stem, engine, index=False, chunksize=5_000)
    engine.dispose()
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def few(few_deals, tmp_path_factory):
    """The tables of few deals: a folder and an address."""
    return few_deals, in_sqlite(few_deals, tmp_path_factory.mktemp("few") / "crm.sqlite")


@pytest.fixture(scope="module")
def many(company, tmp_path_factory):
    """The tables of many deals: a folder and an address."""
    return company, in_sqlite(company, tmp_path_factory.mktemp("many") / "crm.sqlite")


@pytest.fixture(scope="module")
def tried(scored, tmp_path_factory):
    """A scored home in which a trial is under way."""
    home = copied(scored.home, tmp_path_factory.mktemp("tried") / "home")
    with (home / "dealcast.toml").open("a", encoding="utf-8") as configuration:
        configuration.write('\n[trial]\nshare = 0.2\nseed = "a"\n')
    assert dealcast("score", "--data", scored.data, "--home", home, "--as-of", LAST_DAY).code == 0
    return home


def takes_data(parser: argparse.ArgumentParser) -> bool:
    """Whether the command, or one of its own commands, has --data."""
    subs = [s for a in parser._actions if isinstance(a, argparse._SubParsersAction) for s in a.choices.values()]
    return "--data" in parser._option_string_actions or any(map(takes_data, subs))


def test_every_command_that_takes_data_is_looked_at():
    found = set()
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        import_module(f"pipelines.commands.{name}").arguments(parser)
        if takes_data(parser):
            found.add(name)
    assert found == {*CASES, "sync"}


def lasting(said: object) -> object:
    """What an answer says, without what is of its run alone."""
    if isinstance(said, dict):
        return {name: lasting(value) for name, value in said.items() if name not in OWN}
    if isinstance(said, list):
        return [lasting(one) for one in said if not (isinstance(one, dict) and one.get("name") == "sync")]
    return said


@pytest.mark.parametrize("name", CASES)
def test_an_address_answers_as_the_folder_does(name, few, many, tried, tmp_path):
    world, options = CASES[name]
    told = {}
    for place, data in zip(("folder", "address"), few if world == FEW else many, strict=True):
        home = new_home(tmp_path / place) if world == FEW else copied(tried, tmp_path / place)
        asked = [name, *options.format(home=home).split(), "--data", str(data), "--home", str(home)]
        told[place] = dealcast(*asked, *(() if name == "init" else ("--as-of", LAST_DAY)))
        assert told[place].code == CODES.get(name, 0), told[place].err
        assert (home / "mirror" / "sql").exists() == (place == "address")
    folder, address = told["folder"], told["address"]
    if name == "train":
        assert refusal(address.err) == refusal(folder.err)
    elif name == "init":
        assert drafted(address.out) == drafted(folder.out)
    else:
        assert lasting(json.loads(address.out)) == lasting(json.loads(folder.out))
        assert json.loads(folder.out)


def refusal(said: str) -> list[str]:
    return [line for line in said.splitlines() if not re.match(r"training|syncing", line)]


def drafted(said: str) -> list[str]:
    """A draft's words, without where the tables are and what their files are called."""
    return re.sub(r"\.(csv|parquet)\b", "", re.sub(r"(?<=init from )\S+", "", said).replace("#", "")).split()


@pytest.mark.slow
def test_a_model_learns_from_an_address_what_it_learns_from_the_folder(trained, many, tmp_path):
    home = new_home(tmp_path / "home")
    _, address = many
    told = dealcast("train", "--data", address, "--home", home, "--as-of", WEEK_BEFORE, "--json")
    assert told.code == 0, told.err
    theirs, ours = (Store.under(one).models()[0]["facts"] for one in (trained.home, home))
    assert ours["data"]["fingerprint"] == theirs["data"]["fingerprint"]
    asked = ("score", "--home", home, "--as-of", LAST_DAY, "--out")
    assert dealcast(*asked, tmp_path / "a.parquet", "--data", address).code == 0
    assert dealcast(*asked, tmp_path / "b.parquet", "--data", trained.data).code == 0
    one, other = (pd.read_parquet(tmp_path / file) for file in ("a.parquet", "b.parquet"))
    same = ["opportunity_id", "win_probability", "stall_risk", "reasons", "coaching", "priority"]
    pd.testing.assert_frame_equal(one[same], other[same])
