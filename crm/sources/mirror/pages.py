"""The pages of a sync that is not finished: kept as they come, so that a sync that was stopped goes on from them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crm.durable import to_disk
from crm.sources.remote import Page

PLACE = "_dealcast_place"
"""The column that says where a row came: the number of its page, then its place there."""
PAGE_ROWS = 2**32
_TOLD = b"dealcast"


@dataclass(frozen=True)
class Told:
    """What a page says beside its rows. :param since: the cursor with which the fetching began."""

    since: str | None
    cursor: str | None
    whole: bool
    deleted: Sequence[str]


@dataclass(frozen=True)
class Staged:
    """The pages of one table, in the order in which they came."""

    files: tuple[Path, ...] = ()
    told: tuple[Told, ...] = ()

    @property
    def cursor(self) -> str | None:
        """Up to where they reach; None where no page could say."""
        return next((told.cursor for told in reversed(self.told) if told.cursor is not None), None)

    @property
    def whole(self) -> bool:
        """Whether they hold the whole table: a row that is in none of them is gone."""
        return any(told.since is None or told.whole for told in self.told)

    @property
    def deleted(self) -> dict[str, int]:
        """Keys that were said to be gone, with the number of the last page that said so."""
        return {key: number for number, told in enumerate(self.told) for key in told.deleted}


def staged(folder: Path) -> Staged:
    """The pages kept of a table, up to the last that said how far it reaches; what came after it is dropped."""
    files = sorted(folder.glob("[0-9]*.parquet"))
    told = [_told(file) for file in files]
    reach = max((number + 1 for number, one in enumerate(told) if one.cursor is not None), default=0)
    for file in reversed(files[reach:]):
        file.unlink()
    return Staged(tuple(files[:reach]), tuple(told[:reach]))


def drop(folder: Path) -> None:
    """Forget what was kept."""
    shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, number: int, page: Page, since: str | None) -> tuple[Path, Told]:
    """Write one page, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    told = Told(since, page.cursor, page.whole, list(page.deleted))
    rows = _storable(page.rows)
    places = pc.add(pa.array(range(rows.num_rows), pa.int64()), number * PAGE_ROWS)
    rows = rows.append_column(PLACE, places)
    rows = rows.replace_schema_metadata({_TOLD: json.dumps(asdict(told)).encode()})
    path = folder / f"{number:06d}.parquet"
    beside = folder / f".{path.name}.tmp"
    pq.write_table(rows, beside, compression="zstd")
    to_disk(beside)
    os.replace(beside, path)
    return path, told


def _storable(rows: pa.Table) -> pa.Table:
    """A column in which nothing stands is text: what it will hold once something does is not known yet."""
    schema = pa.schema([f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in rows.schema])
    return rows.cast(schema)


def _told(file: Path) -> Told:
    return Told(**json.loads(pq.read_schema(file).metadata[_TOLD]))
