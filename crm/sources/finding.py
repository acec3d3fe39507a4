"""Which files make which shape: the contract's own names, a CRM's, or a mapping."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

import crm.sources.shapes
from crm.errors import DataRefused
from crm.sources.mapping import SourceMapping
from crm.sources.shape import Shape, SourceFile
from crm.sources.shapes.native import SHAPE as NATIVE
from crm.tables import TABLES

ENDINGS = (".csv", ".csv.gz", ".parquet")
MAPPED = "mapped"


@dataclass(frozen=True)
class Found:
    """A folder's shape, the files to read (aids and opportunities first), and the tables' files that are not read."""

    shape: str
    files: tuple[SourceFile, ...]
    unread: tuple[str, ...]


@cache
def shapes() -> tuple[Shape, ...]:
    """Every shape that there is."""
    names = sorted(module.name for module in pkgutil.iter_modules(crm.sources.shapes.__path__))
    return tuple(import_module(f"crm.sources.shapes.{name}").SHAPE for name in names)


def shapes_told_by(stems: Iterable[str]) -> list[Shape]:
    """The CRMs' shapes, other than the contract's own, that tables of those names are in."""
    names = list(stems)
    return [shape for shape in shapes() if shape is not NATIVE and shape.is_told_by(names)]


def find_files(folder: Path, mapping: SourceMapping) -> Found:
    """Tells the folder's shape by its files' names, or by the mapping.

    :raises DataRefused: where there is no such folder, nothing known in it, or one table twice.
    """
    by_stem = table_files(folder)
    if mapping.tables:
        shape, files = MAPPED, _mapped(folder, by_stem, mapping)
    else:
        told = shapes_told_by(by_stem)
        shape, files = told[0].name if told else NATIVE.name, _known(by_stem)
    _no_two_roads(files)
    if not any(file.table == "opportunities" for file in files):
        raise _nothing_to_read(folder)
    read = {file.path for file in files}
    unread = tuple(path.name for path in by_stem.values() if path not in read)
    return Found(shape, tuple(sorted(files, key=_reading_order)), unread)


def tables_to_read(names: Iterable[str], named: Iterable[str]) -> list[str]:
    """Which of a database's tables a folder that mirrors it would be read from: those named, and a known shape's."""
    known = sorted(_known({name: Path(name) for name in names}), key=_reading_order)
    return list(dict.fromkeys([*named, *(file.path.name for file in known)]))


def _known(by_stem: Mapping[str, Path]) -> list[SourceFile]:
    """The files of every shape that they tell, and the contract's own tables beside them; none without deals."""
    taken: dict[str, list[SourceFile]] = {}
    for one in shapes_told_by(by_stem):
        taken |= _of_shape(one, by_stem)
    rest = {stem: path for stem, path in by_stem.items() if stem not in taken}
    files = [file for found in (*taken.values(), *_of_shape(NATIVE, rest).values()) for file in found]
    return files if any(file.table == "opportunities" for file in files) else []


def _reading_order(file: SourceFile) -> tuple[int, int]:
    """Aids first, then the contract's tables in its order; of one table the better witness first."""
    names = [(table.name, table.feeds, table.told_as) for table in file.shape.tables]
    return ["", *TABLES].index(file.table), names.index((file.source, file.table, file.told_as))


def table_files(folder: Path) -> dict[str, Path]:
    """The files of a folder that can hold tables, by their names without the ending.

    :raises DataRefused: where there is no such folder, or one of a known table twice.
    """
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
        if stem in found and any(shape.table_of(stem) for shape in shapes()):
            raise _same_table_twice(folder, found[stem].name, path.name)
        found[stem] = path
    return found


def _of_shape(shape: Shape, by_stem: Mapping[str, Path]) -> dict[str, list[SourceFile]]:
    """The files that a shape knows, by stem; one that feeds two tables of the contract is there twice."""
    return {
        stem: [
            SourceFile(path, table.name, table.feeds, shape, feeds_with=table.feeds_with, told_as=table.told_as)
            for table in shape.tables
            if table.name == shape.table_of(stem)
        ]
        for stem, path in by_stem.items()
        if shape.table_of(stem)
    }


def _mapped(folder: Path, by_stem: Mapping[str, Path], mapping: SourceMapping) -> list[SourceFile]:
    files = []
    for table, entry in mapping.tables.items():
        path = folder / entry.file if entry.file else None
        if path is None or not path.is_file():
            path = by_stem.get(entry.file or table)
        if path is None:
            raise _mapped_file_missing(folder, table, entry.file)
        files.append(SourceFile(path, table, table, NATIVE, entry))
    taken = {file.path for file in files}
    rest = {s: p for s, p in by_stem.items() if s not in mapping.tables and p not in taken}
    return files + [file for found in _of_shape(NATIVE, rest).values() for file in found]


def _no_two_roads(files: list[SourceFile]) -> None:
    """One shape gives each table of the contract, and each of the shape's own tables comes in one file."""
    given: dict[str, SourceFile] = {}
    own: dict[tuple[str, str], SourceFile] = {}
    for file in files:
        first = given.setdefault(file.table, file) if file.table else file
        if first.shape is not file.shape:
            raise _same_table_twice(file.path.parent, first.path.name, file.path.name)
        first = own.setdefault((file.source, file.table), file)
        if first.path != file.path:
            raise _same_table_twice(file.path.parent, first.path.name, file.path.name)


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
