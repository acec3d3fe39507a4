"""`dealcast score`: score open deals, explain, store, write to --out."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines import terminal
from pipelines.options import at_least_one, data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import deals
from pipelines.score import STEPS, score


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the scores to a .csv or .parquet file")
    parser.add_argument(
        "--top", type=at_least_one, default=10, metavar="N", help="how many deals to list (default: 10)"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Score all open deals."""
    data = data_of(options)
    with Steps("scoring", STEPS) as step:
        result = score(data, options.as_of, home_of(options), options.out, step)
    if options.json:
        say(deals.score_json(result))
    else:
        say(terminal.notes(result.notes), deals.deal_list(result, options.top))
        if options.out:
            say(f"All {len(result.scores):,} are in {options.out}.")
        say("One deal in full: dealcast explain ID")
    return DONE
