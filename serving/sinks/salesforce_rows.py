"""Rows of an object of Salesforce's by a field that tells them apart, however many are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from crm.salesforce.org import Org

ASKED_AT_ONCE = 12_000  # characters of ids in one query: its address may have 16,384


def rows_by(org: Org, obj: str, key: str, ids: Sequence[str], columns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Rows of an object by the ids as they were given; those that are not there, or in the bin, are left out."""
    given = {_short(one) if key == "Id" else one: one for one in ids}
    found = {}
    for listed in _listed(ids):
        for page in org.query(f"SELECT {', '.join(columns)} FROM {obj} WHERE {key} IN ({listed})"):
            for row in page.rows:
                told = str(row[key])
                one = given.get(_short(told) if key == "Id" else told)
                if one is not None:
                    found[one] = row
    return found


def _listed(ids: Sequence[str]) -> Iterator[str]:
    """The ids as SOQL lists them, as many at once as an address can hold."""
    part: list[str] = []
    length = 0
    for text in map(_literal, ids):
        more = len(quote_plus(f"{text}, "))
        if part and length + more > ASKED_AT_ONCE:
            yield ", ".join(part)
            part, length = [], 0
        part.append(text)
        length += more
    if part:
        yield ", ".join(part)


def _literal(text: str) -> str:
    """A text as SOQL has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _short(text: str) -> str:
    """The part of an id that tells records apart: 15 characters, the other three check them."""
    return text[:15] if len(text) == 18 else text
