"""The command line: commands, exit codes, progress."""

import io
import os
import sys
from importlib import import_module

import pytest

from crm.errors import DataRefused, DealcastError, GateNotPassed, WrongUse
from pipelines import cli
from pipelines.cli import COMMANDS, PLANNED, main
from pipelines.progress import Steps


@pytest.fixture
def command(monkeypatch):
    """Replaces what `check` does."""

    def does(what) -> None:
        monkeypatch.setattr(import_module("pipelines.commands.check"), "run", what)

    return does


def failing(error: BaseException):
    def run(options):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DealcastError("it failed"), 1),
        (WrongUse("it failed"), 2),
        (DataRefused("it failed"), 3),
        (GateNotPassed("it failed"), 4),
        (FileNotFoundError(2, "it failed", "a.csv"), 1),
        (OSError(28, "it failed"), 1),
        (OSError("it failed"), 1),
    ],
)
def test_each_kind_of_failure_has_its_code_and_one_message(command, capsys, error, code):
    command(failing(error))
    assert main(["check", "--data", "x"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dealcast check: it failed")
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_a_message_says_where_what_was_expected_and_what_to_do(command, capsys):
    command(failing(DataRefused("it failed", where="a.csv, row 7", expected="a date", remedy="declare the format")))
    assert main(["check", "--data", "x"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "dealcast check: a.csv, row 7: it failed",
        "  expected: a date",
        "  what to do: declare the format",
    ]


def test_a_defect_is_not_hidden(command):
    command(failing(KeyError("a defect")))
    with pytest.raises(KeyError):
        main(["check", "--data", "x"])


def test_what_a_command_returns_is_its_exit_code(command):
    command(lambda options: 4)
    assert main(["check", "--data", "x"]) == 4


def test_stopping_a_command_is_said(command, capsys):
    command(failing(KeyboardInterrupt()))
    assert main(["check", "--data", "x"]) == 1
    assert capsys.readouterr().err == "dealcast check: stopped\n"


def test_every_command_has_a_module_that_says_what_it_takes():
    for name in COMMANDS:
        module = import_module(f"pipelines.commands.{name}")
        assert callable(module.arguments)
        assert callable(module.run)
        assert module.__doc__.startswith(f"`dealcast {name}")


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, says in COMMANDS.items():
        assert f"  {name:10} {says}" in shown


def test_no_command_shows_the_overview(capsys):
    assert main([]) == 2
    assert "usage: dealcast COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*PLANNED, "nonsense", "--version", "Check"])
def test_a_command_that_is_not_there_is_said_to_be_so(name, capsys):
    assert name not in COMMANDS
    assert main([name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"'{name}'" in err.splitlines()[0]
    assert ("does not have the command yet" in err) == (name in PLANNED)


def test_arguments_are_those_of_the_process_where_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dealcast", "nonsense"])
    assert main() == 2
    assert "there is no command 'nonsense'" in capsys.readouterr().err


def test_options_are_not_guessed_from_their_beginning(capsys):
    with pytest.raises(SystemExit) as left:
        main(["score", "--data", "x", "--ou", "y.csv"])
    assert left.value.code == 2
    assert "--ou" in capsys.readouterr().err


def test_libraries_are_told_to_keep_still_and_to_leave_our_runs_alone(monkeypatch):
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "of the caller")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    cli.quiet_libraries()
    environment = os.environ
    assert not any(name in environment for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"))
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["OMP_WAIT_POLICY"] == "ACTIVE", "what the user has set stays"


def test_progress_is_plain_lines_where_nobody_watches(capsys):
    with Steps("scoring", 2) as step:
        step("reading")
        step("ranking")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["scoring 1/2: reading", "scoring 2/2: ranking", "scoring: done in 0 s"]


def test_progress_does_not_claim_to_be_done_when_it_failed(capsys):
    steps = Steps("scoring", 2)
    steps("reading")
    steps.__exit__(ValueError, ValueError("no"), None)
    assert "done" not in capsys.readouterr().err


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with Steps("scoring", 2) as step:
        step("reading")
    assert "scoring: reading" in terminal.getvalue()
    assert "1/2" not in terminal.getvalue()
