"""An address → the source behind it."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Collection
from importlib import import_module

import crm.sources.remotes
from crm.errors import WrongUse
from crm.sources.remote import RemoteSource

Secrets = Callable[[str], str | None]
"""Answers what a secret is by its name ("SALESFORCE_PASSWORD"), None where none was given."""

DATABASES = "sql"
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text names a remote source rather than a folder."""
    return _ADDRESS.match(text) is not None


def without_secrets(text: str) -> str:
    """An address as it may be shown; a folder stays as it is."""
    if not is_address(text):
        return text
    bare = re.sub(r"://([^:@/?]*):.*@", r"://\1@", text)
    return re.sub(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*)=[^&]*", r"\1=…", bare, flags=re.IGNORECASE)


def kind_of(url: str) -> str:
    """The kind of source that an address names, by which its mirror is known: "salesforce", "hubspot", "sql".

    :raises WrongUse: where there is no such kind.
    """
    known = [module.name for module in pkgutil.iter_modules(crm.sources.remotes.__path__)]
    found = _ADDRESS.match(url)
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
