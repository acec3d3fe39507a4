"""When a sync is refused, so that what was held before stays."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import duckdb

from crm.errors import DataRefused, DealcastError
from crm.sources.mirror.manifest import Holding, Manifest
from crm.sources.mirror.merging import Merged
from crm.sources.remote import RemoteSource, RemoteTable

MAY_SHRINK = 0.3
_NAME = re.compile(r"[\w][\w .$-]*")


def refuse_other_source(source: RemoteSource, manifest: Manifest, folder: Path) -> None:
    """Raises DataRefused where a folder mirrors another source."""
    if manifest.source != source.address:
        raise DataRefused(
            f"the folder mirrors {manifest.source}, not {source.address}",
            where=str(folder),
            expected="one source a mirror",
            remedy="give another --home, or move the folder away",
        )


def refuse_shrunk(folder: Path, name: str, before: Holding | None, now: Merged) -> None:
    """Raises DataRefused where a table has come empty, or has lost more than 30 % of its rows."""
    if before is None or not before.rows or (now.rows and now.rows >= before.rows * (1 - MAY_SHRINK)):
        return
    raise DataRefused(
        f"{now.rows:,} rows came, {before.rows:,} had come before" if now.rows else "the table has come empty",
        where=name,
        expected=f"no more than {MAY_SHRINK:.0%} of its rows gone; what was fetched earlier in {folder} stays as it is",
        remedy=f"if they are gone indeed: dealcast sync --confirm {name}; else look at what the user may read there",
    )


def refuse_vanished(manifest: Manifest, fetched: Collection[str], confirmed: Collection[str]) -> None:
    """Raises DataRefused where a table that was fetched earlier is not shown any more."""
    for name in manifest.tables:
        if name not in fetched and name not in confirmed:
            raise DataRefused(
                "the source no longer shows the table",
                where=name,
                expected="every table that was fetched earlier",
                remedy=f"let the user read it again; if it is gone indeed: dealcast sync --confirm {name}",
            )


def not_merged(folder: Path, error: duckdb.Error) -> DealcastError:
    """What is said where DuckDB could not do it: a full disk, most of all."""
    return DealcastError(
        f"what came could not be merged: {str(error).splitlines()[0]}",
        where=str(folder),
        expected="readable files, and room on the disk",
        remedy="make room and sync again; if it stays so, sync everything anew: dealcast sync --whole",
    )


def file_name(table: RemoteTable) -> str:
    """A table's name as that of its file. Raises DataRefused where no file can have it."""
    if not _NAME.fullmatch(table.name):
        raise DataRefused(
            f"no file can have the name {table.name!r}",
            where="the source's tables",
            expected="a table's name of letters, digits, spaces, '_', '.', '$' or '-'",
            remedy="give the table, or a view of it, such a name",
        )
    return table.name
