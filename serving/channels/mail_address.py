"""Addresses of electronic mail: which can be written to, and how they are written."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
LONGEST = 254


def mailable(text: str | None) -> str | None:
    """An address as a mail server takes it (a host's name in ASCII); None where it is none that can be written to."""
    local, at, host = (text or "").strip().rpartition("@")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    fits = at and _LOCAL.fullmatch(local) and _HOST.fullmatch(host) and len(local) + len(host) < LONGEST
    return f"{local}@{host}" if fits else None


def sender_of(text: str) -> Address | None:
    """A sender with or without a name, "Dealcast <deals@example.com>"; None where it is none."""
    name, given = parseaddr(text)
    address = mailable(given)
    if address is None or not name.isprintable() or parseaddr(text) == ("", ""):
        return None
    return Address(name, addr_spec=address)
