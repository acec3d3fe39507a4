"""`dealcast impact`: what coaching brought, by the controlled trial."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.impact import measured
from pipelines.options import data_of, data_option, home_of, json_option, say
from pipelines.reports.impact import impact_json, impact_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Tell what the trial says, or that it is too early."""
    result = measured(data_of(options), options.as_of, home_of(options))
    say(impact_json(result) if options.json else impact_text(result))
    return DONE
