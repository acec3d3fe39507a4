"""What cannot be done is said in one message, with what to do, and an exit code for machines."""

import os
import signal
import subprocess
import sys

import pytest

from tests.acceptance.worlds import ROOT, copied, dealcast, program, text_table

COMMANDS = ("check", "train", "score")


def message(told, command: str) -> str:
    """The one message on standard error, behind the lines that announce progress."""
    lines = told.err.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"dealcast {command}: "))
    assert all(line[:1].isalpha() and "/" in line for line in lines[:start]), "only progress before it"
    assert all(line.startswith("  ") for line in lines[start + 1 :]), "one message, its details indented"
    assert "Traceback" not in told.err
    return "\n".join(lines[start:])


@pytest.fixture
def folder(request, tmp_path, few_deals):
    """A data folder that cannot be used, by name."""
    data = tmp_path / "data"
    if request.param == "missing":
        return data
    data.mkdir()
    if request.param == "a file":
        file = data / "opportunities.csv"
        file.write_text("opportunity_id,created_at,stage\n")
        return file
    if request.param == "no row":
        (data / "opportunities.csv").write_text("opportunity_id,created_at,stage\n")
    return data


NEEDS_DEALS = {
    "missing": "there is no folder of that name",
    "a file": "that is a file, not a folder",
    "empty": "no table of deals among its files",
    "no row": "the table has no row",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("folder", "says"), NEEDS_DEALS.items(), indirect=["folder"])
def test_a_folder_without_deals_is_refused(folder, says, command, tmp_path):
    told = dealcast(command, "--data", folder, "--home", tmp_path / "home")
    assert told.code == 3
    assert says in message(told, command)
    assert "what to do: " in told.err
    assert told.out == ""
    assert not (tmp_path / "home").exists()


@pytest.fixture
def only_open(few_deals, tmp_path):
    """A company of which no deal has ever been closed."""
    data = copied(few_deals, tmp_path / "open")
    deals, changes = text_table(data / "opportunities.csv"), text_table(data / "changes.csv")
    closed = set(changes["opportunity_id"][changes["new_value"].str.startswith("Closed")])
    keep = (deals["closed_at"] == "") & ~deals["opportunity_id"].isin(closed)
    assert keep.sum() > 3
    deals[keep].to_csv(data / "opportunities.csv", index=False)
    return data


@pytest.mark.parametrize("command", ["train", "score"])
def test_where_no_deal_has_closed_yet_there_is_nothing_to_answer_with(only_open, command, tmp_path):
    told = dealcast(command, "--data", only_open, "--home", tmp_path / "home")
    assert told.code == 3
    assert "no deal has closed yet" in message(told, command)
    assert "what to do: " in told.err
    assert told.out == ""


def test_it_can_be_checked_all_the_same(only_open, tmp_path):
    told = dealcast("check", "--data", only_open, "--home", tmp_path / "home")
    assert told.code == 0
    assert "0 closed deals, 200 are needed to train" in " ".join(told.out.split())


def test_a_champion_answers_for_it(only_open, trained, tmp_path):
    told = dealcast("score", "--data", only_open, "--home", copied(trained.home, tmp_path / "home"))
    assert told.code == 0, told.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--data", "x"],
        ["check"],
        ["check", "--data"],
        ["check", "--data", "x", "--frob"],
        ["check", "--data", "x", "more"],
        ["score", "--data", "x", "--ou", "y.csv"],
        ["score", "--data", "x", "--top", "ten"],
        ["explain"],
        ["demo", "--data", "x"],
    ],
    ids=" ".join,
)
def test_what_nobody_can_understand_is_wrong_use(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = dealcast(*arguments)
    assert told.code == 2
    assert "usage: dealcast" in told.out + told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([c, "--help"] for c in (*COMMANDS, "demo", "explain"))])
def test_help_is_no_failure(arguments):
    told = dealcast(*arguments)
    assert told.code == 0
    assert told.out.startswith("usage: dealcast")
    assert max(len(line) for line in told.lines) <= 80


def test_a_process_has_the_exit_code_and_no_traceback(tmp_path):
    told = program("check", "--data", tmp_path / "nowhere", cwd=tmp_path)
    assert told.code == 3
    assert "Traceback" not in told.err
    assert told.out == ""


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="pipes break in another way here")
def test_a_reader_who_leaves_early_is_no_failure(few_deals, tmp_path):
    """As in `dealcast check … | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "pipelines.cli", "check", "--data", few_deals, "--home", tmp_path / "home"]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert "Error" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_with_a_slip_is_wrong_use(few_deals, tmp_path, command):
    (tmp_path / "dealcast.toml").write_text("[tiem]\ngrid_days = 7\n")
    told = dealcast(command, "--data", few_deals, "--home", tmp_path)
    assert told.code == 2
    assert "write 'time'" in message(told, command)
    assert [path.name for path in tmp_path.iterdir()] == ["dealcast.toml"]


@pytest.mark.parametrize(
    ("url", "code"),
    [("nonsense", 2), ("postgresql+nodriver://someone:secret@nowhere/x", 2), ("sqlite:////nowhere/to/be/found.db", 1)],
)
def test_a_store_that_cannot_be_opened_is_said_without_its_password(few_deals, tmp_path, url, code):
    (tmp_path / "dealcast.toml").write_text(f'[store]\nurl = "{url}"\n')
    told = dealcast("score", "--data", few_deals, "--home", tmp_path)
    assert told.code == code
    assert "what to do: " in message(told, "score")
    assert "secret" not in told.err


def test_a_damaged_store_is_said(few_deals, tmp_path):
    (tmp_path / "dealcast.db").write_bytes(b"this is no database" * 200)
    told = dealcast("score", "--data", few_deals, "--home", tmp_path)
    assert told.code == 1
    assert "the store cannot be used: file is not a database" in message(told, "score")
