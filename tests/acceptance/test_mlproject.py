"""`mlflow run .` starts the same commands."""

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pipelines.champion import champion_model, open_store
from pipelines.cli import COMMANDS, parser_of
from pipelines.company import open_company
from pipelines.config import Home, load_config
from serving.store import Store
from tests.acceptance.worlds import FAST, ROOT, Told, TrainedHome, new_home, simulated, started
from tests.test_layers import LAYERS

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
    parser = parser_of(entry_point)
    options = parser.parse_args(words_of(entry_point)[1:])
    declared = PROJECT["entry_points"][entry_point]["parameters"]
    assert set(declared) <= set(vars(options))
    for name, one in declared.items():
        if "default" in one and name != "out":
            assert str(getattr(options, name)) == one["default"] == str(parser.get_default(name))


@dataclass(frozen=True)
class ProjectRun:
    """What `mlflow run` told, the home and tables of its training, and what it left beside the code."""

    told: Told
    home: Path
    data: Path
    left: set[str]


def mlflow_run(folder: Path, code: Path, manager: str, **environment: str) -> ProjectRun:
    """`mlflow run . -e train` in a folder of code; tracked in a store of MLflow's that is not the home's."""
    data = simulated(folder / "data", deals=450, signal=2.5)
    home = new_home(folder / "home", FAST)
    parameters = {"data": data, "as_of": "2026-08-10", "home": home}
    given = [word for name, value in parameters.items() for word in ("-P", f"{name}={value}")]
    before = set(code.iterdir())
    told = started(
        [sys.executable, "-m", "mlflow", "run", ".", "-e", "train", *given, "--env-manager", manager],
        cwd=code,
        MLFLOW_TRACKING_URI=f"sqlite:///{folder / 'elsewhere.db'}",
        MLFLOW_DISABLE_TELEMETRY="true",
        **environment,
    ).told()
    return ProjectRun(told, home, data, {path.name for path in set(code.iterdir()) - before})


def test_a_forecast_is_made_by_its_entry_point(few_deals, trained, tmp_path):
    shutil.copy(trained.home / "mlflow.db", tmp_path / "elsewhere.db")
    given = [f"data={few_deals}", "as_of=2026-08-14", f"home={tmp_path / 'home'}"]
    told = started(
        [sys.executable, "-m", "mlflow", "run", ".", "-e", "forecast", "--env-manager", "local"]
        + [word for one in given for word in ("-P", one)],
        MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path / 'elsewhere.db'}",
        MLFLOW_DISABLE_TELEMETRY="true",
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    ).told()
    assert told.code == 0, told.out + told.err
    assert set(Store.under(tmp_path / "home").latest_forecast()["level"]) >= {"company", "owner"}


def local(folder: Path, trained: TrainedHome) -> ProjectRun:
    """In this environment, tracked in a store that exists already, as MLflow's users have it."""
    shutil.copy(trained.home / "mlflow.db", folder / "elsewhere.db")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return mlflow_run(folder, ROOT, "local", PATH=path)


def uv(folder: Path, trained: TrainedHome) -> ProjectRun:
    """In an environment that MLflow has uv make from the lock; the checkout has no .venv, nothing is installed."""
    code = folder / "checkout"
    code.mkdir()
    for name in LAYERS:
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MLproject", "python_env.yaml", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, code)
    mine = str(Path(sys.executable).parent)
    others = [entry for entry in os.environ["PATH"].split(os.pathsep) if entry != mine]
    path = os.pathsep.join([str(found_uv(folder)), *others])
    run = mlflow_run(folder, code, "uv", PATH=path, PYTHONPATH="", MLFLOW_ENV_ROOT=str(folder / "envs"))
    if run.told.code and re.search(r"Failed to fetch|dns error|error sending request|Connection refused", run.told.err):
        pytest.skip(f"uv has no way to the packages: {run.told.err.strip().splitlines()[-1]}")
    assert list((folder / "envs").rglob("bin/python")), "MLflow has made no environment"
    return run


def found_uv(folder: Path) -> Path:
    """The folder of the program uv: the one that is there, else one from the package registry."""
    there = shutil.which("uv")
    if there:
        return Path(there).parent
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "uv"), "uv"]
    told = started(pip).told()
    if told.code:
        pytest.skip(f"uv is not installed and cannot be had: {told.err.strip().splitlines()[-1]}")
    return folder / "uv" / "bin"


@pytest.fixture(scope="module", params=[local, pytest.param(uv, marks=pytest.mark.slow)], ids=["local", "uv"])
def run(request, trained, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("mlproject"), trained)


def test_a_run_leaves_a_champion_in_the_home(run):
    told, home = run.told, run.home
    assert told.code == 0, told.out + told.err
    assert Store.under(home).champion()["version"] == "1"
    config = load_config(Home(home))
    model = champion_model(open_store(Home(home), config), Home(home))
    assert model.facts["data"]["until"][:10] <= "2026-08-10"


def test_it_leaves_nothing_in_the_folder_of_the_code(run):
    assert {name for name in run.left if name.startswith("ml")} == set()


def test_its_data_are_those_that_were_named(run):
    home, data = run.home, run.data
    config = load_config(Home(home))
    company = open_company(data, "2026-08-10", config)
    model = champion_model(open_store(Home(home), config), Home(home))
    assert model.facts["data"]["until_millis"] == company.until
