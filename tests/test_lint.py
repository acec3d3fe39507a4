"""Lint, types and the state of the lock are part of the test run; `make lint` runs the same tools."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCK, SPARK_LOCK, PEERS_LOCK = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("requirements.lock", "requirements-spark.lock", "requirements-peers.lock")
)
LOCKS = pytest.mark.parametrize("lock", [LOCK, SPARK_LOCK, PEERS_LOCK], ids=["base", "spark", "peers"])


@pytest.mark.parametrize("tool", ["ruff check .", "ruff format --check .", "mypy"])
def test_the_tool_has_nothing_to_say(tool):
    done = subprocess.run([sys.executable, "-m", *tool.split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{tool}\n{done.stdout}{done.stderr}"


def test_the_lock_holds_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]
    base = [*project["dependencies"], *extra["dev"]]
    for lock, asked in ((LOCK, base), (SPARK_LOCK, extra["spark"]), (PEERS_LOCK, extra["peers"])):
        locked = _locked(lock)
        wanted = map(Requirement, asked)
        missing = [str(w) for w in wanted if not (w.name in locked and w.specifier.contains(locked[w.name]))]
        assert missing == [], "a lock is out of date; run: make lock"


def test_the_peers_bring_no_other_version_of_what_we_use():
    """They are installed beside us."""
    ours, theirs = _locked(LOCK), _locked(PEERS_LOCK)
    shared = ours.keys() & theirs.keys()
    assert "numpy" in shared
    assert {name: theirs[name] for name in shared} == {name: ours[name] for name in shared}


def _locked(lock):
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock, re.MULTILINE))


@LOCKS
def test_the_lock_names_no_place(lock):
    """Neither a registry nor a folder of the machine that made it."""
    assert "://" not in lock
    assert "index-url" not in lock
    assert "find-links" not in lock
    assert not re.search(r"(^|\s)/\w", lock)


@LOCKS
def test_every_locked_package_has_a_hash(lock):
    entries = re.split(r"\n(?=[a-z0-9])", lock)[1:]
    assert len(entries) > (50 if lock is LOCK else 1)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
