"""`dealcast coach`: where reps' deals stall, and which steps they miss, against their team's."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines import terminal
from pipelines.coach import STEPS, coach
from pipelines.options import data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports.coach import coach_json, coach_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument("--owner", metavar="ID_OR_NAME", help="this rep alone, with all counts")
    parser.add_argument("--team", metavar="ID_OR_NAME", help="this team alone: a manager's, or a region's")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every count to a .csv or .parquet file")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Compare reps with their teams, and teams with the company."""
    data = data_of(options)
    with Steps("coaching", STEPS) as step:
        result = coach(data, options.as_of, home_of(options), options.owner, options.team, options.out, step)
    if options.json:
        say(coach_json(result))
    else:
        say(terminal.notes(result.notes), coach_text(result, whole=options.owner is not None))
        if options.out:
            say("", f"All counts are in {options.out}.")
    return DONE
