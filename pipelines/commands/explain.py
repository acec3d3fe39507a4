"""`dealcast explain ID`: one deal's score in words."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.explain import explain
from pipelines.options import home_of, home_option, json_option, say
from pipelines.reports import deal


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", metavar="ID", help="the deal's opportunity_id")
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Explain one deal."""
    result = explain(options.id, home_of(options))
    say(deal.explanation_json(result) if options.json else deal.explanation(result))
    return DONE
