"""`dealcast check`: read everything, print what was found; write nothing."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines import terminal
from pipelines.check import STEPS, check
from pipelines.options import data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import quality


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Check a folder."""
    data = data_of(options)
    with Steps("checking", STEPS) as step:
        result = check(data, options.as_of, home_of(options), step)
    if options.json:
        say(quality.check_json(result))
    else:
        say(terminal.notes(result.company.notes), quality.check_summary(result))
    return DONE
