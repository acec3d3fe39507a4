"""Rules about whole rows and across tables: duplicates, times, stages, deals that must be there."""

from __future__ import annotations

import pandas as pd

from crm.errors import DataRefused
from crm.sources import rules
from crm.sources.intake import Intake, LoadedFile, custom_headers
from crm.sources.quoting import literal, name
from crm.tables import TABLES

MOST_UNKNOWN_STAGES = 0.05
SLACK = "INTERVAL 1 HOUR"  # clocks and time zones of two systems differ by minutes
OF_DEALS = ("changes", "activities", "contact_roles")


def set_duplicates_aside(intake: Intake, table: str) -> None:
    """Of equal rows the first is kept; of rows with the same key but different content too."""
    if _has_twins(intake, table, "_hash"):
        _set_copies_aside(intake, table)
    key = ", ".join(name(column) for column in TABLES[table].key)
    if key and _has_twins(intake, table, f"hash({key})", _key_given(table)):
        twice = f"SELECT hash({key}) FROM all_{table} GROUP BY ALL HAVING count(*) > 1"
        intake.set_aside(
            rules.SAME_KEY,
            f"SELECT _file, _row, {literal(TABLES[table].key[0])}, concat_ws(', ', {key}) FROM all_{table} "
            f"WHERE {_key_given(table)} AND hash({key}) IN ({twice}) "
            f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _file, _row) > 1",
        )


def _has_twins(intake: Intake, table: str, what: str, when: str = "true") -> bool:
    return intake.count(f"SELECT count(*) - count(DISTINCT {what}) FROM all_{table} WHERE {when}") > 0


def _key_given(table: str) -> str:
    return " AND ".join(f"{name(column)} IS NOT NULL" for column in TABLES[table].key)


def _set_copies_aside(intake: Intake, table: str) -> None:
    """The hash finds the few candidates; whether they are equal is told by their content."""
    columns = [name(c.name) for c in TABLES[table].columns]
    columns += [f"c_{i}" for i in range(len(custom_headers(intake, table)))]
    alike = ", ".join(["_file", *columns])
    copies = (
        f"SELECT * FROM all_{table} WHERE _hash IN "
        f"(SELECT _hash FROM all_{table} GROUP BY _hash HAVING count(*) > 1) "
        f"QUALIFY row_number() OVER (PARTITION BY {alike} ORDER BY _row, _seq) > 1"
    )
    if table == "changes":
        copies = _without_back_and_forth(copies)
    intake.set_aside(rules.EXACT_DUPLICATE, f"SELECT _file, _row, '', CAST({columns[0]} AS VARCHAR) FROM ({copies})")


def _without_back_and_forth(copies: str) -> str:
    """The copies less those that the row before them explains: a field that went to and fro in one instant.

    A → B, B → A, A → B at the same time are three changes; leaving out the third would end in A.
    """
    instant = "_file, opportunity_id, field, changed_at"
    return (
        f"WITH copies AS ({copies}) SELECT * EXCLUDE (_before) FROM ("
        f"SELECT c.*, lag(c.new_value) OVER (PARTITION BY {instant} ORDER BY c._row, c._seq) AS _before "
        f"FROM all_changes c WHERE ({instant}) IN (SELECT ({instant}) FROM copies)) a "
        "WHERE (_file, _row, _seq) IN (SELECT (_file, _row, _seq) FROM copies) "
        "AND NOT coalesce(old_value IS NOT DISTINCT FROM _before "
        "OR (old_value IS NULL AND new_value IS DISTINCT FROM _before), false)"
    )


def set_impossible_times_aside(intake: Intake) -> None:
    """Deals created in the future, deals closed before they were created, changes before the deal's creation.

    Activities may precede the deal: work before the first offer is real, and is only counted.
    """
    intake.set_aside(
        rules.CREATED_IN_FUTURE,
        "SELECT _file, _row, 'created_at', CAST(created_at AS VARCHAR) FROM all_opportunities "
        f"WHERE created_at > now() + {SLACK}",
    )
    intake.set_aside(
        rules.EVENT_BEFORE_CREATION,
        "SELECT _file, _row, 'closed_at', CAST(closed_at AS VARCHAR) FROM all_opportunities "
        f"WHERE closed_at < created_at - {SLACK}",
    )
    if intake.files_of("changes"):
        intake.set_aside(
            rules.EVENT_BEFORE_CREATION,
            "SELECT c._file, c._row, 'changed_at', CAST(c.changed_at AS VARCHAR) "
            "FROM all_changes c JOIN all_opportunities o USING (opportunity_id) "
            f"WHERE c.changed_at < o.created_at - {SLACK}",
        )
    for file in intake.files_of("activities"):
        early = intake.count(
            "SELECT count(*) FROM all_activities a JOIN all_opportunities o USING (opportunity_id) "
            f"WHERE a._file = {file.number} AND a.occurred_at < o.created_at - {SLACK}"
        )
        if early:
            file.normalised["activities before the deal's creation, kept"] += early


def know_stages(intake: Intake, stages: pd.DataFrame) -> None:
    """Makes the stages known to the rules, as table `_stages`."""
    intake.con.register("stages_frame", stages[["stage", "position", "is_closed", "is_won"]])
    intake.con.execute("CREATE OR REPLACE TABLE _stages AS FROM stages_frame")
    intake.con.unregister("stages_frame")


def set_unknown_stages_aside(intake: Intake) -> None:
    """Deals in, and changes into, a stage that the stages table does not have.

    :raises DataRefused: where more than 5 % of a file's rows are in such a stage.
    """
    unknown = "NOT EXISTS (FROM _stages s WHERE s.stage = t.{0})"
    _unknown_stages(intake, "opportunities", "stage", f"t.stage IS NOT NULL AND {unknown.format('stage')}")
    into = f"t.field = 'stage' AND t.new_value IS NOT NULL AND {unknown.format('new_value')}"
    _unknown_stages(intake, "changes", "new_value", into)


def _unknown_stages(intake: Intake, table: str, column: str, when: str) -> None:
    for file in intake.files_of(table):
        here = f"FROM all_{table} t WHERE _file = {file.number} AND {when}"
        found = intake.con.execute(
            f"SELECT t.{column}, count(*), min(_row) {here} GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        if not found:
            continue
        rows = intake.count(f"SELECT count(*) FROM all_{table} WHERE _file = {file.number}")
        if sum(number for _, number, _ in found) > MOST_UNKNOWN_STAGES * rows:
            raise _too_many_unknown(intake, file, column, found)
        intake.set_aside(rules.UNKNOWN_STAGE, f"SELECT _file, _row, '{column}', t.{column} {here}")


def _too_many_unknown(intake: Intake, file: LoadedFile, column: str, found: list[tuple[str, int, int]]) -> DataRefused:
    stages = ", ".join(f"{stage!r} ({number} rows)" for stage, number, _ in found[:5])
    known = intake.con.execute("SELECT stage FROM _stages ORDER BY position").fetchall()
    return DataRefused(
        f"{rules.TOO_MANY_UNKNOWN_STAGES.name}: {stages}",
        where=f"{file.file}, row {min(row for _, _, row in found)}, column {file.header(column)}",
        expected="a stage of the stages table: " + ", ".join(stage for (stage,) in known),
        remedy=rules.TOO_MANY_UNKNOWN_STAGES.remedy,
    )


def set_orphans_aside(intake: Intake) -> None:
    """Events of deals that are not there, or that were set aside."""
    relations = [file.relation for file in intake.files_of("opportunities")]
    seen = " UNION ALL ".join(f"SELECT opportunity_id FROM {relation}" for relation in relations)
    for table in OF_DEALS:
        if intake.files_of(table):
            intake.set_aside_by(
                f"SELECT _file, _row, 'opportunity_id', opportunity_id, CASE WHEN opportunity_id IN ({seen}) "
                f"THEN {literal(rules.DEAL_SET_ASIDE.name)} ELSE {literal(rules.UNKNOWN_DEAL.name)} END "
                f"FROM (SELECT * FROM all_{table} t "
                "WHERE NOT EXISTS (FROM all_opportunities o WHERE o.opportunity_id = t.opportunity_id))"
            )
