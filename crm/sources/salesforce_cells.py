"""The cells of a Salesforce export as SQL, and what Salesforce's ids, flags and times mean."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from crm.errors import DataRefused
from crm.sources.conversion import conversion
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, name
from crm.sources.reading import RawTable
from crm.sources.rules import DELETED, EXACT_DUPLICATE, Rule
from crm.tables import Kind

NOTHING = "CAST(NULL AS VARCHAR)"
CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def define_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Macro ``salesforce_id``: a 15-character id gets its three check letters, any other stays.

    Each letter stands for five characters: bit i is set where the i-th of them is a capital
    (Salesforce, "How to convert 15-digit Ids to 18-digit Ids").
    """
    letters = " || ".join(
        f"substr('{CHECK_LETTERS}', 1 + {' + '.join(_capital(start + i, 1 << i) for i in range(5))}, 1)"
        for start in (1, 6, 11)
    )
    con.execute(
        f"CREATE OR REPLACE MACRO salesforce_id(x) AS CASE WHEN {is_short_id('x')} THEN x || {letters} ELSE x END"
    )


def is_short_id(text: str) -> str:
    """SQL: the text is an id in its case-sensitive form of 15 characters."""
    return f"(length({text}) = 15 AND regexp_full_match({text}, '[a-zA-Z0-9]+'))"


def _capital(place: int, bit: int) -> str:
    return f"CASE WHEN substr(x, {place}, 1) BETWEEN 'A' AND 'Z' THEN {bit} ELSE 0 END"


@dataclass(frozen=True)
class Cells:
    """A file's cells by API name; blank is NULL, and a column that the export lacks is NULL throughout."""

    raw: RawTable

    def has(self, header: str) -> bool:
        return header in self.raw.header

    def text(self, *headers: str) -> str:
        """The first of the columns that has something in it."""
        found = [f"nullif(trim({self._cell(h)}), '')" for h in headers if self.has(h)]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})" if found else NOTHING

    def raw_text(self, header: str) -> str:
        """The cell byte for byte."""
        return self._cell(header) if self.has(header) else NOTHING

    def id(self, header: str) -> str:
        return f"salesforce_id({self.text(header)})"

    def flag(self, header: str) -> str:
        return f"coalesce(lower({self.text(header)}) IN ('true', '1', 'yes'), false)"

    def time(self, header: str, mapping: SourceMapping) -> str:
        """The instant that the cell tells; NULL where it tells none."""
        return instant(self.text(header), mapping)

    def _cell(self, header: str) -> str:
        return name(f"c{self.raw.header.index(header)}")


def instant(text: str, mapping: SourceMapping) -> str:
    """SQL for the instant that a text tells by the typing rules; NULL where it tells none."""
    form = conversion(Kind.INSTANT, f"({text})", "", "", mapping).form
    return conversion(Kind.INSTANT, f"({text})", f"({form})", "", mapping).value


def require(raw: RawTable, *headers: str) -> None:
    """:raises DataRefused: where the header lacks one of the columns."""
    missing = [header for header in headers if header not in raw.header]
    if missing:
        raise DataRefused(
            f"the header has no column {', '.join(repr(h) for h in missing)}",
            where=raw.file,
            expected=f"Salesforce's API names, among them {', '.join(headers)}",
            remedy="export the object with these fields, under their API names",
        )


@dataclass(frozen=True)
class Early:
    """A reason that sets a row aside before its cells are looked at: rule, header, predicate."""

    rule: Rule
    header: str
    when: str


def early_columns(cells: Cells, *reasons: Early) -> str:
    """SQL for `_early`, `_early_column` and `_early_value`: deleted in the CRM, then the other reasons."""
    every = (Early(DELETED, "IsDeleted", cells.flag("IsDeleted")), *reasons)
    rule = " ".join(f"WHEN {e.when} THEN {literal(e.rule.name)}" for e in every)
    column = " ".join(f"WHEN {e.when} THEN {literal(e.header)}" for e in every)
    value = " ".join(f"WHEN {e.when} THEN {cells.text(e.header)}" for e in every)
    return f"CASE {rule} END AS _early, CASE {column} END AS _early_column, CASE {value} END AS _early_value"


def second_of_its_id(cells: Cells) -> Early:
    """The same row of a history a second time: histories are told apart by their Id alone."""
    key = cells.text("Id")
    copy = f"({key} IS NOT NULL AND row_number() OVER (PARTITION BY {key} ORDER BY _row) > 1)"
    return Early(EXACT_DUPLICATE, "Id", copy)
