"""Users: who may sign in to the pages, as what, and as whom of the CRM."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crm.errors import WrongUse
from pipelines.champion import open_store
from pipelines.config import Home, caller, load_config
from pipelines.whom import whom
from serving.accounts import BOUND, Account, Role, checked_name, hashed
from serving.staff import Staff
from serving.store import Store

AS, ROLE = "--as", "--role"


@dataclass(frozen=True)
class Listed:
    """An account, and what people call who it is in the CRM."""

    account: Account
    called: str | None
    tokens: int


def users(home: Home) -> tuple[Listed, ...]:
    """Every account, by name."""
    store = _store(home)
    staff = Staff.of(store.crm_users())
    return tuple(
        Listed(one, None if one.user_id is None else staff.name(one.user_id), len(store.tokens(one.username)))
        for one in store.accounts()
    )


def add(home: Home, name: str, role: Role, of_crm: str | None, password: Callable[[str], str | None]) -> Account:
    """A new account.

    :param of_crm: who it is in the CRM, by id, name or address. A rep and a manager are somebody there.
    :param password: asked for the name's password; None: only a proxy that is trusted lets it in.
    :raises WrongUse: where the name is taken, the person unknown, or the password easily guessed.
    """
    store, username = _store(home), checked_name(name)
    user_id = _person(store, role, of_crm)
    if store.account(username) is not None:
        raise WrongUse(f"there is an account '{username}' already", where="NAME")
    said = password(username)
    made = store.add_account(username, role, user_id, None if said is None else hashed(said, username))
    _noted(store, "account added", f"{username}: {role}")
    return made


def change_role(home: Home, name: str, role: Role, of_crm: str | None) -> Account:
    """Another role; who the account is in the CRM stays, unless somebody else is named."""
    store, username = _store(home), checked_name(name)
    kept = _known(store, username)
    user_id = _person(store, role, of_crm or (kept.user_id if role in BOUND else None))
    store.change_account(username, role=role, user_id=user_id)
    _noted(store, "role changed", f"{username}: {role}")
    return _known(store, username)


def change_password(home: Home, name: str, password: Callable[[str], str | None]) -> Account:
    """Another password; whoever is signed in with the former is signed out."""
    store, username = _store(home), checked_name(name)
    _known(store, username)
    said = password(username)
    store.change_account(username, password_hash=None if said is None else hashed(said, username))
    _noted(store, "password changed", username)
    return _known(store, username)


def switch(home: Home, name: str, *, on: bool) -> Account:
    """An account lets nobody in for now; or does again."""
    store, username = _store(home), checked_name(name)
    store.change_account(username, active=on)
    _noted(store, "account on" if on else "account off", username)
    return _known(store, username)


def remove(home: Home, name: str) -> None:
    """An account is gone; what it did stays in the record."""
    store, username = _store(home), checked_name(name)
    store.remove_account(username)
    _noted(store, "account removed", username)


def sign_out(home: Home, name: str) -> int:
    """All sessions and tokens of an account are over; how many there were."""
    store, username = _store(home), checked_name(name)
    _known(store, username)
    _noted(store, "signed out by an operator", username)
    return store.end_sessions(username)


def token(home: Home, name: str, label: str, days: int | None) -> str:
    """A token for the API with what the account may see; it is shown once."""
    store, username = _store(home), checked_name(name)
    _known(store, username)
    made = store.add_token(username, label, None if days is None else timedelta(days=days))
    _noted(store, "token made", f"{username}: {label}")
    return made


def password_from(file: Path | None) -> Callable[[str], str]:
    """Asks for a password: the first line of a file, of standard input where nobody types, else the terminal, twice."""

    def asked(username: str) -> str:
        if file is not None:
            try:
                return file.read_text(encoding="utf-8").partition("\n")[0]
            except (OSError, UnicodeDecodeError) as error:
                raise WrongUse("the file cannot be read", where=str(file)) from error
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        first = getpass.getpass(f"Password of {username}: ")
        if getpass.getpass("Once more: ") != first:
            raise WrongUse("the two are not the same", where="password")
        return first

    return asked


def _person(store: Store, role: Role, of_crm: str | None) -> str | None:
    """Whom of the CRM an account is. Raises WrongUse where the role needs somebody and nobody is named."""
    if of_crm is None:
        if role in BOUND:
            raise WrongUse(f"a {role} is somebody of the CRM", where=AS, expected="an id, a name or an address there")
        return None
    rows = store.crm_users()
    by_address = [row["user_id"] for row in rows if (row["email"] or "").casefold() == of_crm.casefold()]
    if len(by_address) == 1:
        return str(by_address[0])
    called = {row["user_id"]: row["name"] for row in rows}
    # Whoever owns deals and is in no table of users is known by the id alone.
    run = store.scoring_run()
    called |= dict.fromkeys(store.owners_of(run) - set(called) if run is not None else (), None)
    return whom(called, of_crm, AS, f"the CRM knows no '{of_crm}'")


def _known(store: Store, username: str) -> Account:
    found = store.account(username)
    if found is None:
        raise WrongUse(f"there is no account '{username}'", where="NAME", remedy="`dealcast users` names them")
    return found


def _noted(store: Store, action: str, about: str) -> None:
    store.note(caller(), "command line", action, about)


def _store(home: Home) -> Store:
    return open_store(home, load_config(home))
