"""A folder of files → parts on disk, within a memory budget: the reading of a company too large for memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from crm.clock import NEVER
from crm.parts import OF_DEALS, PART, Parts
from crm.quality import QualityReport
from crm.sources import frames
from crm.sources.files import NOTHING_DECLARED, Settled, kinds_of, reported, settled
from crm.sources.intake import Intake, custom_headers
from crm.sources.mapping import SourceMapping
from crm.sources.own_values import own_kinds
from crm.sources.quoting import literal, name
from crm.sources.wishes import unmet
from crm.tables import TABLES, Facts

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Staged:
    """A company in parts, what was found while reading, the shape that the folder was read in.

    :param through: the last instant of which the tables tell anything, of those not later than asked; milliseconds.
    """

    parts: Parts
    report: QualityReport
    shape: str
    through: int


def stage_folder(
    folder: Path,
    into: Path,
    rows_a_part: int,
    mapping: SourceMapping = NOTHING_DECLARED,
    memory: int | None = None,
    now: int = NEVER,
) -> Staged:
    """Reads a folder as :func:`crm.sources.files.read_folder` does, and leaves its tables in parts on disk.

    :param into: an empty folder for the parts.
    :param rows_a_part: about so many rows of all tables of deals make a part; a deal is never cut.
    :param memory: what the database may take, bytes; the rest goes through the disk.
    :param now: what is dated later tells nothing of how far the data reach; milliseconds.
    :raises DataRefused: where the data cannot be used as they are.
    """
    limits = {"memory_limit": f"{max(memory // MEBIBYTE, 256)}MiB"} if memory else {"memory_limit": "75%"}
    with settled(folder, mapping, limits) as found:
        intake = found.intake
        of_deals = tuple(table for table in OF_DEALS if table in found.present)
        standing = {table: frames.standing_rows(intake, table) for table in found.present}
        count = _number_parts(intake, [t for t in of_deals if t not in ("opportunities", "leads")], rows_a_part)
        for table in of_deals:
            _write(intake, table, into / table)
        shared = {t: frames.frame(intake, t).frame for t in found.present if t not in of_deals}
        parts = Parts(
            folder=into,
            count=count,
            shared={**shared, "stages": found.stages},
            columns={
                table: tuple(frames.column_names(intake, table))
                for table in of_deals
                if any((into / table).glob("*/*.parquet"))
            },
            facts=_facts(intake, found),
            fixed=found.fixed,
            own=own_kinds(mapping),
            wishes=mapping.wishes,
        )
        intake.notes += unmet(parts.without_rows(), kinds_of(found))
        report = reported(intake, standing)
        through = _through(intake, found, now)
    return Staged(parts, report, found.shape, through)


def _number_parts(intake: Intake, events: list[str], rows_a_part: int) -> int:
    """Table `_parts`: the part of each deal, so that parts hold about as many rows; how many parts there are."""
    rows = " UNION ALL ".join(
        ["SELECT opportunity_id, 1 AS n FROM _deals"]
        + [f"SELECT opportunity_id, count(*) FROM all_{table} GROUP BY opportunity_id" for table in events]
    )
    intake.con.execute(
        f"CREATE OR REPLACE TABLE _deals AS SELECT opportunity_id FROM ({frames.table_query(intake, 'opportunities')})"
    )
    intake.con.execute(
        "CREATE OR REPLACE TABLE _weights AS "
        f"SELECT opportunity_id, sum(n) AS rows FROM ({rows}) SEMI JOIN _deals USING (opportunity_id) GROUP BY ALL"
    )
    total = intake.count("SELECT coalesce(sum(rows), 0) FROM _weights")
    count = max(1, math.ceil(total / rows_a_part))
    before = "sum(rows) OVER (ORDER BY opportunity_id ROWS UNBOUNDED PRECEDING) - rows"
    intake.con.execute(
        f"CREATE OR REPLACE TABLE _parts AS SELECT opportunity_id, "
        f"CAST(floor(({before}) * {count} / {max(total, 1)}) AS INTEGER) AS {PART} FROM _weights"
    )
    return count


def _write(intake: Intake, table: str, folder: Path) -> None:
    columns = ", ".join(frames.plain_columns(intake, table))
    part = f"coalesce(p.{PART}, 0)" if table == "leads" else f"p.{PART}"
    join = "LEFT JOIN" if table == "leads" else "JOIN"
    rows = (
        f"SELECT {columns}, {part} AS {PART} FROM ({frames.table_query(intake, table)}) t "
        f"{join} (SELECT opportunity_id AS _deal, {PART} FROM _parts) p ON p._deal = t.opportunity_id"
    )
    folder.mkdir(parents=True)
    intake.con.execute(
        f"COPY ({rows}) TO {literal(str(folder))} "
        f"(FORMAT parquet, COMPRESSION zstd, PARTITION_BY ({PART}), OVERWRITE_OR_IGNORE)"
    )


def _through(intake: Intake, found: Settled, now: int) -> int:
    """What :func:`crm.history.data_through` tells of the whole company."""
    times = {
        "opportunities": ("created_at", "closed_at"),
        "changes": ("changed_at",),
        "activities": ("coalesce(recorded_at, occurred_at)",),
    }
    millis = [
        f"SELECT CAST(ceil(epoch_us({time}) / 1000.0) AS BIGINT) AS told_at FROM ({frames.table_query(intake, table)})"
        for table, columns in times.items()
        if table in found.present
        for time in columns
    ]
    return intake.count(f"SELECT coalesce(max(told_at), 0) FROM ({' UNION ALL '.join(millis)}) WHERE told_at <= {now}")


def _facts(intake: Intake, found: Settled) -> Facts:
    """What :attr:`crm.tables.CrmTables.own_facts` tells of the whole company."""
    given = set()
    for table in found.present:
        columns = [c.name for c in TABLES[table].columns]
        headers = custom_headers(intake, table)
        asked = [name(c) for c in columns] + [f"c_{i}" for i in range(len(headers))]
        counts = ", ".join(f"count({column})" for column in asked)
        found_counts = intake.con.execute(f"SELECT {counts} FROM ({frames.table_query(intake, table)})").fetchall()[0]
        given |= {(table, c) for c, count in zip([*columns, *headers], found_counts, strict=True) if count}
    given |= {("stages", str(column)) for column in found.stages if found.stages[column].notna().any()}
    tracked = []
    if "changes" in found.present:
        tracked = intake.con.execute("SELECT DISTINCT field FROM all_changes WHERE field IS NOT NULL").fetchall()
    banned = intake.mapping.wishes.banned
    return Facts(frozenset(field for (field,) in tracked), frozenset(given)).without(banned)
