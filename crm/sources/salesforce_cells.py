"""The cells of a Salesforce export as SQL, and what Salesforce's ids, flags and times mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
CUSTOM_ENDING = "_c"
DAYS = frozenset({"ActivityDate", "CloseDate", "ConvertedDate", "StartDate"})
MIDNIGHT = r"[T ]00:00(:00(\.0+)?)?( ?(Z|UTC|[+]00(:?00)?))?$"
DELETED_IN = ("IsDeleted", "_fivetran_deleted")
# What a warehouse calls the start and the end of a version's life.
VERSIONS = (("_fivetran_start", "_fivetran_end"), ("_dlt_valid_from", "_dlt_valid_to"))
HOUSEKEEPING = ("_fivetran_", "_dlt_", "_airbyte_", "_sdc_")  # columns of the tools that fill a warehouse


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


def folded(header: str) -> str:
    """A column's name without what warehouses change in it: StageName, stage_name and STAGE_NAME are one."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def is_own(header: str) -> bool:
    """Whether the column is the company's own: `Tender__c`, which a warehouse calls `tender_c`."""
    return header.lower().endswith(CUSTOM_ENDING)


@dataclass(frozen=True)
class Cells:
    """A file's cells by API name; blank is NULL, and a column that the file lacks is NULL throughout.

    A warehouse's `stage_name` is found as `StageName`.
    """

    raw: RawTable

    def has(self, header: str) -> bool:
        return self._place(header) is not None

    def called(self, header: str) -> str:
        """What the file calls the column of that API name; the API name where it has none."""
        place = self._place(header)
        return header if place is None else self.raw.header[place]

    def text(self, *headers: str) -> str:
        """The first of the columns that has something in it."""
        found = [_bare(h, self.raw_text(h)) for h in headers if self.has(h)]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})" if found else NOTHING

    def raw_text(self, header: str) -> str:
        """The cell byte for byte."""
        place = self._place(header)
        return NOTHING if place is None else name(f"c{place}")

    def id(self, header: str) -> str:
        return f"salesforce_id({self.text(header)})"

    def flag(self, header: str) -> str:
        return f"coalesce(lower({self.text(header)}) IN ('true', 't', '1', 'yes'), false)"

    def time(self, header: str, mapping: SourceMapping) -> str:
        """The instant that the cell tells; NULL where it tells none."""
        return instant(self.text(header), mapping)

    def _place(self, header: str) -> int | None:
        if header in self.raw.header:
            return self.raw.header.index(header)
        wanted = folded(header)
        return next((i for i, found in enumerate(self.raw.header) if folded(found) == wanted), None)


def _bare(header: str, cell: str) -> str:
    """SQL for a cell without blanks; a day that a warehouse keeps as its midnight is a day again."""
    text = f"nullif(trim({cell}), '')"
    return f"regexp_replace({text}, {literal(MIDNIGHT)}, '')" if header in DAYS else text


def instant(text: str, mapping: SourceMapping) -> str:
    """SQL for the instant that a text tells by the typing rules; NULL where it tells none."""
    form = conversion(Kind.INSTANT, f"({text})", "", "", mapping).form
    return conversion(Kind.INSTANT, f"({text})", f"({form})", "", mapping).value


def require(raw: RawTable, *headers: str) -> None:
    """:raises DataRefused: where the header lacks one of the columns."""
    cells = Cells(raw)
    missing = [header for header in headers if not cells.has(header)]
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
    """SQL for `_early`, `_early_column` and `_early_value`: deleted in the CRM, then the other reasons.

    An earlier version of a row is set aside for none of them: it is told of.
    """
    deleted = [Early(DELETED, header, cells.flag(header)) for header in DELETED_IN if cells.has(header)]
    every = (*deleted, *gone_at_last(cells), *reasons)
    if not every:
        return f"{NOTHING} AS _early, {NOTHING} AS _early_column, {NOTHING} AS _early_value"
    rule = " ".join(f"WHEN {e.when} THEN {literal(e.rule.name)}" for e in every)
    column = " ".join(f"WHEN {e.when} THEN {literal(cells.called(e.header))}" for e in every)
    value = " ".join(f"WHEN {e.when} THEN {cells.text(e.header)}" for e in every)
    return ", ".join(
        f"CASE WHEN {is_earlier(cells)} THEN NULL {whens} END AS {what}"
        for whens, what in ((rule, "_early"), (column, "_early_column"), (value, "_early_value"))
    )


def second_of_its_id(cells: Cells) -> Early:
    """The same row of a history a second time: histories are told apart by their Id alone."""
    key = cells.text("Id")
    copy = f"({key} IS NOT NULL AND row_number() OVER (PARTITION BY {key} ORDER BY _row) > 1)"
    return Early(EXACT_DUPLICATE, "Id", copy)


# --- tables that keep the versions of their rows -----------------------------------------------------------------


def keeps_versions(header: Sequence[str]) -> bool:
    """Whether a warehouse's table of that header keeps each version of a row (Fivetran's history mode, dlt's scd2)."""
    return any(start in header for start, _ in VERSIONS)


def version_start(cells: Cells) -> str:
    """The header that tells when a version began to hold."""
    return next(start for start, _ in VERSIONS if cells.has(start))


def is_earlier(cells: Cells) -> str:
    """SQL: the row is a version of its record that a later one has replaced."""
    return f"({_from_last(cells)} > 1)" if keeps_versions(cells.raw.header) else "false"


def earlier_told(cells: Cells) -> str:
    """SQL for `_told` of a table that gives each record as it is today."""
    return f"CASE WHEN {is_earlier(cells)} THEN 'earlier versions of a row' END"


def gone_at_last(cells: Cells) -> list[Early]:
    """The last version of a record has ended: the source holds the record no longer."""
    if not keeps_versions(cells.raw.header):
        return []
    end = next(end for start, end in VERSIONS if cells.has(start))
    if not cells.has(end):
        return []
    ended = f"({cells.text(end)} IS NOT NULL AND {cells.text(end)} NOT LIKE '9999%')"
    return [Early(DELETED, end, ended)]


def _from_last(cells: Cells) -> str:
    start = cells.text(version_start(cells))
    return f"row_number() OVER (PARTITION BY {cells.id('Id')} ORDER BY {start} DESC, _row DESC)"
