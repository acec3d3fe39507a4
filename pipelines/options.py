"""Options that commands share, and how they speak."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from crm.address import is_address
from pipelines.config import Home
from pipelines.progress import Going
from pipelines.sync import folder_of, sync

DEFAULT_HOME = "dealcast-home"
DATA = "the folder with the CRM's tables, or an address: salesforce://…, hubspot://, postgresql+psycopg://…"


def data_option(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--data, --as-of, --home: where from, as of when, and where to keep."""
    parser.add_argument("--data", type=place, required=required, metavar="DIR|URL", help=DATA)
    as_of_option(parser)
    home_option(parser)


def place(text: str) -> Path | str:
    """What --data names: a folder, or the address of a remote source as it stands."""
    return text if is_address(text) else Path(text)


def data_of(options: argparse.Namespace) -> Path:
    """The folder to read: the one named, or the mirror of the source named, brought up to date.

    A mirror's own folder is read as it was left, and its source is not asked.
    """
    home = home_of(options)
    if isinstance(options.data, str):
        with Going("syncing") as step:
            sync(options.data, home, step=step)
    return folder_of(options.data, home)


def data_if_given(options: argparse.Namespace) -> Path | None:
    """The folder to read where one is named."""
    return None if options.data is None else data_of(options)


def as_of_option(parser: argparse.ArgumentParser, default: object = "now") -> None:
    """--as-of: as of when to look at the data."""
    parser.add_argument(
        "--as-of",
        default=default,
        metavar="DATE",
        help="look at the data as of the end of this date (or this instant); whatever is later is ignored "
        "(default: now)",
    )


def home_option(parser: argparse.ArgumentParser, default: object = Path(DEFAULT_HOME)) -> None:
    """--home: configuration, store, models, MLflow."""
    parser.add_argument(
        "--home",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"configuration, store, models and MLflow's runs (default: ./{DEFAULT_HOME})",
    )


def json_option(parser: argparse.ArgumentParser, default: object = False) -> None:
    """--json: a machine's summary instead of text."""
    parser.add_argument("--json", action="store_true", default=default, help="print a summary as JSON instead of text")


def by_option(parser: argparse.ArgumentParser) -> None:
    """--by: whose word it is."""
    parser.add_argument("--by", metavar="NAME", help="whose word it is (default: the name you are logged in by)")


def note_option(parser: argparse.ArgumentParser) -> None:
    """--note: why."""
    parser.add_argument("--note", default="", metavar="TEXT", help="why")


def out_option(parser: argparse.ArgumentParser) -> None:
    """--out: where every change is written to."""
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every change to a .csv or .parquet file")


def changes_options(parser: argparse.ArgumentParser) -> None:
    """--out, --top, --home, --json: where changes are shown."""
    out_option(parser)
    help_ = "how many records to show (default: 5)"
    parser.add_argument("--top", type=at_least_one, default=5, metavar="N", help=help_)
    home_option(parser)
    json_option(parser)


def at_least_one(text: str) -> int:
    """An option's value that must be a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def home_of(options: argparse.Namespace) -> Home:
    """The home that the options name."""
    return Home(options.home)


def spoken(program: str) -> str:
    """How a program that was installed beside this one is called from here: by its name, or by its path."""
    beside = Path(sys.argv[0]).with_name(program)
    if Path(sys.argv[0]).name != "dealcast" or shutil.which(program) == str(beside):
        return program
    return shlex.quote(str(beside))


def say(*paragraphs: str) -> None:
    """Print what is not empty to standard output; a single empty string is an empty line."""
    for text in paragraphs:
        if text or len(paragraphs) > 1:
            print(text)
