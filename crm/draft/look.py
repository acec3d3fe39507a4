"""A folder → everything that can be said of it: shape, mapping, locale, and what its tables tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from crm.draft.locale import NUMBERS, TIMES, LocaleDraft, draft_locale
from crm.draft.mapping import TableDraft, draft_tables, spellings
from crm.draft.profile import ColumnProfile, profiled
from crm.errors import DataRefused
from crm.sources.files import Reading, read_folder
from crm.sources.finding import MAPPED, Found, find_files, table_files
from crm.sources.mapping import SourceMapping
from crm.sources.shapes.native import SHAPE as NATIVE
from crm.tables import TABLES, Kind

Pairs = list[tuple[Kind, ColumnProfile]]


@dataclass(frozen=True)
class Look:
    """What a folder holds.

    :param drafts: what must be mapped; empty where the shape is known.
    :param unread: files that hold no table as far as can be told.
    :param mapping: the declarations that the data call for; the zone is UTC where times carry none.
    :param reading: the tables as these declarations read them; None where they cannot be read, and `refusal` says why.
    """

    shape: str
    files: tuple[str, ...]
    drafts: tuple[TableDraft, ...]
    unread: tuple[str, ...]
    locale: LocaleDraft
    mapping: SourceMapping
    reading: Reading | None = None
    refusal: DataRefused | None = None


def look_at(folder: Path) -> Look:
    """Reads the folder as far as it can be read without being told anything.

    :raises DataRefused: where there is no such folder, or no file of it looks like deals.
    """
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            found = find_files(folder, SourceMapping())
        except DataRefused:
            look, pairs = _unknown(con, folder)
        else:
            look, pairs = _known(con, found)
    locale = draft_locale(pairs)
    mapping = SourceMapping(
        time_zone="UTC" if locale.needs_zone else None,
        decimal=locale.decimal or ".",
        date_format=locale.date_format,
        tables={draft.table: draft.mapping for draft in look.drafts},
    )
    look = replace(look, locale=locale, mapping=mapping)
    try:
        return replace(look, reading=read_folder(folder, mapping))
    except DataRefused as refusal:
        return replace(look, refusal=refusal)


def _known(con: duckdb.DuckDBPyConnection, found: Found) -> tuple[Look, Pairs]:
    """A folder in a known shape: no mapping; only the contract's own files may be written in several ways."""
    pairs: Pairs = []
    for number, file in enumerate(file for file in found.files if file.shape is NATIVE):
        kinds = {c.name: c.kind for c in TABLES[file.table].columns if c.kind in (*TIMES, *NUMBERS)}
        profile = profiled(con, file.path, file.source, number, only=kinds)
        pairs += [(kinds[header], column) for header, column in profile.columns.items()] if profile else []
    files = tuple(dict.fromkeys(file.path.name for file in found.files))
    return Look(found.shape, files, (), found.unread, LocaleDraft(), SourceMapping()), pairs


def _unknown(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[Look, Pairs]:
    """A folder whose files are called otherwise: what they hold is told by their columns."""
    there = table_files(folder)
    seen = (profiled(con, path, stem, number) for number, (stem, path) in enumerate(there.items()))
    files = [profile for profile in seen if profile is not None]
    drafts = draft_tables(con, files)
    if not drafts:
        raise DataRefused(
            f"no file looks like deals ({', '.join(file.file for file in files) or 'there is none'})",
            where=str(folder),
            expected="a file with a row a deal: its id, when it was entered, and its stage",
            remedy="name the columns of yours: [tables.opportunities] in dealcast.toml",
        )
    drafts = spellings(con, drafts, files)
    held = [draft.profile.file for draft in drafts]
    pairs = [
        (column.kind, draft.profile.columns[draft.columns[column.name]])
        for draft in drafts
        for column in TABLES[draft.table].columns
        if column.name in draft.columns
    ]
    unread = tuple(path.name for path in there.values() if path.name not in held)
    return Look(MAPPED, tuple(held), tuple(drafts), unread, LocaleDraft(), SourceMapping()), pairs
