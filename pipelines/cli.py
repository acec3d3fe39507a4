"""The command line: `dealcast COMMAND …`. Each command is a module of its own, loaded only when it is used."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from crm.errors import DONE, FAILED, WRONG_USE, DealcastError
from pipelines.config import quiet_libraries

COMMANDS = {
    "demo": "the whole road on a simulated company",
    "init": "look at your data and draft dealcast.toml, with the evidence",
    "sync": "fetch what is new from Salesforce, HubSpot or a database",
    "check": "read everything, print what was found and is missing; write nothing",
    "features": "training or scoring sets to Parquet",
    "train": "features → models → MLflow → gate → champion",
    "models": "versions of the model, who is champion and why; compare two of them",
    "promote": "make a version champion that passed the gate",
    "rollback": "go back to the champion before",
    "score": "score open deals, explain, store, write to --out",
    "explain": "one deal's score in words",
    "feedback": "your verdict beside the model's answer; who was right",
    "impact": "what coaching brought, by a controlled trial",
    "forecast": "this period's revenue and the next's at every level, with ranges",
    "backtest": "the forecast tried on past periods, beside what people use",
    "playbook": "what won deals had done by then that lost deals had not",
    "writeback": "answers into the records of a CRM or database; looked at first",
    "tasks": "coaching's next steps as tasks in a CRM; looked at first",
    "undo": "take a write-back back, where what it wrote is still there",
    "coach": "where reps' deals stall and what they miss, against their team's",
    "export": "the store's views as Parquet or CSV files for BI tools",
    "digest": "letters of the day by e-mail, Slack or Teams; looked at first",
    "nightly": "sync, check, score, write back, forecast, retrain if it is due",
    "users": "who may sign in to the pages, and what they see",
    "serve": "pages for reps and managers",
}
PLANNED = ("monitor",)
PROGRAM = "dealcast"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 failed, 2 wrong use, 3 data refused, 4 gate)."""
    quiet_libraries()
    _speak_utf8()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(overview())
        return DONE if given else WRONG_USE
    if given[0] not in COMMANDS:
        what = "this version does not have the command yet:" if given[0] in PLANNED else "there is no command"
        print(f"{PROGRAM}: {what} '{given[0]}'\n\n{overview()}", file=sys.stderr)
        return WRONG_USE
    return _run(given[0], given[1:])


def overview() -> str:
    """All commands with what they do."""
    lines = [f"usage: {PROGRAM} COMMAND [options]", ""]
    lines += [f"  {name:10} {says}" for name, says in COMMANDS.items()]
    return "\n".join([*lines, "", f"{PROGRAM} COMMAND --help says which options there are."])


def parser_of(name: str) -> argparse.ArgumentParser:
    """What reads a command's options."""
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}", description=COMMANDS[name], allow_abbrev=False)
    _command(name).arguments(parser)
    return parser


def _run(name: str, given: Sequence[str]) -> int:
    parser = parser_of(name)
    try:
        code = int(_command(name).run(parser.parse_args(given)))
        sys.stdout.flush()  # here, where a reader that has gone is dealt with
        return code
    except DealcastError as error:
        print(f"{PROGRAM} {name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{PROGRAM} {name}: stopped", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return DONE
    except OSError as error:
        print(
            f"{PROGRAM} {name}: {error.strerror or error}: {error.filename or ''}".rstrip(": "),
            file=sys.stderr,
        )
        return FAILED
    except MemoryError:
        traceback.print_exc()
        return FAILED


def _command(name: str) -> ModuleType:
    return import_module(f"pipelines.commands.{name}")


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main())
