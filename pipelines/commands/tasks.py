"""`dealcast tasks`: coaching's next steps as tasks in a CRM, on request."""

from __future__ import annotations

import argparse

from crm.errors import DONE, FAILED
from pipelines.options import at_least_one, home_of, home_option, json_option, out_option, say
from pipelines.progress import Going
from pipelines.reports.writeback import result_json, result_text
from pipelines.tasks import DUE, TOP, Chosen, definitions, tasks
from pipelines.writeback import Asked

SHOWN = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--sink", required=True, metavar="NAME", help="where to: [sinks.NAME] in dealcast.toml")
    parser.add_argument("--deal", action="append", default=[], metavar="ID", help="for this deal; may be given again")
    parser.add_argument("--owner", metavar="ID|NAME", help="for the deals of this person")
    help_ = f"for the N most urgent deals (default: {TOP}; with --deal all that are named)"
    parser.add_argument("--top", type=at_least_one, metavar="N", help=help_)
    help_ = f"due in so many working days (default: {DUE})"
    parser.add_argument("--due", type=at_least_one, default=DUE, metavar="DAYS", help=help_)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--apply", metavar="HASH", help="make what was looked at; without it nothing is made")
    which.add_argument("--fields", action="store_true", help="only print what has to be created at the sink")
    help_ = f"how many tasks may be made (default: {TOP})"
    parser.add_argument("--most", type=at_least_one, metavar="N", help=help_)
    out_option(parser)
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show which tasks would be made; with a hash, make them."""
    home = home_of(options)
    if options.fields:
        say(definitions(options.sink, home))
        return DONE
    chosen = Chosen(tuple(dict.fromkeys(options.deal)), options.owner, options.top, options.due)
    with Going("tasks") as going:
        result = tasks(options.sink, chosen, home, Asked(options.apply, options.most, options.out), going)
    say(result_json(result) if options.json else result_text(result, SHOWN, options.out))
    return DONE if result.applied is None or result.applied.whole else FAILED
