"""`dealcast writeback`: answers into the records of a CRM, a database or a file."""

from __future__ import annotations

import argparse

from crm.errors import DONE, FAILED
from pipelines.options import at_least_one, changes_options, home_of, say
from pipelines.progress import Going
from pipelines.reports.writeback import result_json, result_text
from pipelines.writeback import Asked, definitions, writeback


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--sink", required=True, metavar="NAME", help="where to: [sinks.NAME] in dealcast.toml")
    parser.add_argument("--run", metavar="RUN", help="the scoring run whose answers are written (default: the newest)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--apply", metavar="HASH", help="write what was looked at; without it nothing is written")
    which.add_argument("--fields", action="store_true", help="only print what has to be created at the sink")
    parser.add_argument("--most", type=at_least_one, metavar="N", help="how many records may change (default: 500, or "
                        "one in ten of those at the sink where that is more)")  # fmt: skip
    changes_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show what would change; with a hash, write it."""
    home = home_of(options)
    if options.fields:
        say(definitions(options.sink, home))
        return DONE
    with Going("write-back") as going:
        result = writeback(options.sink, options.run, home, Asked(options.apply, options.most, options.out), going)
    say(result_json(result) if options.json else result_text(result, options.top, options.out))
    return DONE if result.applied is None or result.applied.whole else FAILED
