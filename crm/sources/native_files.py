"""A file whose columns are the contract's, by name or by a mapping → its text under the contract's names."""

from __future__ import annotations

from difflib import get_close_matches

from crm.errors import DataRefused
from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.own_columns import own_columns
from crm.sources.quoting import name
from crm.sources.reading import RawTable
from crm.sources.shape import SourceFile
from crm.sources.typing_query import TextRelation
from crm.tables import TABLES


def native_text(_intake: Intake, raw: RawTable, file: SourceFile, mapping: SourceMapping) -> TextRelation:
    """The file's columns under the contract's names; every other column is kept as a custom one.

    :raises DataRefused: where the header lacks a required column or one that the mapping names.
    """
    headers = _headers(raw, file)
    place = {header: name(f"c{i}") for i, header in enumerate(raw.header)}
    customs = [header for header in raw.header if header not in headers.values()]
    custom = own_columns(file.table, customs)
    columns = [f"{place[header]} AS {name(column)}" for column, header in headers.items()]
    columns += [f"{place[header]} AS {name(x)}" for x, header in zip(custom, customs, strict=True)]
    nothing = "CAST(NULL AS VARCHAR)"
    unused = ", ".join(f"{nothing} AS {c}" for c in ("_early", "_early_column", "_early_value", "_told"))
    return TextRelation(
        file.table,
        f"SELECT _row, 0 AS _seq, {unused}, {', '.join(columns)} FROM {name(raw.relation)}",
        headers,
        custom,
        aliases=_aliases(file, mapping),
        fields=_fields(mapping),
        numeric=frozenset(c for c, header in headers.items() if header in raw.numeric)
        | {x for x, header in zip(custom, customs, strict=True) if header in raw.numeric},
        may_hold_nul=raw.may_hold_nul,
    )


def _headers(raw: RawTable, file: SourceFile) -> dict[str, str]:
    """Contract column → header, in the contract's order."""
    for column, header in file.mapping.columns.items():
        if header not in raw.header:
            raise _not_in_header(raw, header, f"the column that [tables.{file.table}.columns] maps to {column}")
    mapped = {c: file.mapping.columns.get(c, c) for c in (c.name for c in TABLES[file.table].columns)}
    elsewhere = set(file.mapping.columns.values())
    headers = {
        column: header
        for column, header in mapped.items()
        if header in raw.header and (column in file.mapping.columns or header not in elsewhere)
    }
    missing = [column for column in TABLES[file.table].required if column not in headers]
    if missing:
        raise _not_in_header(raw, missing[0], f"the columns {', '.join(TABLES[file.table].required)}")
    return headers


def _not_in_header(raw: RawTable, column: str, expected: str) -> DataRefused:
    near = get_close_matches(column.lower(), [header.lower() for header in raw.header], n=1)
    header = next((h for h in raw.header if near and h.lower() == near[0]), None)
    return DataRefused(
        f"the header has no column {column!r} (it has {', '.join(raw.header)})",
        where=raw.file,
        expected=expected,
        remedy=f"rename {header!r}, or map it in dealcast.toml: {column} = {header!r}"
        if header
        else f'add the column, or map another to it in dealcast.toml: {column} = "…"',
    )


def _aliases(file: SourceFile, mapping: SourceMapping) -> dict[str, dict[str, str]]:
    """Aliases by column; those of opportunities hold for its history too."""
    deals = mapping.tables.get("opportunities")
    if file.table == "opportunities" or (file.table == "changes" and deals):
        aliases = {c: dict(m) for c, m in (deals.values if deals else {}).items()}
    else:
        aliases = {c: dict(m) for c, m in file.mapping.values.items()}
    if file.table in ("opportunities", "changes"):
        aliases["stage"] = {**mapping.stage_aliases, **aliases.get("stage", {})}
    return aliases


def _fields(mapping: SourceMapping) -> dict[str, str]:
    """What a mapped history calls a field → its column of opportunities."""
    deals = mapping.tables.get("opportunities")
    return {header: column for column, header in deals.columns.items()} if deals else {}
