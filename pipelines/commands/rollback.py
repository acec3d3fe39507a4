"""`dealcast rollback`: the champion before answers again."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.options import home_of, home_option, json_option, say
from pipelines.promote import rollback
from pipelines.reports import registry


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is recorded")
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Go back to the champion before."""
    result = rollback(home_of(options), options.reason.strip())
    say(registry.promotion_json(result) if options.json else registry.promotion_text(result))
    return DONE
