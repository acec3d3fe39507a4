"""Addresses of what lies elsewhere, and what of them may be shown."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRET_WORDS = ("pass", "secret", "token", "key")
# Up to the last "@": a password may hold whatever else tells an address's parts apart. Rather show too little.
_PASSWORD = re.compile(r"://([^:@/?]*):.*@", re.DOTALL)


def is_address(text: str) -> bool:
    """Whether a text names something elsewhere rather than a folder."""
    return ADDRESS.match(text) is not None


def without_secrets(text: str) -> str:
    """An address without its password, and without what else its query holds in secret; a folder stays as it is.

    Whoever gets in by another secret reaches the same place: both see the same address.
    """
    if not is_address(text):
        return text
    bare, mark, query = _PASSWORD.sub(r"://\1@", text).partition("?")
    open_entries = [entry for entry in query.split("&") if not _is_secret(entry.partition("=")[0])]
    return bare + mark + "&".join(open_entries) if any(open_entries) else bare


def _is_secret(name: str) -> bool:
    return any(word in unquote_plus(name).lower() for word in _SECRET_WORDS)
