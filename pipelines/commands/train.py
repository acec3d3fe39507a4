"""`dealcast train`: features → models → MLflow → gate → champion."""

from __future__ import annotations

import argparse

from crm.errors import DONE, GATE_NOT_PASSED
from pipelines import terminal
from pipelines.options import data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import training
from pipelines.train import STEPS, train


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train; exit code 4 where the gate was not passed."""
    with Steps("training", STEPS) as step:
        result = train(options.data, options.as_of, home_of(options), step)
    if options.json:
        say(training.train_json(result))
    else:
        say(terminal.notes(result.company.notes), training.training_summary(result))
    return DONE if result.promoted else GATE_NOT_PASSED
