"""`dealcast promote`: another version of the deal model becomes champion."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.options import home_of, home_option, json_option, say
from pipelines.promote import promote
from pipelines.reports import registry


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="the version to promote (default: the current challenger)"
    )
    parser.add_argument(
        "--force", action="store_true", help="promote it although it did not pass the gate; needs --reason"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is recorded")
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Promote a version."""
    result = promote(options.version, home_of(options), options.force, options.reason.strip())
    say(registry.promotion_json(result) if options.json else registry.promotion_text(result))
    return DONE
