"""Columns of which nothing may be learned and which no reason may cite: those banned, and protected attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from crm.errors import WrongUse
from crm.tables import OPPORTUNITIES, TABLES

BANNED_EXAMPLE = '["owner_id", "accounts.country"]'
PROTECTED = (
    *("gender", "sex", "race", "racial", "ethnic", "ethnicity", "skin", "religion", "religious", "belief"),
    *("faith", "age", "birth", "birthdate", "birthday", "dob", "disability", "disabled", "medical", "genetic"),
    *("nationality", "citizenship", "marital", "pregnant", "pregnancy", "orientation", "political", "politics"),
)
"""Words for attributes by which people must not be told apart (EU Charter of Fundamental Rights, Article 21; GDPR,
Article 9)."""
OURS = r"^([a-z0-9]+__)?dealcast_"
"""How our own fields in a CRM are called, in any case: `Dealcast_Score__c` (a package's name before it or not)."""

_ALWAYS = frozenset(
    {(OPPORTUNITIES.name, column) for column in ("closed_at", "is_won", "name", "currency")}
    | {("activities", "recorded_at"), ("activities", "activity_id")}
)
"""What is no fact about a deal: how it ended, what it is called, when something came to be known."""
_OF_FACTS = (OPPORTUNITIES.name, "activities", "contact_roles", "accounts", "users", "leads")


def banned_columns(names: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Each `column` of opportunities, or `table.column`, as (table, column). Raises WrongUse where it cannot be.

    A column of opportunities that the contract does not know may be one of the company's own.
    """
    return frozenset(_banned(name) for name in names)


def _banned(name: str) -> tuple[str, str]:
    table, dot, column = name.rpartition(".")
    if not dot:
        table = OPPORTUNITIES.name
    if table not in _OF_FACTS:
        raise _refused(name, f"no table {table!r} holds facts of deals", table, _OF_FACTS)
    known = tuple(one.name for one in TABLES[table].columns)
    if table != OPPORTUNITIES.name and column not in known:
        raise _refused(name, f"the table {table} has no column {column!r}", column, known)
    if column in TABLES[table].required or (table, column) in _ALWAYS:
        raise _refused(name, "nothing can be said of a deal without it", "", ())
    return table, column


def _refused(name: str, found: str, given: str, known: tuple[str, ...]) -> WrongUse:
    near = get_close_matches(given, known, n=1)
    return WrongUse(
        f"{name!r} cannot be banned: {found}",
        where="dealcast.toml, [data] banned",
        expected=f"columns of opportunities, or of other tables with their names, such as {BANNED_EXAMPLE}",
        remedy=f"write {near[0]!r}" if near else "",
    )


def refuse_protected(column: str, *called: str) -> None:
    """Raise WrongUse where a declared column is called after a protected attribute."""
    for text in called:
        words = re.findall(r"[^\W\d_]+", text.lower())
        found = next((word for word in words if word in PROTECTED), None)
        if found is not None:
            raise WrongUse(
                f"{column!r} looks like a protected attribute ({found!r}), of which nothing is learned",
                where="dealcast.toml, [fields]",
                expected="facts of the deal, not attributes by which people must not be told apart",
                remedy=f"remove it; where it is something else, say so: [fields.{column}] protected = false",
            )


def refuse_own_answers(column: str) -> None:
    """Raise WrongUse where a field that is to be learned from is one that we write."""
    if re.match(OURS, column, re.IGNORECASE):
        raise WrongUse(
            f"{column!r} is called like a field that Dealcast writes; of its own answers nothing is learned",
            where="dealcast.toml, [fields]",
            expected="fields that people or other programs fill in",
            remedy="remove it",
        )
