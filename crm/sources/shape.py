"""What a shape is: how one CRM's files or tables are called, what they feed, and how they are read.

A shape is a module in `crm/sources/shapes/` with a `SHAPE`; it is found by being there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping, TableMapping
from crm.sources.reading import RawTable
from crm.sources.typing_query import TextRelation


def always(_header: Sequence[str]) -> bool:
    """Whatever columns a file has, it feeds its table."""
    return True


@dataclass(frozen=True)
class ShapeTable:
    """A table as one CRM has it.

    :param name: what the CRM calls it.
    :param feeds: the table of the contract that its rows go to; "" = an aid, read to understand the others.
    :param feeds_with: whether a file with those columns feeds that table (one that keeps its versions is a history
        as well, and is declared twice).
    :param told_as: what tells the second reading of one file from the first in reports.
    """

    name: str
    feeds: str = ""
    feeds_with: Callable[[Sequence[str]], bool] = always
    told_as: str = ""


@dataclass(frozen=True)
class SourceFile:
    """A file to read. `source` is what its shape calls the table, `table` what it feeds ("": an aid)."""

    path: Path
    source: str
    table: str
    shape: Shape
    mapping: TableMapping = field(default_factory=lambda: TableMapping(""))
    feeds_with: Callable[[Sequence[str]], bool] = always
    told_as: str = ""

    @property
    def name(self) -> str:
        return f"{self.path.name} ({self.told_as})" if self.told_as else self.path.name


Reader = Callable[[Intake, RawTable, SourceFile, SourceMapping], TextRelation]


@dataclass(frozen=True)
class Shape:
    """One CRM's tables.

    :param name: as reports call it.
    :param tables: in the order in which they are read; those of one table of the contract, the better witness first.
    :param marks: its tables that, all of them there, tell a folder of this shape.
    :param text: a file's raw rows → text under the contract's names; the aids stand in `intake.aids`.
    :param named: what files are called, with {} for the table's name.
    :param time_zone: of times that carry none, where the configuration declares none.
    """

    name: str
    tables: tuple[ShapeTable, ...]
    marks: tuple[str, ...]
    text: Reader
    named: tuple[str, ...] = ("{}",)
    time_zone: str | None = None

    def table_of(self, stem: str) -> str | None:
        """Which of its tables a file (or a database's table) of that name is; None where it is none of them."""
        return next((t.name for t in self.tables for form in self.named if form.format(t.name) == stem), None)

    def is_told_by(self, stems: Iterable[str]) -> bool:
        """Whether files of those names are a folder of this shape."""
        return set(self.marks) <= {self.table_of(stem) for stem in stems}
