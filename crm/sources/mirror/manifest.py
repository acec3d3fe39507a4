"""What a mirror holds: the tables of its current generation, from where, and how far they reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from crm.durable import replace_file
from crm.errors import DataRefused

FILE = "manifest.json"
FORMAT = 1
NO_GENERATION = "000000"


@dataclass(frozen=True)
class Holding:
    """One table as the current generation holds it.

    :param cursor: up to where the source has been asked; None where each sync fetches all of it.
    :param changed_at: when the last sync came that changed a row of it, ISO 8601, UTC.
    :param deleted: how many rows are known to have gone at the source.
    """

    key: str
    rows: int
    cursor: str | None
    changed_at: str
    bytes: int
    sha256: str
    deleted: int = 0


@dataclass(frozen=True)
class Manifest:
    """The pointer to the current generation; to replace it is what makes a sync take effect.

    :param source: the source's address; :param synced_at: ISO 8601, UTC.
    """

    source: str
    generation: str = NO_GENERATION
    synced_at: str = ""
    tables: Mapping[str, Holding] = field(default_factory=dict)

    @property
    def next_generation(self) -> str:
        """The name of the generation that comes after this one."""
        return f"{int(self.generation) + 1:06d}"


def read_manifest(folder: Path) -> Manifest | None:
    """The mirror's manifest, None where nothing has been synced yet.

    :raises DataRefused: where it is none of ours.
    """
    path = folder / FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise _unreadable(path, f"not of format {FORMAT}")
        tables = {name: Holding(**holding) for name, holding in said.pop("tables").items()}
        return Manifest(**said, tables=tables)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(path, str(error)) from error


def is_mirror(folder: Path) -> bool:
    """Whether a folder is a mirror, and not one that has another's file of that name."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.keys() >= {"format", *(one.name for one in fields(Manifest))}


def deleted_at_source(generation: Path) -> dict[str, int]:
    """How many rows of each table are known to have gone at the source; nothing of a folder that is no mirror's."""
    folder = generation.parent
    if not is_mirror(folder):
        return {}
    manifest = read_manifest(folder)
    if manifest is None or manifest.generation != generation.name:
        return {}
    return {name: holding.deleted for name, holding in manifest.tables.items() if holding.deleted}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Let the mirror be what the manifest says, in one step."""
    said = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, ensure_ascii=False)
    replace_file(folder / FILE, said.encode() + b"\n")


def _unreadable(path: Path, why: str) -> DataRefused:
    return DataRefused(
        f"not readable as a mirror's manifest: {why}",
        where=str(path),
        expected="the file that `dealcast sync` wrote",
        remedy=f"move the folder {path.parent} away and sync again",
    )
