"""What reading has gathered so far: typed tables in DuckDB, and the rows set aside with their reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb

from crm.errors import DataRefused
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal, name
from crm.sources.reading import RawTable
from crm.sources.rules import Rule
from crm.sources.typing_query import EARLY, Problem, TextRelation, TypingQuery, counted, typing_query
from crm.tables import TABLES

DUCKDB_TYPES = {
    "datetime64[us, UTC]": "TIMESTAMPTZ",
    "datetime64[us]": "DATE",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "str": "VARCHAR",
}


@dataclass
class LoadedFile:
    """A file that has been read: `relation` holds its typed rows."""

    number: int
    file: str
    text: TextRelation
    relation: str
    rows_in: int
    normalised: Counter[str] = field(default_factory=Counter)

    @property
    def table(self) -> str:
        return self.text.table

    def header(self, column: str) -> str:
        """What the file calls a column of the contract, or a custom one."""
        return self.text.headers.get(column) or self.text.custom.get(column, column)


@dataclass
class Intake:
    """The connection, the files read, and what was assumed. Table `_aside` holds the rows set aside.

    `aids` are tables of a CRM that feed no table of the contract and say what others mean, by the CRM's names.
    """

    con: duckdb.DuckDBPyConnection
    mapping: SourceMapping
    files: list[LoadedFile] = field(default_factory=list)
    aids: dict[str, RawTable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def files_of(self, table: str) -> list[LoadedFile]:
        return [file for file in self.files if file.table == table]

    def count(self, query: str) -> int:
        """The one number that the query gives; of no rows DuckDB's count_if gives NULL, which is none."""
        return int(self.con.execute(query).fetchall()[0][0] or 0)

    def set_aside(self, rule: Rule, select: str) -> None:
        """Sets aside the rows that the query gives as (file number, row, column, value).

        The query looks at accepted rows alone, so that each row is set aside once and for one reason.
        """
        self.set_aside_by(f"SELECT *, {literal(rule.name)} FROM ({select})")

    def set_aside_by(self, select: str) -> None:
        """Sets aside the rows that the query gives as (file number, row, column, value, name of the rule)."""
        self.con.execute(
            "INSERT INTO _aside SELECT f, r, any_value(c), any_value(left(v, 200)), any_value(rule) "
            f"FROM ({select}) AS found(f, r, c, v, rule) GROUP BY f, r"
        )


def start(con: duckdb.DuckDBPyConnection, mapping: SourceMapping) -> Intake:
    """An empty intake on that connection."""
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE TABLE _aside (_file INT, _row BIGINT, _column VARCHAR, _value VARCHAR, _rule VARCHAR)")
    return Intake(con, mapping)


def load(intake: Intake, raw: RawTable, text: TextRelation, mapping: SourceMapping) -> LoadedFile:
    """Types a file's rows and sets aside those that a cell of theirs rules out.

    :param mapping: the declarations that hold for this file (a vendor's file declares its own zone).
    :raises DataRefused: at the first cell under a rule that stops.
    """
    number = len(intake.files)
    relation = f"typed_{number}"
    query = typing_query(text, mapping)
    intake.con.execute(f"CREATE TABLE {relation} AS {query.sql}")
    rows_in = intake.count(f"SELECT count(*) FROM {name(raw.relation)}") + len(raw.rejects)
    loaded = LoadedFile(number, raw.file, text, relation, rows_in, Counter(text.counted))
    intake.files.append(loaded)
    found = _judged(intake, loaded, query)
    _stop_at_first(intake, loaded, [query.problems[i] for i in sorted(found) if i != EARLY], query.problems)
    if found:
        _set_problems_aside(intake, loaded, query.problems)
    if raw.rejects:
        _set_rejects_aside(intake, loaded, raw)
    return loaded


def table_view(intake: Intake, table: str) -> str:
    """A view of a table's accepted rows, over all its files: `_file`, `_row`, `_seq`, `_hash`, its columns
    (missing ones NULL) and the custom columns under the names x_0, x_1, … of `custom_headers`."""
    customs = custom_headers(intake, table)
    selects = []
    aside = "(FROM _aside a WHERE a._file = {0} AND a._row = t._row)"
    for file in intake.files_of(table):
        columns = [
            name(c.name)
            if c.name in file.text.headers
            else f"CAST(NULL AS {DUCKDB_TYPES[c.kind.dtype]}) AS {name(c.name)}"
            for c in TABLES[table].columns
        ]
        internal = {header: x for x, header in file.text.custom.items()}
        columns += [f"{internal.get(header, 'CAST(NULL AS VARCHAR)')} AS c_{i}" for i, header in enumerate(customs)]
        selects.append(
            f"SELECT {file.number} AS _file, _row, _seq, _hash, {', '.join(columns)} FROM {file.relation} t "
            f"WHERE _told IS NULL AND NOT EXISTS {aside.format(file.number)}"
        )
    view = f"all_{table}"
    intake.con.execute(f"CREATE OR REPLACE VIEW {view} AS {' UNION ALL '.join(selects)}")
    return view


def custom_headers(intake: Intake, table: str) -> list[str]:
    """The custom columns of a table's files, each once, in their order."""
    return list(dict.fromkeys(h for file in intake.files_of(table) for h in file.text.custom.values()))


def _judged(intake: Intake, loaded: LoadedFile, query: TypingQuery) -> set[int]:
    """Which problems there are, by number; what was normalised in rows without one is counted on the way."""
    places = [counted(bit) for bit in range(len(query.counts))]
    bits = ", ".join(f"count_if(({column} & {value}) <> 0)" for column, value in places)
    found = intake.con.execute(
        f"SELECT _problem, {bits} FROM {loaded.relation} WHERE _told IS NULL GROUP BY _problem"
    ).fetchall()
    for what, rows in zip(query.counts, next((r[1:] for r in found if r[0] is None), ()), strict=False):
        if rows:
            loaded.normalised[what] += rows
    return {problem for problem, *_ in found if problem is not None}


def _stop_at_first(intake: Intake, loaded: LoadedFile, found: list[Problem], problems: tuple[Problem, ...]) -> None:
    stopping = [str(problems.index(problem)) for problem in found if problem.rule.stops]
    if not stopping:
        return
    place, row, value, rows = intake.con.execute(
        f"SELECT _problem, _row, _value, count(*) OVER (PARTITION BY _problem) FROM {loaded.relation} "
        f"WHERE _problem IN ({', '.join(stopping)}) ORDER BY _row LIMIT 1"
    ).fetchall()[0]
    problem = problems[place]
    alike = f" ({rows} rows alike)" if rows > 1 else ""
    raise DataRefused(
        f"{value!r} is {problem.rule.name}{alike}",
        where=f"{loaded.file}, row {row}, column {loaded.header(problem.column)}",
        expected=problem.rule.expected,
        remedy=problem.rule.remedy,
    )


def _set_problems_aside(intake: Intake, loaded: LoadedFile, problems: tuple[Problem, ...]) -> None:
    rule = " ".join(f"WHEN {i} THEN {literal(p.rule.name)}" for i, p in enumerate(problems))
    column = " ".join(f"WHEN {i} THEN {literal(p.column)}" for i, p in enumerate(problems))
    intake.con.execute(
        f"INSERT INTO _aside SELECT DISTINCT ON (_row) {loaded.number}, _row, "
        f"CASE _problem WHEN {EARLY} THEN _early_column {column} END, _value, "
        f"CASE _problem WHEN {EARLY} THEN _early {rule} END "
        f"FROM {loaded.relation} WHERE _problem IS NOT NULL ORDER BY _row, _seq"
    )


def _set_rejects_aside(intake: Intake, loaded: LoadedFile, raw: RawTable) -> None:
    intake.con.execute(
        "INSERT INTO _aside SELECT ?, unnest(?), '', unnest(?), unnest(?)",
        [
            loaded.number,
            [reject.row for reject in raw.rejects],
            [reject.value for reject in raw.rejects],
            [reject.rule.name for reject in raw.rejects],
        ],
    )
