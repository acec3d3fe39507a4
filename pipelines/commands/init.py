"""`dealcast init`: look at the data and draft a commented dealcast.toml."""

from __future__ import annotations

import argparse

from crm.address import is_address, without_secrets
from crm.errors import DONE
from pipelines.init import STEPS, draft, refuse_overwriting, write_draft
from pipelines.options import DATA, data_of, home_of, home_option, place, say
from pipelines.progress import Steps
from pipelines.reports.draft import summary
from pipelines.reports.draft_toml import draft_toml


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--data", type=place, required=True, metavar="DIR|URL", help=DATA)
    home_option(parser)
    parser.add_argument("--print", action="store_true", help="print the draft and write nothing")
    parser.add_argument("--force", action="store_true", help="replace the dealcast.toml that is there")


def run(options: argparse.Namespace) -> int:
    """Draft, and say what to look at."""
    home = home_of(options)
    if not (options.print or options.force):
        refuse_overwriting(home)
    data = data_of(options)
    with Steps("looking", STEPS) as step:
        found = draft(data, without_secrets(str(options.data)), step)
    text = draft_toml(found, stems=is_address(str(options.data)))
    if options.print:
        say(text)
    else:
        say(summary(found, write_draft(home, text)))
    return DONE
