"""`dealcast playbook`: what won deals had done by then that lost deals had not."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines import terminal
from pipelines.options import data_if_given, data_option, home_of, json_option, say
from pipelines.playbook import playbook
from pipelines.reports.playbook import playbook_json, playbook_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser, required=False)
    parser.add_argument("--stage", metavar="STAGE", help="this stage alone")
    parser.add_argument("--segment", metavar="FIELD=VALUE", help="for deals of this kind: type=Renewal, say")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it to a .csv or .parquet file")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Tell the playbook."""
    result = playbook(
        data_if_given(options), options.as_of, home_of(options), options.stage, options.segment, options.out
    )
    if options.json:
        say(playbook_json(result))
    else:
        say(terminal.notes(result.notes), playbook_text(result))
        if options.out:
            say("", f"All of it is in {options.out}.")
    return DONE
