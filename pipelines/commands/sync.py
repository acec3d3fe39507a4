"""`dealcast sync`: fetch what is new at a remote source into the home's mirror."""

from __future__ import annotations

import argparse

from crm.address import is_address
from crm.errors import DONE, WrongUse
from pipelines.options import home_of, home_option, json_option, say
from pipelines.progress import Going
from pipelines.reports.sync import sync_json, sync_text
from pipelines.sync import sync


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="URL",
        help="the source: salesforce://my-domain.my.salesforce.com, hubspot://, postgresql+psycopg://user@host/database",
    )
    parser.add_argument("--whole", action="store_true", help="fetch everything anew, not only what is new")
    parser.add_argument(
        "--confirm",
        action="append",
        default=[],
        metavar="TABLE",
        help="this table may come empty, or smaller by more than 30 %% (may be given several times)",
    )
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Sync, and say what came."""
    if not is_address(options.data):
        raise WrongUse(f"'{options.data}' is no address", where="--data", expected="for instance hubspot://")
    with Going("syncing") as step:
        done = sync(options.data, home_of(options), whole=options.whole, confirmed=options.confirm, step=step)
    say(sync_json(done) if options.json else sync_text(done))
    return DONE
