"""`dealcast train`: features → models → MLflow → gate → champion."""

from __future__ import annotations

import argparse

from crm.errors import DONE, GATE_NOT_PASSED
from pipelines import terminal
from pipelines.config import load_config
from pipelines.due import train_if_due
from pipelines.options import data_of, data_option, home_of, json_option, say
from pipelines.progress import Steps
from pipelines.reports import due, training
from pipelines.train import STEPS, TrainResult, train


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    data_option(parser)
    parser.add_argument(
        "--if-due",
        action="store_true",
        help="train only where the champion is old, has not kept its promise, or deals have drifted ([retrain])",
    )
    parser.add_argument(
        "--tune",
        action="store_true",
        help="first search for settings, on dates before those that judge the model; later trainings keep them "
        "([tuning], [training])",
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train; exit code 4 where the gate was not passed."""
    return _if_due(options) if options.if_due else _always(options)


def _always(options: argparse.Namespace) -> int:
    data = data_of(options)
    with Steps("training", _steps(options)) as step:
        result = train(data, options.as_of, home_of(options), step, options.tune)
    if options.json:
        say(training.train_json(result))
    else:
        say(terminal.notes(result.company.notes), training.training_summary(result))
    return _code(result)


def _if_due(options: argparse.Namespace) -> int:
    data = data_of(options)
    with Steps("training", _steps(options) + 1) as step:
        result = train_if_due(data, options.as_of, home_of(options), step, options.tune)
    if options.json:
        say(due.due_json(result))
    else:
        say(*filter(None, (terminal.notes(result.company.notes), due.due_text(result))))
        if result.trained is not None:
            say("", training.training_summary(result.trained))
    return DONE if result.trained is None else _code(result.trained)


def _steps(options: argparse.Namespace) -> int:
    """Each trial of a tuning is a step."""
    return STEPS + (load_config(home_of(options)).tuning.trials if options.tune else 0)


def _code(result: TrainResult) -> int:
    return DONE if result.promoted else GATE_NOT_PASSED
