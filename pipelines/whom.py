"""Whom or what people mean by an id or a name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from crm.errors import WrongUse

NEAR, SHOWN = 3, 5


def whom(called: Mapping[str, str | None], wanted: str, where: str, unknown: str) -> str:
    """The id that an id or a name means. Raises WrongUse naming near ones where it means none, or several.

    :param called: names by id; None where there is none.
    :param where: the option that said so; :param unknown: what is said where there is none.
    """
    matching = [one for one in called if one == wanted]
    matching = matching or [one for one, name in called.items() if (name or "").casefold() == wanted.casefold()]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise WrongUse(f"{len(matching)} are called '{wanted}'", where=where, expected=f"one of {', '.join(matching)}")
    words = {one: _called(one, name) for one, name in called.items()}
    names = {name: one for one, name in called.items() if name}
    near = get_close_matches(wanted, [*words, *names], n=NEAR)
    shown = [words[names.get(one, one)] for one in near] or [*words.values()][:SHOWN]
    raise WrongUse(
        unknown,
        where=where,
        expected=f"{'such as ' if len(shown) < len(words) else ''}{', '.join(dict.fromkeys(shown))}",
    )


def _called(key: str, name: str | None) -> str:
    return key if not name or name == key else f"{key} ({name})"
