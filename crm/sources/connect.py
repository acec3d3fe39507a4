"""An address → the source behind it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection
from importlib import import_module

import crm.sources.remotes
from crm.address import ADDRESS
from crm.errors import WrongUse
from crm.sources.remote import RemoteSource

Secrets = Callable[[str], str | None]
"""Answers what a secret is by its name ("SALESFORCE_PASSWORD"), None where none was given."""

DATABASES = "sql"


def kind_of(url: str) -> str:
    """The kind of source that an address names, by which its mirror is known: "salesforce", "hubspot", "sql".

    :raises WrongUse: where there is no such kind.
    """
    known = [module.name for module in pkgutil.iter_modules(crm.sources.remotes.__path__)]
    found = ADDRESS.match(url)
    scheme = found.group(1).lower() if found else ""
    kind = scheme if scheme in known else DATABASES
    if kind not in known:
        raise WrongUse(
            f"there is no way to read '{scheme}://'",
            where="--data",
            expected=f"a folder, or an address that begins with {', '.join(f'{name}://' for name in sorted(known))}",
        )
    return kind


def connect(url: str, secrets: Secrets, named: Collection[str] = ()) -> RemoteSource:
    """The source at an address.

    :param named: tables that the configuration names; a database is asked for them too.
    :raises WrongUse: where the address or the secrets do not say how to get in.
    """
    kind = kind_of(url)
    asked = {"named": named} if kind == DATABASES else {}
    return import_module(f"crm.sources.remotes.{kind}").connect(url, secrets, **asked)
