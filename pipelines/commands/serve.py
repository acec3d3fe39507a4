"""`dealcast serve`: pages and API over the home's store, on this machine alone unless told otherwise."""

from __future__ import annotations

import argparse

from crm.errors import DONE
from pipelines.options import home_of, home_option, say
from pipelines.serve import serving
from pipelines.terminal import wrap


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, metavar="N", help="(default: 8000; 0: any that is free)")
    home_option(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until it is ended."""
    found = serving(home_of(options), options.host, options.port)
    nobody = wrap("Nobody can sign in yet: dealcast users add NAME --role ROLE") if not found.accounts else ""
    found.run(lambda: say(*(line for line in (f"Dealcast's pages: {found.address} (Ctrl+C ends it)", nobody) if line)))
    return DONE


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 65535")
    return int(text)
