"""`dealcast undo RUN`: what a write-back found is put back."""

from __future__ import annotations

import argparse

from crm.errors import DONE, FAILED, WrongUse
from pipelines.options import changes_options, home_of, say
from pipelines.progress import Going
from pipelines.reports.writeback import result_json, result_text, runs_json, runs_text
from pipelines.writeback import Asked, runs, undo


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="the write-back; without it all of them are listed")
    parser.add_argument("--apply", metavar="HASH", help="put back what was looked at; without it nothing is written")
    changes_options(parser)


def run(options: argparse.Namespace) -> int:
    """List write-backs; or show what would be put back; with a hash, put it back."""
    home = home_of(options)
    if options.run is None:
        if options.apply or options.out:
            raise WrongUse("no write-back is named", where="RUN", remedy="`dealcast undo` lists them")
        say(runs_json(runs(home)) if options.json else runs_text(runs(home)))
        return DONE
    with Going("undo") as going:
        result = undo(options.run, home, Asked(options.apply, None, options.out), going)
    say(result_json(result) if options.json else result_text(result, options.top, options.out))
    return DONE if result.applied is None or result.applied.whole else FAILED
