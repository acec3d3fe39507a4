"""A folder of files → the tables of the contract, and the report of what was found in them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from crm.errors import DataRefused
from crm.quality import SET_ASIDE_COLUMNS, FileReport, QualityReport
from crm.sources import closing, frames, row_rules
from crm.sources.finding import find_files
from crm.sources.intake import Intake, LoadedFile, load, start, table_view
from crm.sources.mapping import SourceMapping
from crm.sources.never_changed import never_changed
from crm.sources.own_values import own_kinds
from crm.sources.own_writes import without_own_writes
from crm.sources.quoting import literal, name
from crm.sources.reading import read_raw
from crm.sources.rules import RULES
from crm.sources.shape import SourceFile
from crm.sources.wishes import refuse_missing_columns, unmet
from crm.stages import infer_stages
from crm.tables import TABLES, CrmTables

NOTHING_DECLARED = SourceMapping()


@dataclass(frozen=True)
class Reading:
    """The tables, what was found on the way, and the shape that the folder was read in."""

    tables: CrmTables
    report: QualityReport
    shape: str  # "native", "mapped", or the name of a CRM's shape


def read_folder(folder: Path, mapping: SourceMapping = NOTHING_DECLARED) -> Reading:
    """Reads a folder of CSV (also .csv.gz) or Parquet files.

    :raises DataRefused: where the data cannot be used as they are, with file, row, column, value and remedy.
    """
    with settled(folder, mapping) as found:
        read = {table: frames.frame(found.intake, table) for table in found.present}
        standing = {"stages": found.stages, **{table: one.frame for table, one in read.items()}}
        tables = CrmTables(standing, found.fixed, own_kinds(mapping), wishes=mapping.wishes)
        found.intake.notes += unmet(tables, kinds_of(found))
        report = reported(found.intake, {table: one.rows for table, one in read.items()})
    return Reading(tables, report, found.shape)


@dataclass(frozen=True)
class Settled:
    """A folder read into DuckDB, with everything decided: what remains is to take the tables out.

    :param fixed: columns of opportunities that do not change: as declared, and as their histories prove.
    """

    intake: Intake
    present: tuple[str, ...]
    stages: pd.DataFrame
    shape: str
    fixed: frozenset[str]


def kinds_of(found: Settled) -> list[str]:
    """The activity kinds that occur."""
    if "activities" not in found.present:
        return []
    kinds = found.intake.con.execute("SELECT DISTINCT kind FROM all_activities WHERE kind IS NOT NULL ORDER BY kind")
    return [kind for (kind,) in kinds.fetchall()]


@contextmanager
def settled(folder: Path, mapping: SourceMapping, limits: Mapping[str, str] | None = None) -> Iterator[Settled]:
    """Reads a folder into DuckDB, sets aside what cannot be used and settles the closings.

    :param limits: settings of the database that bound what it takes, such as `memory_limit`.
    """
    found = find_files(Path(folder), mapping)
    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(f"{scratch}/reading.duckdb" if limits else ":memory:") as con,
    ):
        for setting, value in {"temp_directory": scratch, **(limits or {})}.items():
            con.execute(f"SET {setting} = {literal(value)}")
        intake = start(con, mapping)
        for file in found.files:
            _load(intake, file)
        refuse_missing_columns(intake)
        present = tuple(table for table in TABLES if intake.files_of(table))
        for table in present:
            table_view(intake, table)
            row_rules.set_duplicates_aside(intake, table)
        stages = _know_stages(intake)
        row_rules.set_impossible_times_aside(intake)
        row_rules.set_unknown_stages_aside(intake)
        closing.settle_closings(intake, stages_given="stages" in present)
        row_rules.set_orphans_aside(intake)
        frames.count_late_changes_to_values(intake)
        if found.unread:
            intake.notes.append(f"not read, for no table has their name: {', '.join(found.unread)}")
        proven = never_changed(intake)
        if proven:
            intake.notes.append(f"never changed, by the deals' histories, and so known: {', '.join(sorted(proven))}")
        yield Settled(intake, present, stages, found.shape, mapping.fixed | proven)


def _load(intake: Intake, file: SourceFile) -> None:
    raw = read_raw(intake.con, file.path, file.name, f"raw_{len(intake.files) + len(intake.aids)}")
    if not file.table:
        intake.aids[file.source] = raw
        intake.notes.append(f"read to understand the others: {file.name}")
        return
    if file.feeds_with(raw.header):
        mapping = replace(intake.mapping, time_zone=intake.mapping.time_zone or file.shape.time_zone)
        text = without_own_writes(file.shape.text(intake, raw, file, mapping), mapping)
        load(intake, raw, text, mapping)
    intake.con.execute(f"DROP VIEW {name(raw.relation)}")
    intake.con.execute(f"DROP TABLE {name(raw.lines)}")


def _know_stages(intake: Intake) -> pd.DataFrame:
    """The stages as given, else inferred with a note that asks for confirmation."""
    if intake.files_of("stages"):
        stages = frames.frame(intake, "stages").frame
    else:
        stages = infer_stages(_stage_witnesses(intake))
        intake.notes.append(_stages_to_confirm(stages))
    row_rules.know_stages(intake, stages)
    return stages


def _stage_witnesses(intake: Intake) -> CrmTables:
    deals = "SELECT stage, closed_at, is_won, probability FROM all_opportunities"
    witnesses = {"opportunities": frames.to_pandas(intake.con.sql(deals))}
    if intake.files_of("changes"):
        moves = "SELECT field, old_value, new_value FROM all_changes WHERE field = 'stage'"
        witnesses["changes"] = frames.to_pandas(intake.con.sql(moves))
    return CrmTables(witnesses)


def _stages_to_confirm(stages: pd.DataFrame) -> str:
    is_open, won = ~stages["is_closed"], stages["is_won"]
    parts = {
        "open, in this order": stages.loc[is_open, "stage"],
        "won": stages.loc[won, "stage"],
        "lost": stages.loc[~is_open & ~won, "stage"],
    }
    told = "; ".join(f"{what}: {', '.join(names) or 'none'}" for what, names in parts.items())
    return f"no stages table, so the stages were inferred ({told}); confirm them, or provide stages.csv"


def reported(intake: Intake, standing: Mapping[str, Mapping[int, int]]) -> QualityReport:
    """The report on what was read.

    :param standing: by table and number of the file, how many of the file's rows stand in the table.
    :raises DataRefused: where no deal is left.
    """
    aside = _set_aside(intake)
    reports = tuple(_file_report(intake, file, standing[file.table], aside) for file in intake.files)
    report = QualityReport(reports, aside, tuple(intake.notes))
    _ = report.balance
    _require_deals(report)
    return report


def _set_aside(intake: Intake) -> pd.DataFrame:
    """The rows set aside, in file order, with the files' own column names and the rules' remedies."""
    found = frames.to_pandas(
        intake.con.sql(
            "SELECT _file, _row AS row, coalesce(_column, '') AS column, coalesce(_value, '') AS value, "
            "_rule AS rule FROM _aside ORDER BY _file, _row"
        )
    )
    shown = [intake.files[f].header(column) for f, column in zip(found["_file"], found["column"], strict=True)]
    named = {
        "file": found["_file"].map({file.number: file.file for file in intake.files}).astype("str"),
        "column": pd.Series(shown, index=found.index, dtype="str"),
        "remedy": found["rule"].map({rule.name: rule.remedy for rule in RULES.values()}).astype("str"),
    }
    return found.assign(**named)[list(SET_ASIDE_COLUMNS)]


def _file_report(intake: Intake, file: LoadedFile, standing: Mapping[int, int], aside: pd.DataFrame) -> FileReport:
    accepted = standing.get(file.number, 0)
    normalised = Counter(file.normalised)
    told = intake.con.execute(
        f"SELECT _told, count(DISTINCT _row) FROM {file.relation} t WHERE _told IS NOT NULL "
        f"AND NOT EXISTS (FROM _aside a WHERE a._file = {file.number} AND a._row = t._row) GROUP BY _told"
    ).fetchall()
    accepted += sum(rows for _, rows in told)
    normalised.update(dict(told))
    rules = Counter(aside.loc[aside["file"] == file.file, "rule"].sort_values())
    return FileReport(file.file, file.table, file.rows_in, accepted, dict(rules), dict(normalised))


def _require_deals(report: QualityReport) -> None:
    deals = next(file for file in report.files if file.table == "opportunities")
    if deals.accepted:
        return
    if deals.rows_in == 0:
        raise DataRefused(
            "the table has no row",
            where=deals.file,
            expected="a row for each deal",
            remedy="export it again; what was read earlier stays as it is",
        )
    reasons = ", ".join(f"{rule}: {rows}" for rule, rows in deals.set_aside.items())
    first = report.set_aside[report.set_aside["file"] == deals.file].iloc[0]
    raise DataRefused(
        f"none of its {deals.rows_in} rows can be used ({reasons})",
        where=f"{deals.file}, row {first['row']}, column {first['column']}",
        expected="at least one row that passes the rules",
        remedy=str(first["remedy"]),
    )
