"""`dealcast backtest`: the record of past forecasts against the baselines."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines import terminal
from pipelines.backtest import backtest
from pipelines.options import at_least_one, data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports.backtest import backtest_json, backtest_text

FURTHER_STEPS = 2
"""Beside one for each part."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument(
        "--periods",
        type=at_least_one,
        default=8,
        metavar="N",
        help="how many of the last full periods to forecast (default: 8)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every forecast to a .csv or .parquet file")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Forecast the past; what an interrupted run has done is taken up by the next."""
    data = data_of(options)
    with Steps("backtest", FURTHER_STEPS + options.periods) as step:
        result = backtest(data, options.as_of, home_of(options), options.periods, options.out, step)
    if options.json:
        say(backtest_json(result))
    else:
        say(terminal.notes(result.company.notes), backtest_text(result))
        if options.out:
            say(f"All {len(result.record):,} forecasts are in {options.out}.")
    return DONE
