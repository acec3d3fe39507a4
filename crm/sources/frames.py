"""Typed rows in DuckDB → the frames of the contract, and how many rows of each file stand in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from crm.sources.closing import deals_query
from crm.sources.intake import Intake, custom_headers
from crm.sources.quoting import literal, name
from crm.tables import TABLES, Kind, from_arrow

FAR_AHEAD = "INTERVAL 20 YEARS"  # a close date so far after the newest event stands for none
LATEST = "getvariable('latest_close_date')"
DIRECTIONS = ("inbound", "outbound", "internal")


def table_query(intake: Intake, table: str) -> str:
    """All accepted rows of a table, as they will stand in its frame."""
    if table == "opportunities":
        meant = f"CASE WHEN close_date <= {LATEST} THEN close_date END"
        return f"SELECT * REPLACE ({meant} AS close_date) FROM ({deals_query(intake)})"
    if table == "changes":
        replaced = ", ".join(
            f"CASE WHEN field = 'close_date' AND TRY_CAST({value} AS DATE) > {LATEST} "
            f"THEN NULL ELSE {value} END AS {value}"
            for value in ("old_value", "new_value")
        )
        return f"SELECT * REPLACE ({replaced}) FROM all_changes"
    if table == "activities":
        return f"SELECT * REPLACE ({_direction(intake)} AS direction) FROM all_activities"
    return f"SELECT * FROM all_{table}"


@dataclass(frozen=True)
class Frame:
    """A table's frame, and by file number how many of the file's rows stand in it."""

    frame: pd.DataFrame
    rows: Mapping[int, int]


def frame(intake: Intake, table: str) -> Frame:
    """The columns and dtypes of the contract, then custom columns as text, in the order of the files."""
    query = f"SELECT {', '.join(plain_columns(intake, table))}, _file, _row, _seq FROM ({table_query(intake, table)})"
    found = intake.con.sql(query).to_arrow_table()
    places = [found[place].to_numpy() for place in ("_file", "_row", "_seq")]
    order = np.lexsort(places[::-1])
    if (np.diff(order) != 1).any():  # the database mostly keeps the order, and sorting all columns is slow
        found = found.take(pa.array(order))
    files, rows = np.unique(_file_of_each_row(places[0][order], places[1][order]), return_counts=True)
    frame = from_arrow(found.drop_columns(["_file", "_row", "_seq"]).rename_columns(column_names(intake, table)))
    return Frame(frame, dict(zip(files.tolist(), rows.tolist(), strict=True)))


def plain_columns(intake: Intake, table: str) -> list[str]:
    """The columns of the contract, then custom columns as c_0, c_1, …, as SQL.

    To the database a header might be the name of a column of its own, or differ from another in case alone:
    custom columns get their headers, of :func:`column_names`, only once they have left it.
    """
    columns = [
        f"CAST({name(c.name)} AS TIMESTAMP) AS {name(c.name)}" if c.kind is Kind.DATE else name(c.name)
        for c in TABLES[table].columns
    ]
    return columns + [f"c_{i}" for i in range(len(custom_headers(intake, table)))]


def column_names(intake: Intake, table: str) -> list[str]:
    """What the columns of :func:`plain_columns` are called: by the contract, and by their own headers."""
    return [*(c.name for c in TABLES[table].columns), *custom_headers(intake, table)]


def standing_rows(intake: Intake, table: str) -> dict[int, int]:
    """By file number, how many of the file's rows stand in the table."""
    query = f"SELECT _file, count(DISTINCT _row) FROM ({table_query(intake, table)}) GROUP BY _file"
    return dict(intake.con.execute(query).fetchall())


def _file_of_each_row(files: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One entry for each row of a file, though it may give several rows of the table."""
    first = np.ones(len(files), bool)
    first[1:] = (np.diff(files) != 0) | (np.diff(rows) != 0)
    return files[first]


def to_pandas(relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
    """The relation in the contract's dtypes."""
    return from_arrow(relation.to_arrow_table())


def count_late_changes_to_values(intake: Intake) -> None:
    """Counts what the frames' queries replace: placeholder close dates, directions read from subjects."""
    _set_latest_close_date(intake)
    for file in intake.files_of("opportunities"):
        count = intake.count(
            f"SELECT count(*) FROM all_opportunities WHERE _file = {file.number} AND close_date > {LATEST}"
        )
        if count:
            file.normalised["close dates more than 20 years ahead, read as missing"] += count
    for file in intake.files_of("activities"):
        count = intake.count(
            f"SELECT count(*) FROM all_activities WHERE _file = {file.number} AND direction IS NULL "
            f"AND ({_direction(intake)}) IS NOT NULL"
        )
        if count:
            file.normalised["directions read from the subject"] += count


def _set_latest_close_date(intake: Intake) -> None:
    """The last close date that is taken as meant: so long after the newest event."""
    times = {"opportunities": "created_at", "changes": "changed_at", "activities": "occurred_at"}
    newest = " UNION ALL ".join(
        f"SELECT max({time}) AS newest FROM all_{table} WHERE {time} <= now()"
        for table, time in times.items()
        if intake.files_of(table)
    )
    intake.con.execute(
        f"SET VARIABLE latest_close_date = (SELECT CAST(max(newest) AS DATE) + {FAR_AHEAD} FROM ({newest}))"
    )


def _direction(intake: Intake) -> str:
    """The direction as entered, else from the marks that sales-engagement tools leave in the subject."""
    inbound = _any_pattern(intake.mapping.inbound_subject)
    outbound = _any_pattern(intake.mapping.outbound_subject)
    return (
        f"CASE WHEN lower(direction) IN ({', '.join(literal(d) for d in DIRECTIONS)}) THEN lower(direction) "
        f"WHEN direction IS NOT NULL THEN direction "
        f"WHEN {inbound} AND NOT {outbound} THEN 'inbound' "
        f"WHEN {outbound} AND NOT {inbound} THEN 'outbound' END"
    )


def _any_pattern(patterns: Sequence[str]) -> str:
    matches = (f"regexp_matches(subject, {literal(pattern)}, 'i')" for pattern in patterns)
    return f"({' OR '.join(matches) or 'false'})"
