"""`dealcast export`: the store's views as Parquet or CSV files for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines.export import FORMATS, export, named
from pipelines.options import home_of, home_option, json_option, say
from pipelines.progress import Steps
from pipelines.reports import exports


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write to, a file a view")
    help_ = "write this view alone (given again: these); default: all of docs/bi.md"
    parser.add_argument("--view", action="append", default=[], metavar="NAME", help=help_)
    parser.add_argument("--since", metavar="DATE", help="leave out what is dated before this day")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="how to write (default: parquet)")
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the views."""
    with Steps("exporting", len(named(options.view))) as step:
        result = export(home_of(options), options.out, options.view, options.since, options.format, step)
    say(exports.export_json(result) if options.json else exports.export_text(result))
    return DONE
