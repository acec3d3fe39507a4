"""`dealcast users`: who may sign in to the pages, as what, and as whom of the CRM."""

from __future__ import annotations

import argparse
from pathlib import Path

from crm.errors import DONE
from pipelines.options import at_least_one, home_of, home_option, json_option, say
from pipelines.reports.users import account_text, token_text, users_json, users_text
from pipelines.users import add, change_password, change_role, password_from, remove, sign_out, switch, token, users
from serving.accounts import Role


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    home_option(parser)
    json_option(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=False)
    made = _action(actions, "add", "a new account")
    _role(made)
    _password(made)
    made.add_argument("--no-password", action="store_true", help="only a proxy that is trusted lets it in")
    _role(_action(actions, "role", "another role, or another person of the CRM"))
    _password(_action(actions, "password", "another password; signs the account out"))
    for name, says in (("off", "lets nobody in for now"), ("on", "lets its owner in again"), ("remove", "is gone")):
        _action(actions, name, f"the account {says}")
    _action(actions, "sign-out", "ends all sessions and tokens of the account")
    given = _action(actions, "token", "a token for the API, with what the account may see; shown once")
    given.add_argument("--label", default="", metavar="TEXT", help="what it is for")
    given.add_argument(
        "--days", type=at_least_one, metavar="N", help="until when it lasts (default: until it is ended)"
    )


def run(options: argparse.Namespace) -> int:
    """List the accounts, or change one."""
    home = home_of(options)
    match options.action:
        case None:
            listed = users(home)
            say(users_json(listed) if options.json else users_text(listed))
        case "add":
            asked = (lambda _name: None) if options.no_password else password_from(options.password_file)
            say(account_text(add(home, options.name, options.role, options.of_crm, asked), "was added"))
        case "role":
            say(account_text(change_role(home, options.name, options.role, options.of_crm), "was changed"))
        case "password":
            changed = change_password(home, options.name, password_from(options.password_file))
            say(account_text(changed, "has another password"))
        case "on" | "off":
            switched = switch(home, options.name, on=options.action == "on")
            say(account_text(switched, f"is {options.action}"))
        case "remove":
            remove(home, options.name)
            say(f"The account {options.name} is gone.")
        case "sign-out":
            say(f"{sign_out(home, options.name)} sessions and tokens of {options.name} are over.")
        case "token":
            say(token_text(token(home, options.name, options.label, options.days)))
    return DONE


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, says: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=says, description=says, allow_abbrev=False)
    parser.add_argument("name", metavar="NAME", help="the account's name")
    home_option(parser, argparse.SUPPRESS)
    return parser


def _role(parser: argparse.ArgumentParser) -> None:
    says = "rep: own deals; manager: those of everybody below, too; analyst: all, names hidden; admin: everything"
    parser.add_argument("--role", type=Role, choices=list(Role), required=True, help=says)
    parser.add_argument("--as", dest="of_crm", metavar="ID|NAME|ADDRESS", help="who this is in the CRM")


def _password(parser: argparse.ArgumentParser) -> None:
    says = "its first line is the password (default: asked for on the terminal, else read from standard input)"
    parser.add_argument("--password-file", type=Path, metavar="FILE", help=says)
