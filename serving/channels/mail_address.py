"""Addresses of electronic mail: which can be written to, and how they are written."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.policy import default

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
    """A sender with or without a name, "Dealcast <deals@example.com>"; None where it is none, or several."""
    if not text.isprintable():
        return None
    header = default.header_factory("From", text)
    address = mailable(header.addresses[0].addr_spec) if len(header.addresses) == 1 else None
    if address is None or header.defects:
        return None
    return Address(header.addresses[0].display_name, addr_spec=address)
