"""`dealcast features`: training or scoring set to Parquet."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines import terminal
from pipelines.daily import daily
from pipelines.engines import ENGINES, LOCAL, Wanted, memory_of
from pipelines.features import SETS, STEPS, TRAINING, features
from pipelines.options import data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import sets


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument(
        "--set",
        choices=SETS,
        default=TRAINING,
        help="training: every deal on the grid of dates while it was open, with what came of it; "
        "scoring: the deals open at --as-of (default: training)",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="FILE", help="the .parquet or .csv file to write")
    where.add_argument(
        "--daily",
        type=Path,
        metavar="DIR",
        help="keep a scoring set a day in this folder: those still missing up to --as-of are added, the others stay",
    )
    parser.add_argument("--since", metavar="DATE", help="with --daily: the first day to keep (default: --as-of)")
    parser.add_argument(
        "--verify", action="store_true", help="with --daily: compute the days that are there anew and compare"
    )
    parser.add_argument("--memory", metavar="SIZE", help="work part by part within so much memory, for instance 4GiB")
    parser.add_argument("--engine", choices=ENGINES, default=LOCAL, help="where to compute (default: local)")
    parser.add_argument(
        "--master", default="local[*]", metavar="URL", help="with --engine spark: the cluster (default: local[*])"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the set, or the days that are missing."""
    memory = None if options.memory is None else memory_of(options.memory)
    wanted = Wanted(options.engine, memory, options.master)
    with Steps("features", STEPS) as step:
        if options.daily is not None:
            kept = daily(
                options.data, options.as_of, options.since, home_of(options), options.daily, wanted, step,
                verify=options.verify,
            )  # fmt: skip
            text, notes = sets.daily_json(kept) if options.json else sets.daily_summary(kept), kept.notes
        else:
            written = features(options.data, options.as_of, home_of(options), options.set, options.out, wanted, step)
            text, notes = sets.set_json(written) if options.json else sets.set_summary(written), written.notes
    if not options.json:
        say(terminal.notes(notes))
    say(text)
    return DONE
