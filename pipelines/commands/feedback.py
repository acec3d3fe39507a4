"""`dealcast feedback`: a person's verdict beside the model's answer; what was said; who was right."""

from __future__ import annotations

import argparse

from crm.errors import DONE, WrongUse
from pipelines.feedback import give, listing, record
from pipelines.options import by_option, data_of, data_option, home_of, json_option, note_option, say
from pipelines.reports.feedback import given_json, given_text, listing_json, listing_text, record_json, record_text
from serving.feedback import Said
from serving.verdicts import SIDES, VERDICTS


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", nargs="?", metavar="ID", help="the deal's opportunity_id")
    parser.add_argument("verdict", nargs="?", choices=VERDICTS, help="what you think of the model's win chance")
    parser.add_argument("--too", choices=SIDES, help="dispute: the model's chance is too high, or too low")
    parser.add_argument("--probability", metavar="P", help='override: your own chance, 0.25 or "25 %%"')
    parser.add_argument("--until", metavar="DATE", help="snooze: out of the list until this day, or until facts change")
    note_option(parser)
    by_option(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="what people have said, instead of saying something")
    which.add_argument("--record", action="store_true", help="who was right on deals that have closed; needs --data")
    parser.add_argument("--open", action="store_true", help="with --list: what stands today, of deals still open")
    data_option(parser, required=False)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Keep a verdict; or list them, or tell who was right."""
    _one_thing(options)
    home = home_of(options)
    if options.list:
        kept = listing(home, still_open=options.open)
        say(listing_json(kept) if options.json else listing_text(kept))
    elif options.record:
        found = record(home, data_of(options), options.as_of)
        say(record_json(found) if options.json else record_text(found))
    else:
        said = Said(options.verdict, options.too, options.probability, options.until, options.note)
        made = give(options.id, said, options.by, home)
        say(given_json(made) if options.json else given_text(made))
    return DONE


def _one_thing(options: argparse.Namespace) -> None:
    """Raises WrongUse where it is not clear what is wanted."""
    if options.list or options.record:
        if options.id is not None:
            raise WrongUse("a deal is named together with --list or --record", expected="one or the other")
    elif options.verdict is None:
        expected = f"dealcast feedback ID {'|'.join(VERDICTS)}, or --list, or --record --data DIR"
        raise WrongUse("no deal and verdict are given", expected=expected)
    if options.record and options.data is None:
        raise WrongUse("--record needs the tables that tell what came of the deals", where="--data")
    if options.open and not options.list:
        raise WrongUse("--open goes with --list", where="--open")
    if options.data is not None and not options.record:
        raise WrongUse("--data goes with --record", where="--data")
