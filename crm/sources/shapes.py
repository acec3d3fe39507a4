"""Which files make which shape: the contract's own names, Salesforce's export names, or a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from crm.errors import DataRefused
from crm.sources.mapping import SourceMapping, TableMapping
from crm.tables import TABLES

ENDINGS = (".csv", ".csv.gz", ".parquet")
NATIVE, SALESFORCE, MAPPED = "native", "salesforce", "mapped"

# Salesforce object → the table of the contract that it feeds.
SALESFORCE_OBJECTS: Mapping[str, str] = {
    "Opportunity": "opportunities",
    "OpportunityHistory": "changes",  # before the other history: it is the better witness
    "OpportunityFieldHistory": "changes",
    "Task": "activities",
    "Event": "activities",
    "OpportunityContactRole": "contact_roles",
    "Account": "accounts",
    "User": "users",
    "OpportunityStage": "stages",
    "Quota": "quotas",
    "Lead": "leads",
}
KNOWN = (*TABLES, *SALESFORCE_OBJECTS)


@dataclass(frozen=True)
class SourceFile:
    """A file to read. `source` is a table of the contract or a Salesforce object, `table` what it feeds."""

    path: Path
    source: str
    table: str
    mapping: TableMapping = field(default_factory=lambda: TableMapping(""))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_salesforce(self) -> bool:
        return self.source in SALESFORCE_OBJECTS


@dataclass(frozen=True)
class Found:
    """A folder's shape, the files to read (opportunities first), and the tables' files that are not read."""

    shape: str
    files: tuple[SourceFile, ...]
    unread: tuple[str, ...]


def find_files(folder: Path, mapping: SourceMapping) -> Found:
    """Tells the folder's shape by its files' names, or by the mapping.

    :raises DataRefused: where there is no such folder, nothing known in it, or one table twice.
    """
    by_source = _by_stem(folder)
    named = [SourceFile(p, s, SALESFORCE_OBJECTS.get(s, s)) for s, p in by_source.items() if s in KNOWN]
    if mapping.tables:
        shape, files = MAPPED, _mapped(folder, by_source, mapping)
    elif "Opportunity" in by_source:
        shape, files = SALESFORCE, named
    else:
        shape, files = NATIVE, [file for file in named if not file.is_salesforce]
    _no_two_roads(files)
    if not any(file.table == "opportunities" for file in files):
        raise _nothing_to_read(folder)
    order = list(TABLES)
    read = {file.path for file in files}
    unread = tuple(path.name for path in by_source.values() if path not in read)
    ordered = sorted(files, key=lambda f: (order.index(f.table), KNOWN.index(f.source)))
    return Found(shape, tuple(ordered), unread)


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataRefused(
            "there is no folder of that name" if not folder.exists() else "that is a file, not a folder",
            where=str(folder),
            expected="a folder with opportunities.csv or Opportunity.csv",
            remedy="give the path of the folder that holds the files (--data DIR)",
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((e for e in ENDINGS if path.name.endswith(e)), None)
        if ending is None or not path.is_file():
            continue
        stem = path.name.removesuffix(ending)
        if stem in found and stem in KNOWN:
            raise _same_table_twice(folder, found[stem].name, path.name)
        found[stem] = path
    return found


def _mapped(folder: Path, by_source: Mapping[str, Path], mapping: SourceMapping) -> list[SourceFile]:
    files = []
    for table, entry in mapping.tables.items():
        path = folder / entry.file if entry.file else by_source.get(table)
        if path is None or not path.is_file():
            raise _mapped_file_missing(folder, table, entry.file)
        files.append(SourceFile(path, table, table, entry))
    taken = {file.path for file in files}
    unmapped = [s for s in by_source if s in TABLES and s not in mapping.tables and by_source[s] not in taken]
    return files + [SourceFile(by_source[s], s, s) for s in unmapped]


def _no_two_roads(files: list[SourceFile]) -> None:
    native = {file.table: file for file in files if not file.is_salesforce}
    for file in files:
        if file.is_salesforce and file.table in native:
            raise _same_table_twice(file.path.parent, native[file.table].name, file.name)


def _same_table_twice(folder: Path, first: str, second: str) -> DataRefused:
    return DataRefused(
        f"{first} and {second} hold the same table",
        where=str(folder),
        expected="one file a table",
        remedy="move one of them out of the folder",
    )


def _mapped_file_missing(folder: Path, table: str, file: str) -> DataRefused:
    names = [path.name for path in folder.iterdir()]
    near = get_close_matches(file, names, n=1)
    return DataRefused(
        f"{file or table + '.csv'} is not there",
        where=str(folder),
        expected=f"the file that [tables.{table}] names",
        remedy=f"name {near[0]!r}, or another file of the folder" if near else "correct the file name",
    )


def _nothing_to_read(folder: Path) -> DataRefused:
    names = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    return DataRefused(
        f"no table of deals among its files ({shown or 'none'})",
        where=str(folder),
        expected="opportunities or, as Salesforce exports it, Opportunity, as .csv, .csv.gz or .parquet",
        remedy="give the folder that holds the files, or map yours: [tables.opportunities] in dealcast.toml",
    )
