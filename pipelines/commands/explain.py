"""`dealcast explain ID`: one deal's score in words."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.explain import explain
from pipelines.options import home_of, home_option, say
from pipelines.reports import deal


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", metavar="ID", help="the deal's opportunity_id")
    home_option(parser)


def run(options: argparse.Namespace) -> int:
    """Explain one deal."""
    say(deal.explanation(explain(options.id, home_of(options))))
    return DONE
