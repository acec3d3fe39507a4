"""Typed rows in DuckDB → the frames of the contract, and how many rows of each file stand in them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd
import pyarrow as pa

from crm.sources.closing import deals_query
from crm.sources.intake import Intake, custom_headers
from crm.sources.quoting import literal, name
from crm.tables import TABLES, Kind

FAR_AHEAD = "INTERVAL 20 YEARS"  # a close date so far after the newest event stands for none
DIRECTIONS = ("inbound", "outbound", "internal")


def table_query(intake: Intake, table: str) -> str:
    """All accepted rows of a table, as they will stand in its frame."""
    if table == "opportunities":
        meant = f"CASE WHEN close_date <= {_latest_close_date(intake)} THEN close_date END"
        return f"SELECT * REPLACE ({meant} AS close_date) FROM ({deals_query(intake)})"
    if table == "changes":
        replaced = ", ".join(
            f"CASE WHEN field = 'close_date' AND TRY_CAST({value} AS DATE) > {_latest_close_date(intake)} "
            f"THEN NULL ELSE {value} END AS {value}"
            for value in ("old_value", "new_value")
        )
        return f"SELECT * REPLACE ({replaced}) FROM all_changes"
    if table == "activities":
        return f"SELECT * REPLACE ({_direction(intake)} AS direction) FROM all_activities"
    return f"SELECT * FROM all_{table}"


def frame(intake: Intake, table: str) -> pd.DataFrame:
    """The table's frame: columns and dtypes of the contract, then custom columns as text; in file order."""
    columns = [
        f"CAST({name(c.name)} AS TIMESTAMP) AS {name(c.name)}" if c.kind is Kind.DATE else name(c.name)
        for c in TABLES[table].columns
    ]
    headers = custom_headers(intake, table)
    columns += [f"c_{i}" for i in range(len(headers))]
    query = f"SELECT {', '.join(columns)} FROM ({table_query(intake, table)}) ORDER BY _file, _row, _seq"
    typed = to_pandas(intake.con.sql(query))
    return typed.rename(columns={f"c_{i}": header for i, header in enumerate(headers)})


def to_pandas(relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
    """The relation in the contract's dtypes."""
    return relation.to_arrow_table().to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)


def accepted_rows(intake: Intake, table: str) -> dict[int, int]:
    """By file number: how many of its rows stand in the table."""
    query = f"SELECT _file, count(DISTINCT _row) FROM ({table_query(intake, table)}) GROUP BY _file"
    return dict(intake.con.execute(query).fetchall())


def count_late_changes_to_values(intake: Intake) -> None:
    """Counts what the frames' queries replace: placeholder close dates, directions read from subjects."""
    late = f"close_date > {_latest_close_date(intake)}"
    for file in intake.files_of("opportunities"):
        count = intake.count(f"SELECT count(*) FROM all_opportunities WHERE _file = {file.number} AND {late}")
        if count:
            file.normalised["close dates more than 20 years ahead, read as missing"] += count
    for file in intake.files_of("activities"):
        count = intake.count(
            f"SELECT count(*) FROM all_activities WHERE _file = {file.number} AND direction IS NULL "
            f"AND ({_direction(intake)}) IS NOT NULL"
        )
        if count:
            file.normalised["directions read from the subject"] += count


def _latest_close_date(intake: Intake) -> str:
    """SQL for the last close date that is taken as meant."""
    times = ["SELECT max(created_at) AS t FROM all_opportunities WHERE created_at <= now()"]
    if intake.files_of("changes"):
        times.append("SELECT max(changed_at) FROM all_changes WHERE changed_at <= now()")
    if intake.files_of("activities"):
        times.append("SELECT max(occurred_at) FROM all_activities WHERE occurred_at <= now()")
    return f"(SELECT CAST(max(t) AS TIMESTAMP) + {FAR_AHEAD} FROM ({' UNION ALL '.join(times)}))"


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
