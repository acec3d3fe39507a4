"""Text that goes into SQL: identifiers and literals, quoted."""

from __future__ import annotations

from collections.abc import Iterable


def name(identifier: str) -> str:
    """The identifier in double quotes, so that no name is read as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a SQL string; DuckDB knows no escape in it but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """The texts as a SQL list for ``IN (…)``; a list that matches nothing where there is none."""
    return ", ".join(literal(text) for text in texts) or "NULL"


def renamed(expression: str, meanings: Iterable[tuple[str, str]]) -> str:
    """SQL that replaces each value found by the value meant and leaves any other alone."""
    whens = " ".join(f"WHEN {literal(found)} THEN {literal(meant)}" for found, meant in meanings)
    return f"CASE {expression} {whens} ELSE {expression} END" if whens else expression
