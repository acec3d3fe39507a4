"""The values of a company's own columns: typed by the rules of their kind, and written back as plain text.

What cannot be read becomes missing and is counted: an own column is no reason to lose a row.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources.conversion import Conversion, conversion, plain_number
from crm.sources.mapping import SourceMapping
from crm.tables import Kind

PLACEHOLDER_YEARS = "(1, 1899, 1900, 1904, 1970)"

_WRITTEN: Mapping[Kind, str] = {
    Kind.NUMBER: "not a number",
    Kind.MONEY: "not a number",
    Kind.DATE: "not a day",
    Kind.FLAG: "neither yes nor no",
}


def own_value(kind: Kind, header: str, text: str, form: str, typed: str, mapping: SourceMapping) -> Conversion:
    """How a value of an own column is read; its SQL gives plain text: 15000, 2024-03-31, true.

    :param typed: SQL name under which that plain text stands ready once it has been told.
    """
    if kind not in _WRITTEN:
        return Conversion(text)
    read = conversion(kind, text, form, typed, mapping)
    uncertain = [(rule.name, when) for rule, when in read.problems if rule.stops]
    told = " OR ".join(f"coalesce({when}, false)" for _, when in uncertain) or "false"
    unread = [*uncertain, (_WRITTEN[kind], f"{text} IS NOT NULL AND {typed} IS NULL AND NOT ({told})")]
    missing = ((f"{header}: {what}, read as missing", when) for what, when in unread)
    return Conversion(_plain(kind, read.value), read.form, counts=(*missing, *read.counts))


def _plain(kind: Kind, value: str) -> str:
    if kind is Kind.DATE:
        return f"CASE WHEN year({value}) NOT IN {PLACEHOLDER_YEARS} THEN strftime({value}, '%Y-%m-%d') END"
    if kind is Kind.FLAG:
        return f"CAST({value} AS VARCHAR)"
    return f"CASE WHEN isfinite({value}) THEN {plain_number(value)} END"


def own_kinds(mapping: SourceMapping) -> dict[str, Kind]:
    """The declared columns of opportunities, and how their values are typed."""
    return {column.name: column.kind for column in mapping.wishes.columns}


def trimmed_fields(mapping: SourceMapping) -> list[str]:
    """The declared columns whose values lose blanks around them: all but free text."""
    return [column.name for column in mapping.wishes.columns if column.meant != "text"]
