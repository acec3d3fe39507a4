"""`dealcast forecast`: revenue of this period and the next at every level; people's own numbers beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE, WrongUse
from crm.hierarchy import LEVELS
from pipelines.adjustments import adjust, adjustments
from pipelines.forecast import STEPS, forecast
from pipelines.options import (
    DATA,
    as_of_option,
    by_option,
    data_if_given,
    data_of,
    data_option,
    home_of,
    home_option,
    json_option,
    note_option,
    place,
    say,
)
from pipelines.progress import Steps
from pipelines.reports.adjustments import adjusted_json, adjusted_text, listing_json, listing_text
from pipelines.reports.forecast import forecast_json, forecast_text, usually_told


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options, and those of `adjust` and `adjustments`."""
    data_option(parser, required=False)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the forecast to a .csv or .parquet file")
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="how far down to list (default: managers where the tables name them, else owners; with --json everything)",
    )
    parser.add_argument(
        "--since", metavar="DATE", help="also tell what became of this period's pipeline since the end of this date"
    )
    json_option(parser)
    what = parser.add_subparsers(dest="what", metavar="adjust | adjustments")
    _adjust_options(what.add_parser("adjust", help="keep your own number beside the model's", allow_abbrev=False))
    kept = what.add_parser("adjustments", help="numbers that people have kept; who was nearer", allow_abbrev=False)
    kept.add_argument("--data", type=place, default=argparse.SUPPRESS, metavar="DIR|URL", help="tables: what came")
    as_of_option(kept, argparse.SUPPRESS)
    _shared_options(kept)


def _adjust_options(own: argparse.ArgumentParser) -> None:
    own.add_argument("--level", choices=LEVELS, required=True, help="whose number it is: a manager's, say")
    own.add_argument("--key", required=True, metavar="ID", help="the manager's, owner's or region's id or name")
    own.add_argument("--amount", type=float, required=True, metavar="N", help="what the period brings in your view")
    own.add_argument("--period", metavar="PERIOD", help='"Q3 2026", or a day in it (default: the forecast\'s first)')
    note_option(own)
    by_option(own)
    _shared_options(own)


def _shared_options(parser: argparse.ArgumentParser) -> None:
    # Given before or after `adjust`, an option holds.
    home_option(parser, argparse.SUPPRESS)
    json_option(parser, argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Forecast; or keep a number, or list those that are kept."""
    if options.what == "adjust":
        made = adjust(
            options.level, options.key, options.amount, options.period, options.note, home_of(options), options.by
        )
        say(adjusted_json(made) if options.json else adjusted_text(made))
    elif options.what == "adjustments":
        kept = adjustments(home_of(options), data_if_given(options), options.as_of)
        say(listing_json(kept) if options.json else listing_text(kept))
    else:
        _forecast(options)
    return DONE


def _forecast(options: argparse.Namespace) -> None:
    if options.data is None:
        raise WrongUse("the tables to forecast from are not named", where="--data", expected=DATA)
    data = data_of(options)
    with Steps("forecast", STEPS) as step:
        result = forecast(data, options.as_of, home_of(options), options.out, options.since, options.level, step)
    if options.json:
        say(forecast_json(result))
    else:
        say(forecast_text(result if options.level else usually_told(result)))
        if options.out:
            say("", f"All {len(result.table):,} rows are in {options.out}.")
