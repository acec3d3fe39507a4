"""Export: the store's views as files for other tools, with what is in them told beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from hashlib import file_digest
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from crm.clock import time_zone
from crm.durable import replace_file
from crm.errors import WrongUse
from pipelines.champion import found_store
from pipelines.config import Home, load_config
from serving.database import naive
from serving.sinks.files import table_writer
from serving.views.catalogue import views
from serving.views.reading import blocks, runs
from serving.views.view import RUN, View

MANIFEST = "export.json"
FORMAT = 1
"""Of the manifest's form; another one is refused."""
FORMATS = ("parquet", "csv")


@dataclass(frozen=True)
class Exported:
    """One view as a file.

    :param columns: their types by name, as docs/bi.md calls them.
    :param runs: the runs that its rows are of, the first one first.
    :param since: the instant (ISO 8601, UTC) before which rows are left out; None where none are.
    """

    file: str
    rows: int
    columns: Mapping[str, str]
    runs: tuple[str, ...]
    since: str | None
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ExportResult:
    """What was written: each view, by its name."""

    folder: Path
    views: Mapping[str, Exported]


def export(
    home: Home, folder: Path, names: Sequence[str], since: str | None, ending: str, step: Callable[[str], None]
) -> ExportResult:
    """Write views (all, where none are named) of one state of the store, a file each; a crash leaves whole files.

    :param since: a day; rows that are dated before it are left out.
    :raises WrongUse: where there is no store, no such view, or the folder is somebody else's.
    """
    chosen = named(names)
    config = load_config(home)
    begin = None if since is None else _begin_of(since, config.zone)
    store = found_store(home, config)
    if store is None:
        raise WrongUse(
            "nothing has been scored here yet",
            where=str(home.path),
            remedy="score first: dealcast score --data DIR --home DIR; or name its home with --home",
        )
    before = _read(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Exported] = {}
    with store.snapshot() as connection:
        for view in chosen:
            step(view.name)
            written[view.name] = _write(connection, view, begin, folder / f"{view.name}.{ending}")
    _tell(folder, {**before, **{name: asdict(one) for name, one in written.items()}})
    for name, one in written.items():
        if name in before and before[name]["file"] != one.file:  # it was written in the other format
            (folder / before[name]["file"]).unlink(missing_ok=True)
    return ExportResult(folder, written)


def named(names: Sequence[str]) -> tuple[View, ...]:
    """The views of these names, or all; WrongUse where there is none such."""
    known = {view.name: view for view in views()}
    for name in names:
        if name not in known:
            raise WrongUse(f"there is no view '{name}'", where="--view", expected="one of " + ", ".join(known))
    return tuple(view for name, view in known.items() if name in names or not names)


def _write(connection: sa.Connection, view: View, since: datetime | None, path: Path) -> Exported:
    rows, seen = 0, set[str | None]()
    with table_writer(path, view.schema) as writer:
        for block in blocks(connection, view, since):
            writer.write(block)
            rows += len(block)
            if RUN in block.column_names:
                seen.update(block[RUN].unique().to_pylist())
        writer.describe({"view": view.name, "meaning": view.meaning})
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    left_out = None if since is None or view.dated_by is None else f"{since:%Y-%m-%dT%H:%M:%SZ}"
    columns = {column.name: column.kind.told for column in view.columns}
    of_runs = tuple(run for run in runs(connection) if run in seen)
    return Exported(path.name, rows, columns, of_runs, left_out, path.stat().st_size, digest)


def _begin_of(text: str, zone: str) -> datetime:
    """The first instant of a day in the company's zone, as the store keeps instants."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is not a date", where="--since", expected="a date such as 2026-08-14") from None
    return naive(datetime.combine(day, time(), time_zone(zone)).astimezone(UTC))


def _read(folder: Path) -> dict[str, Any]:
    """What the folder's manifest says of its views; nothing where there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["format"] == FORMAT and all(Path(one["file"]).name == one["file"] for one in said["views"].values()):
            return dict(said["views"])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise WrongUse(
        "not readable as what an export has written",
        where=str(path),
        expected=f"a manifest of `dealcast export`, format {FORMAT}",
        remedy="export to another folder",
    )


def _tell(folder: Path, said: Mapping[str, Any]) -> None:
    """No time of its own: the same store gives the same manifest."""
    manifest = {"format": FORMAT, "views": {name: said[name] for name in sorted(said)}}
    replace_file(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n")
