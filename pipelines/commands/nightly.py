"""`dealcast nightly`: everything that is to be done every night, in one command."""

from __future__ import annotations

import argparse

from pipelines.config import load_config
from pipelines.night_parts import parts_of
from pipelines.nightly import nightly
from pipelines.options import data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports.nightly import night_json, night_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Do a night's work, or what is left of it; the exit code is that of the first stage that was stopped."""
    home = home_of(options)
    parts = parts_of(load_config(home))
    with Steps("nightly", len(parts)) as step:
        night = nightly(options.data, options.as_of, home, parts, step)
    say(night_json(night) if options.json else night_text(night))
    return night.code
