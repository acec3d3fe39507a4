"""Sections of a configuration as dataclasses: what is off is refused where it stands, with the nearest right word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

from crm.errors import WrongUse

_ZERO_FITS = ("gate", "retrain", "grades", "trial", "seed", "lambda_l2")
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text in quotes"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "date": ((date,), "a day without quotes, such as 2026-12-31"),
    "bool": ((bool,), "true or false"),
    "tuple[str, ...]": ((list,), 'texts in quotes, such as ["a", "b"]'),
    "Mapping[str, str]": ((dict,), 'a line "a" = "b" each'),
}
Section = TypeVar("Section")


def section_of(kind: type[Section], data: Mapping[str, Any], name: str) -> Section:
    """A section of the file as its dataclass; field names and types are the section's keys and types."""
    return settings_from(kind, table_of(data, name), f"[{name}]")


def settings_from(kind: type[Section], given: Mapping[str, Any], where: str) -> Section:
    """Entries as their dataclass. Raises WrongUse for one that does not fit, is not known, or is missing.

    A field with an underscore at its end has a key without it: `from_` is `from`, which Python keeps for itself.
    """
    known = {one.name.removesuffix("_"): one for one in fields(kind)}  # type: ignore[arg-type]
    check_known(given, tuple(known), where)
    for key, value in given.items():
        check_fits(value, str(known[key].type).removesuffix(" | None"), where, key)
    for key, one in known.items():
        if key not in given and one.default is MISSING and one.default_factory is MISSING:
            _, expected = _TYPES[str(one.type)]
            raise WrongUse(f"'{key}' is not given", where=where, expected=expected)
    values = {known[key].name: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return kind(**values)


def check_fits(value: Any, type_name: str, where: str, key: str) -> None:
    """Raises WrongUse for a value that is not of the type, or a number that is too low."""
    types, expected = _TYPES[type_name]
    fits = isinstance(value, types) and not isinstance(value, datetime) and isinstance(value, bool) == (bool in types)
    if fits and isinstance(value, int | float) and not isinstance(value, bool):
        zero = where.strip("[]") in _ZERO_FITS or key in _ZERO_FITS
        fits, expected = value > 0 or (zero and value == 0), f"{expected}{' from' if zero else ' above'} 0"
    if fits and isinstance(value, list | dict):
        members = list(value.values()) if isinstance(value, dict) else value
        twice = isinstance(value, list) and len(set(map(str, members))) < len(members)
        fits = all(isinstance(one, str) for one in members) and not twice
    if not fits:
        raise WrongUse(f"{value!r} does not fit", where=f"{where} {key}", expected=expected)


def table_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The entries of a section, none where there is none. Raises WrongUse where it is something else."""
    given = data.get(name, {})
    if not isinstance(given, Mapping):
        raise WrongUse(f"{given!r} is not a section", where=name, expected=f"a line [{name}] with its entries below")
    return given


def text_of(data: Mapping[str, Any], section: str, key: str) -> str | None:
    """The text of a section that has this one entry. Raises WrongUse for anything else."""
    given = table_of(data, section)
    check_known(given, (key,), f"[{section}]")
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise WrongUse(f"{value!r} is not text", where=f"[{section}] {key}")
    return value


def names_of(data: Mapping[str, Any], section: str, key: str) -> tuple[str, ...]:
    """The names of a section that has this one entry. Raises WrongUse for anything else."""
    given = table_of(data, section)
    check_known(given, (key,), f"[{section}]")
    value = given.get(key, [])
    check_fits(value, "tuple[str, ...]", f"[{section}]", key)
    return tuple(value)


def places_of(data: Mapping[str, Any], section: str, example: str) -> Mapping[str, Mapping[str, Any]]:
    """The sections [section.NAME] by name; what they say beside their kind is looked at when a place is used.

    :param example: a kind, as a message shows it.
    """
    given = table_of(data, section)
    for name in given:
        said = table_of(given, name)
        if not isinstance(said.get("kind"), str):
            expected = f'a line such as kind = "{example}"'
            raise WrongUse("its kind is not given", where=f"[{section}.{name}]", expected=expected)
        if "most" in said:
            check_fits(said["most"], "int", f"[{section}.{name}]", "most")
    return {str(name): dict(said) for name, said in given.items()}


def check_known(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raises WrongUse for a word that is not known, with the nearest one that is."""
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            remedy = f"write '{near[0]}'" if near else f"use one of {', '.join(known)}"
            raise WrongUse(f"there is no '{key}'", where=where, remedy=remedy)
