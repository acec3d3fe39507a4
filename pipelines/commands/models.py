"""`dealcast models`: versions of the model, who is champion and why; compare two of them."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.models import compare, models
from pipelines.options import as_of_option, data_if_given, home_of, home_option, json_option, place, say
from pipelines.reports import versions


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options, and those of `compare`."""
    home_option(parser)
    json_option(parser)
    what = parser.add_subparsers(dest="what", metavar="compare A B")
    two = what.add_parser("compare", help="two versions side by side", allow_abbrev=False)
    for which in ("first", "second"):
        two.add_argument(which, metavar=which.upper(), help="a version, champion, challenger, or an MLflow run's id")
    two.add_argument(
        "--data", type=place, metavar="DIR|URL", help="tables: both answer deals that neither has learned from"
    )
    as_of_option(two)
    # Given before or after `compare`, an option holds.
    home_option(two, argparse.SUPPRESS)
    json_option(two, argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """List the versions, or compare two."""
    if options.what == "compare":
        found = compare(options.first, options.second, home_of(options), data_if_given(options), options.as_of)
        say(versions.comparison_json(found) if options.json else versions.comparison_text(found))
    else:
        listing = models(home_of(options))
        say(versions.listing_json(listing) if options.json else versions.listing_text(listing))
    return DONE
