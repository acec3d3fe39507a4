"""`dealcast digest`: each person's letter of the day, to look at, or sent."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE, FAILED
from pipelines.digest import Asked, preview, send, write_out
from pipelines.options import home_of, home_option, json_option, say
from pipelines.progress import Going
from pipelines.reports.digest import preview_json, preview_text, sending_json, sending_text
from serving.digest.content import Writer
from serving.digest.letter import Kind


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--for", dest="whom", metavar="ID|NAME|ADDRESS", help="this person alone")
    help_ = "this kind alone, whatever day it is (default: what is due on the day)"
    parser.add_argument("--kind", type=Kind, choices=list(Kind), help=help_)
    parser.add_argument("--on", metavar="DATE", help="the letters of another day, to look at (default: today)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--send", action="store_true", help="send them; without it they are only shown")
    which.add_argument("--out", type=Path, metavar="DIR", help="each letter as a .txt and a .html file")
    home_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show what would be sent; with --send, send it."""
    home, asked = home_of(options), Asked(options.whom, options.kind, options.on)
    if not options.send:
        made = preview(asked, home, Writer)
        files = () if options.out is None else write_out(made, options.out)
        say(preview_json(made, files) if options.json else preview_text(made, files))
        return DONE
    with Going("digest") as step:
        sent = send(asked, home, Writer, step)
    say(sending_json(sent) if options.json else sending_text(sent))
    return DONE if sent.whole else FAILED
