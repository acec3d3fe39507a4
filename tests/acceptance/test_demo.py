"""`dealcast demo`: the whole road in one command, safe to run anywhere and again."""

import re
import shlex

import pytest
import requests

import pipelines.demo
from tests.acceptance.worlds import FAST, Told, copied, dealcast, everything_in, program, served

DEALS = 1000
"""Enough for a model that passes the gate."""
DEMO_FILES = {"dealcast.toml", "dealcast.db", "mlflow.db"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder in which the demo is run, and leaves its home H."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder) -> Told:
    return program("demo", "--deals", DEALS, "--home", "H", cwd=folder)


def learned_from(told: Told) -> int:
    """The number of deals that the model has learned from."""
    return int(re.search(r"^Learned from ([\d,]+) deals", told.out, re.MULTILINE)[1].replace(",", ""))


def test_it_goes_all_the_way(told):
    assert told.code == 0, told.err
    assert "Traceback" not in told.err
    assert "Version 1 passed the gate and is champion." in told.out


def test_its_list_is_prioritised_and_no_wider_than_a_terminal(told):
    first = told.out.index("Open deals by what is at stake, 10 of ")
    shown = told.out[first : told.out.index("What next")].splitlines()
    ranks = [int(line.split()[0]) for line in shown if line[:3].strip().isdecimal()]
    assert ranks == list(range(1, 11))
    assert max(len(line) for line in told.lines) <= 80


def test_it_announces_each_of_its_steps(told):
    counted = [line.split()[1].rstrip(":") for line in told.err.splitlines() if line.startswith("demo ")]
    assert counted == [f"{n + 1}/{len(counted)}" for n in range(len(counted))]


def test_its_pages_let_in_a_rep_a_manager_and_an_admin(told, folder):
    said = re.search(r"sign in as (\w+), (\w+) or (\w+) with (\w+)$", told.out, re.MULTILINE)
    assert said.groups()[:3] == ("rep", "manager", "admin")
    seen = []
    with served(folder / "H") as (address, _):
        for name in said.groups()[:3]:
            form = {"username": name, "password": said[4], "next": "/deals"}
            page = requests.post(f"{address}/sign-in", data=form, headers={"Origin": address}, timeout=60)
            seen.append(int(re.search(r"([\d,]+) open deals?", page.text)[1].replace(",", "")))
    assert 0 < seen[0] < seen[1] < seen[2]


def test_what_it_says_to_do_next_can_be_done(told, folder, monkeypatch):
    monkeypatch.chdir(folder)
    advice = told.out[told.out.index("What next") :].splitlines()
    commands = [shlex.split(line) for line in advice if line.startswith("  dealcast ") and "YOUR-EXPORT" not in line]
    assert [words[1] for words in commands] == ["explain", "serve", "forecast", "check"]
    for words in commands:
        if words[1] != "serve":  # which goes on until it is ended
            assert dealcast(*words[1:]).code == 0
    assert any("mlflow ui --backend-store-uri sqlite:///H/mlflow.db" in line for line in advice)


def test_the_numbers_of_two_weeks_are_there_to_compare(told, folder, monkeypatch):
    monkeypatch.chdir(folder)
    first = next(line for line in told.lines if line.startswith("  dealcast explain")).split()[2]
    assert "as of 2026-08-14" in dealcast("explain", first, "--home", "H").out


def test_it_can_be_run_again_and_leaves_alone_what_is_not_its_own(told, folder, tmp_path, monkeypatch):
    quick = FAST[FAST.index("[time]") :]
    monkeypatch.setattr(pipelines.demo, "CONFIGURATION", f"{pipelines.demo.CONFIGURATION}\n{quick}")
    home = copied(folder / "H", tmp_path / "H")
    (home / "notes.txt").write_text("mine")
    again = dealcast("demo", "--deals", 300, "--home", home)
    assert again.code == 0, again.err
    assert learned_from(again) < 300 < learned_from(told)
    assert (home / "notes.txt").read_text() == "mine"
    assert {path.name for path in home.iterdir()} >= DEMO_FILES


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("dealcast.toml", b'[data]\ntime_zone = "Europe/Berlin"\n'),
        ("dealcast.toml", "# Büro\n".encode("latin-1")),
        ("deals.xlsx", b"precious"),
        ("dealcast.db", b"precious"),
    ],
)
def test_anothers_folder_is_refused_and_nothing_in_it_deleted(tmp_path, file, content):
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    (home / "models" / "model.json").write_bytes(b"{}")
    (home / file).write_bytes(content)
    before = everything_in(home)
    told = dealcast("demo", "--deals", 300, "--home", home)
    assert told.code == 2
    assert "give the demo a home of its own" in told.err
    assert everything_in(home) == before


def test_an_interrupted_demo_may_be_run_again(tmp_path, monkeypatch):
    def interrupt(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipelines.demo, "simulate", interrupt)
    for _ in range(2):
        told = dealcast("demo", "--home", tmp_path / "home")
        assert (told.code, told.err.splitlines()[-1]) == (1, "dealcast demo: stopped")


@pytest.mark.parametrize("deals", ["0", "-5", "many"])
def test_a_number_of_deals_that_is_none_is_wrong_use(tmp_path, deals):
    told = dealcast("demo", f"--deals={deals}", "--home", tmp_path / "home")
    assert told.code == 2
    assert not (tmp_path / "home").exists()
