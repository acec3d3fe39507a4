"""Bringing a mirror up to date: fetch what is new, merge it, and let the new generation take the old one's place.

A mirror is a folder: `manifest.json` names the current generation, a folder of Parquet files under the source's own
table names. A sync builds the next generation beside it and replaces the manifest last, so that whoever reads sees
the one or the other. Pages that came are kept until then: a sync that was stopped goes on from them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from crm.clock import utc_text
from crm.durable import to_disk
from crm.errors import DataRefused
from crm.lock import held
from crm.sources.mirror import pages
from crm.sources.mirror.manifest import NO_GENERATION, Holding, Manifest, read_manifest, write_manifest
from crm.sources.mirror.merging import Merged, database, merge, remember_deleted
from crm.sources.mirror.refusals import file_name, not_merged, refuse_other_source, refuse_shrunk, refuse_vanished
from crm.sources.remote import RemoteSource, RemoteTable

KEPT_MILLIS = 3_600_000  # how long a generation stays for those who read it, after the next one has come
DELETED, PAGES, SCRATCH, LOCK = "deleted", "pages", "scratch", "lock"


@dataclass(frozen=True)
class Came:
    """What a sync brought for one table."""

    rows: int
    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True)
class Synced:
    """A finished sync: the folder to read, the manifest, and what came, table by table."""

    folder: Path
    manifest: Manifest
    came: Mapping[str, Came]


@dataclass(frozen=True)
class Wishes:
    """How to sync.

    :param whole: fetch everything anew, whatever is held.
    :param confirmed: tables that may come empty, or smaller by more than 30 %.
    :param holder: who does it, for whoever finds the mirror locked.
    """

    whole: bool = False
    confirmed: Collection[str] = ()
    holder: str = "dealcast sync"


@dataclass(frozen=True)
class _Fetched:
    """One table's pages, complete; `whole` where what is in none of them is gone."""

    table: RemoteTable
    pages: pages.Staged
    whole: bool


def current(folder: Path) -> Path | None:
    """The folder with the files of the current generation, None where nothing has been synced yet."""
    manifest = read_manifest(folder)
    return folder / manifest.generation if manifest else None


def sync(
    source: RemoteSource,
    folder: Path,
    at: int,
    wishes: Wishes | None = None,
    step: Callable[[str], None] = lambda _said: None,
) -> Synced:
    """Bring the mirror in `folder` up to date with its source.

    :param at: now, milliseconds; :param step: is told of each thing that has been done.
    :raises DataRefused: where the folder mirrors another source, or a table has come empty or has shrunk by more
        than 30 % and is not confirmed; what was held before stays as it is.
    :raises DealcastError: where another sync is at work there, or the source does not answer.
    """
    wishes = wishes or Wishes()
    with held(folder / LOCK, wishes.holder):
        manifest = read_manifest(folder) or Manifest(source.address)
        refuse_other_source(source, manifest, folder)
        staging = folder / PAGES / manifest.generation
        _forget_others(folder / PAGES, manifest.generation)
        fetched = {
            table.name: _fetch(table, staging / file_name(table), manifest, wishes.whole, step)
            for table in source.tables()
        }
        refuse_vanished(manifest, fetched, wishes.confirmed)
        try:
            return _next_generation(folder, manifest, fetched, at, wishes, step)
        except duckdb.Error as error:
            raise not_merged(folder, error) from error
        finally:
            pages.drop(folder / SCRATCH)


def _fetch(table: RemoteTable, staging: Path, manifest: Manifest, anew: bool, step: Callable[[str], None]) -> _Fetched:
    """All pages of a table: those kept of a sync that was stopped, and what has come since."""
    known = manifest.tables[table.name].cursor if table.name in manifest.tables and not anew else None
    kept = pages.staged(staging)
    if anew and not kept.whole:
        pages.drop(staging)
        kept = pages.Staged()
    since = kept.cursor or known
    files, told = list(kept.files), list(kept.told)
    rows = 0
    for place, page in enumerate(table.pages(since)):
        if place == 0 and page.whole and files:  # what was kept is of another time
            pages.drop(staging)
            files, told = [], []
        file, said = pages.keep(staging, len(files), page, since)
        files.append(file)
        told.append(said)
        rows += page.rows.num_rows
        step(f"{table.name}: {rows:,} rows")
    found = pages.Staged(tuple(files), tuple(told))
    return _Fetched(table, found, found.whole or since is None)


def _next_generation(
    folder: Path,
    manifest: Manifest,
    fetched: Mapping[str, _Fetched],
    at: int,
    wishes: Wishes,
    step: Callable[[str], None],
) -> Synced:
    building = folder / manifest.next_generation
    pages.drop(building)
    (building / DELETED).mkdir(parents=True)
    scratch = folder / SCRATCH
    scratch.mkdir(exist_ok=True)
    holdings: dict[str, Holding] = {}
    came: dict[str, Came] = {}
    with database(scratch) as con:
        for name, one in fetched.items():
            before = _held_file(folder, manifest, name)
            merged = _merged(con, one, before, building / f"{name}.parquet")
            if merged is None:
                continue
            if name not in wishes.confirmed:
                refuse_shrunk(folder, name, manifest.tables.get(name), merged)
            holdings[name] = _settled(con, one, merged, folder, manifest, building, utc_text(at))
            came[name] = Came(merged.rows, merged.new, merged.changed, merged.gone)
            step(f"{name}: merged")
    for path in (building / DELETED, building, folder):
        to_disk(path)
    following = replace(manifest, generation=manifest.next_generation, synced_at=utc_text(at), tables=holdings)
    step("switching")
    write_manifest(folder, following)
    step("switched")
    pages.drop(folder / PAGES)
    _drop_old_generations(folder, following, at)
    return Synced(building, following, came)


def _merged(con: duckdb.DuckDBPyConnection, one: _Fetched, before: Path | None, into: Path) -> Merged | None:
    """None where nothing is known of the table, not even its columns."""
    if not one.pages.files:
        if before is None:
            return None
        rows = pq.read_metadata(before).num_rows
        if not one.whole:  # nothing is new
            return Merged(rows, 0, 0, 0, same_columns=True)
        pq.write_table(pq.read_schema(before).empty_table(), into, compression="zstd")
        return Merged(0, 0, 0, rows, same_columns=True)
    return merge(con, one.pages, one.whole, one.table.key, before, into)


def _settled(
    con: duckdb.DuckDBPyConnection,
    one: _Fetched,
    merged: Merged,
    folder: Path,
    manifest: Manifest,
    building: Path,
    at: str,
) -> Holding:
    """The table's files in the new generation, and what the manifest says of them."""
    name, key = one.table.name, one.table.key
    file, gone = building / f"{name}.parquet", building / DELETED / f"{name}.parquet"
    held_before = manifest.tables.get(name)
    before = _held_file(folder, manifest, name)
    remembered = folder / manifest.generation / DELETED / file.name
    cursor = one.pages.cursor or (held_before.cursor if held_before and not one.whole else None)
    if held_before and before and merged.is_same:
        file.unlink(missing_ok=True)
        os.link(before, file)
        if remembered.exists():
            os.link(remembered, gone)
        return replace(held_before, key=key, cursor=cursor)
    known = remembered if remembered.exists() else None
    deleted = 0
    if key and (known or merged.gone):
        deleted = remember_deleted(con, before, known, file, key, at, gone)
    for path in (file, *([gone] if deleted else [])):
        to_disk(path)
    return Holding(key, merged.rows, cursor, at, file.stat().st_size, _digest(file), deleted)


def _held_file(folder: Path, manifest: Manifest, table: str) -> Path | None:
    """The table's file in the current generation.

    :raises DataRefused: where it is not as the manifest says.
    """
    if table not in manifest.tables:
        return None
    path = folder / manifest.generation / f"{table}.parquet"
    found = path.stat().st_size if path.exists() else None
    if found != manifest.tables[table].bytes:
        raise DataRefused(
            "the file is not there" if found is None else f"the file has {found} bytes",
            where=str(path),
            expected=f"the {manifest.tables[table].bytes} bytes that were written",
            remedy=f"move the folder {folder} away and sync again",
        )
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _forget_others(staging: Path, generation: str) -> None:
    """Pages that were fetched upon an earlier generation are in it already."""
    for path in staging.iterdir() if staging.is_dir() else ():
        if path.name != generation:
            pages.drop(path)


def _drop_old_generations(folder: Path, manifest: Manifest, at: int) -> None:
    """The one before stays, and whatever was replaced within the hour, for those who read it now."""
    older = sorted(path for path in folder.iterdir() if re.fullmatch(r"\d{6,}", path.name) and path.is_dir())
    older = [path for path in older if NO_GENERATION < path.name < manifest.generation]
    for path, next_one in pairwise(older):
        if next_one.stat().st_mtime * 1000 < at - KEPT_MILLIS:
            pages.drop(path)
