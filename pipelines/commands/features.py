"""`dealcast features`: training or scoring set to Parquet."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE, WrongUse
from pipelines import terminal
from pipelines.daily import daily
from pipelines.engines import ENGINES, LOCAL, LOCAL_MASTER, SPARK, Wanted, memory_of
from pipelines.features import SETS, STEPS, TRAINING, features
from pipelines.options import data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import sets


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument(
        "--set",
        choices=SETS,
        help="with --out; training: every deal on the grid of dates while it was open, with what came of it; "
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
    parser.add_argument("--master", metavar="URL", help=f"with --engine spark: the cluster (default: {LOCAL_MASTER})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the set, or the days that are missing."""
    _refuse_idle(options)
    memory = None if options.memory is None else memory_of(options.memory)
    wanted = Wanted(options.engine, memory, options.master or LOCAL_MASTER)
    data = data_of(options)
    with Steps("features", STEPS) as step:
        if options.daily is not None:
            kept = daily(
                data, options.as_of, options.since, home_of(options), options.daily, wanted, step,
                verify=options.verify,
            )  # fmt: skip
            text, notes = sets.daily_json(kept) if options.json else sets.daily_summary(kept), kept.notes
        else:
            written = features(
                data, options.as_of, home_of(options), options.set or TRAINING, options.out, wanted, step
            )
            text, notes = sets.set_json(written) if options.json else sets.set_summary(written), written.notes
    if not options.json:
        say(terminal.notes(notes))
    say(text)
    return DONE


def _refuse_idle(options: argparse.Namespace) -> None:
    """Raises WrongUse where an option is given that does nothing beside the others."""
    idle = {
        "--since goes with --daily alone": options.since is not None and options.daily is None,
        "--verify goes with --daily alone": options.verify and options.daily is None,
        "--set goes with --out alone: --daily keeps scoring sets": options.set is not None and options.out is None,
        "--master goes with --engine spark alone": options.master is not None and options.engine != SPARK,
    }
    for why, is_idle in idle.items():
        if is_idle:
            raise WrongUse(why)
