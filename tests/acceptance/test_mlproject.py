"""`mlflow run .` starts the same commands."""

import argparse
import os
import re
import shlex
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from pipelines.champion import champion_model, open_store
from pipelines.cli import COMMANDS, PROGRAM
from pipelines.company import open_company
from pipelines.config import Home, load_config
from serving.store import Store
from tests.acceptance.worlds import FAST, ROOT, new_home, simulated, started

PROJECT = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
CALL = re.compile(r'^PATH="\$PWD/\.venv/bin:\$PATH" python -m pipelines\.cli (.+)$')


def words_of(entry_point: str) -> list[str]:
    """The command's words with the entry point's defaults filled in, text where there is none."""
    declared = PROJECT["entry_points"][entry_point]
    given = {name: one.get("default", "given") for name, one in declared["parameters"].items()}
    return shlex.split(CALL.match(declared["command"])[1].format(**given))


def test_every_entry_point_is_a_command_of_its_name():
    assert {name: words_of(name)[0] for name in PROJECT["entry_points"]} == {n: n for n in PROJECT["entry_points"]}


@pytest.mark.parametrize("entry_point", sorted(set(PROJECT["entry_points"]) & set(COMMANDS)))
def test_its_options_are_the_commands(entry_point):
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {entry_point}", exit_on_error=False, allow_abbrev=False)
    import_module(f"pipelines.commands.{entry_point}").arguments(parser)
    options = parser.parse_args(words_of(entry_point)[1:])
    declared = PROJECT["entry_points"][entry_point]["parameters"]
    assert set(declared) <= set(vars(options))
    for name, one in declared.items():
        if "default" in one and name != "out":
            assert str(getattr(options, name)) == one["default"] == str(parser.get_default(name))


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """A run that is tracked elsewhere (in a store that exists already), as MLflow's users have it."""
    folder = tmp_path_factory.mktemp("mlproject")
    shutil.copy(trained.home / "mlflow.db", folder / "elsewhere.db")
    data = simulated(folder / "data", deals=450, signal=2.5)
    home = new_home(folder / "home", FAST)
    parameters = {"data": data, "as_of": "2026-08-10", "home": home}
    given = [word for name, value in parameters.items() for word in ("-P", f"{name}={value}")]
    before = set(ROOT.iterdir())
    told = started(
        [sys.executable, "-m", "mlflow", "run", ".", "-e", "train", *given, "--env-manager", "local"],
        cwd=ROOT,
        MLFLOW_TRACKING_URI=f"sqlite:///{folder / 'elsewhere.db'}",
        MLFLOW_DISABLE_TELEMETRY="true",
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    ).told()
    left = {path.name for path in set(ROOT.iterdir()) - before}
    return told, home, data, left


def test_a_run_leaves_a_champion_in_the_home(run):
    told, home, _, _ = run
    assert told.code == 0, told.out + told.err
    assert Store.under(home).champion()["version"] == "1"
    config = load_config(Home(home))
    model = champion_model(open_store(Home(home), config), Home(home))
    assert model.facts["data"]["until"][:10] <= "2026-08-10"


def test_it_leaves_nothing_in_the_folder_of_the_code(run):
    _, _, _, left = run
    assert {name for name in left if name.startswith("ml")} == set()


def test_its_data_are_those_that_were_named(run):
    _, home, data, _ = run
    config = load_config(Home(home))
    company = open_company(data, "2026-08-10", config)
    model = champion_model(open_store(Home(home), config), Home(home))
    assert model.facts["data"]["until_millis"] == company.until
