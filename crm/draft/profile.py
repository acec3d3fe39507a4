"""What the values of each column of a file look like, counted over all of its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from crm.errors import DataRefused
from crm.sources.conversion import COMMA_LOCALE, DAY_MONTH, GROUPED, form_of
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, name
from crm.sources.reading import RawTable, read_raw

MOST = 0.95  # of a column's values look so: it is of that kind
EXAMPLES = 3
THOUSANDS = r"[-+]?\d{1,3}(,\d{3})+"
FLAGS = "('true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '0', '1')"
_FIRST, _SECOND = r"^(\d{1,2})[/.-]", r"^\d{1,2}[/.-](\d{1,2})[/.-]"


@dataclass(frozen=True)
class ColumnProfile:
    """Counts of a column's values: rows, those that are filled, and of these how many look like what.

    :param zoned: ISO times with a zone; :param local: ISO times without; :param days: ISO days; :param either: days
        that can be read day first or month first, of which `day_first` and `month_first` can be read in one way only.
    :param serial: five digits, as a spreadsheet keeps days; :param numbers: plain numbers; :param commas: numbers only
        where the comma is the decimal mark, of which `commas_sure` cannot have it between thousands.
    :param examples: its most frequent values.
    """

    header: str
    rows: int
    filled: int
    distinct: int
    zoned: int
    local: int
    days: int
    either: int
    day_first: int
    month_first: int
    serial: int
    numbers: int
    commas: int
    commas_sure: int
    flags: int
    examples: tuple[str, ...]

    @property
    def times(self) -> int:
        """How many values are times or days, whichever way they are written."""
        return self.zoned + self.local + self.days + self.either

    @property
    def is_time(self) -> bool:
        return self._is(self.times)

    @property
    def is_number(self) -> bool:
        return self._is(self.numbers + self.commas)

    @property
    def is_flag(self) -> bool:
        return self._is(self.flags)

    @property
    def is_unique(self) -> bool:
        return self.filled == self.rows == self.distinct > 0

    @property
    def share(self) -> float:
        """How much of it is filled."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def shown(self) -> str:
        """Examples, for people."""
        return ", ".join(self.examples)

    def _is(self, count: int) -> bool:
        return self.filled > 0 and count >= MOST * self.filled


@dataclass(frozen=True)
class FileProfile:
    """A file, read as text into `raw`, and its columns by header."""

    file: str
    stem: str
    raw: RawTable
    rows: int
    columns: Mapping[str, ColumnProfile]

    def cell(self, header: str) -> str:
        """SQL for the trimmed text of a column; NULL where it is blank."""
        return f"nullif(trim({name(f'c{self.raw.header.index(header)}')}), '')"

    def query(self, select: str) -> str:
        """SQL over the file's rows."""
        return f"SELECT {select} FROM {name(self.raw.relation)}"


def profiled(
    con: duckdb.DuckDBPyConnection, path: Path, stem: str, number: int, only: Collection[str] | None = None
) -> FileProfile | None:
    """A file and what its columns look like; None where it cannot be read as a table.

    :param only: the columns to look at; None = all.
    """
    try:
        raw = read_raw(con, path, path.name, f"seen_{number}")
    except DataRefused:
        return None
    rows = int(_one(con, f"SELECT count(*) FROM {name(raw.relation)}")[0])
    looked_at = [(place, header) for place, header in enumerate(raw.header) if only is None or header in only]
    return FileProfile(path.name, stem, raw, rows, {h: _column(con, raw, place, rows) for place, h in looked_at})


def _column(con: duckdb.DuckDBPyConnection, raw: RawTable, place: int, rows: int) -> ColumnProfile:
    text = f"nullif(trim({name(f'c{place}')}), '')"
    typed = raw.header[place] in raw.numeric
    number = f"regexp_full_match(t, {literal(GROUPED)}) OR TRY_CAST(t AS DOUBLE) IS NOT NULL"
    comma = f"NOT ({number}) AND regexp_full_match(t, {literal(COMMA_LOCALE)})"
    sure = f"NOT regexp_full_match(t, {literal(THOUSANDS)})"
    either = f"regexp_full_match(t, {literal(DAY_MONTH)})"
    first, second = (f"TRY_CAST(regexp_extract(t, {literal(p)}, 1) AS INT) > 12" for p in (_FIRST, _SECOND))
    counts = _one(
        con,
        "SELECT count(t), count(DISTINCT t), count_if(form = 'z'), count_if(form = 'n'), count_if(form = 'd'), "
        f"count_if(form = 'a'), count_if({either} AND {first}), count_if({either} AND {second}), "
        f"count_if(form = 's'), count_if({number}), count_if({comma}), count_if({comma} AND {sure}), "
        f"count_if(lower(t) IN {FLAGS}) "
        f"FROM (SELECT t, {form_of('t', SourceMapping())} AS form FROM (SELECT {text} AS t FROM {name(raw.relation)}))",
    )
    examples = con.execute(
        f"SELECT left({text}, 40), count(*) FROM {name(raw.relation)} WHERE {text} IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {EXAMPLES}"
    ).fetchall()
    found = [int(count or 0) for count in counts]
    if typed:
        found[8] = 0  # a number that was typed as one is no spreadsheet's day
    filled, distinct, zoned, local, days, either_way, by_day, by_month, serial, numbers, commas, certain, flags = found
    return ColumnProfile(
        raw.header[place],
        rows,
        filled,
        distinct,
        zoned,
        local,
        days,
        either_way,
        by_day,
        by_month,
        serial,
        numbers,
        commas,
        certain,
        flags,
        tuple(example for example, _ in examples),
    )


def _one(con: duckdb.DuckDBPyConnection, query: str) -> Sequence[int]:
    found = con.execute(query).fetchone()
    assert found is not None
    return found
