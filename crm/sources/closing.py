"""Which deals are closed, how, and when: what a deal's row, its stage and its history say together.

`VERDICTS` lists what can be said, the first that holds. A closed stage without a closing time takes it from
the last change into a closed stage; in a CRM's shape, which has no such column, also from the last
change of stage that the deal's row tells, else from its close date.
"""

from __future__ import annotations

from crm.sources import rules
from crm.sources.intake import Intake, custom_headers
from crm.sources.quoting import literal, name
from crm.tables import OPPORTUNITIES

CONTRADICTED, UNTIMED = "contradicted", "not known when"
REFUSED = {
    CONTRADICTED: (rules.WON_AND_LOST, "is_won"),
    UNTIMED: (rules.CLOSED_WITHOUT_TIME, "closed_at"),
}
REOPENED = "reopened deals, their earlier closing left to the history"
KEPT_CLOSED = "closed in an open stage, kept closed"

# d is the deal, s its stage, h its history, w what else witnesses the closing.
CLOSED_AT = "coalesce(d.closed_at, h.closing, w.closing)"
VERDICTS = (
    (REOPENED, "NOT s.is_closed AND h.moved > d.closed_at"),
    (CONTRADICTED, "s.is_closed AND d.is_won <> s.is_won"),
    (CONTRADICTED, "NOT s.is_closed AND d.is_won AND {stages_given}"),
    (UNTIMED, f"s.is_closed AND {CLOSED_AT} IS NULL"),
    (UNTIMED, "NOT s.is_closed AND d.is_won AND d.closed_at IS NULL"),
    ("closing times from the history", "s.is_closed AND d.closed_at IS NULL AND h.closing IS NOT NULL"),
    ("closing times from the last stage change or the close date", "s.is_closed AND d.closed_at IS NULL"),
    ("outcomes from the stage", "s.is_closed AND d.is_won IS NULL"),
    (KEPT_CLOSED, "NOT s.is_closed AND d.closed_at IS NOT NULL AND d.is_won IS NOT NULL"),
    ("closing times blanked while open", "NOT s.is_closed AND d.closed_at IS NOT NULL"),
    ("is_won blanked while open", "NOT s.is_closed AND d.is_won IS NOT NULL"),
)


def settle_closings(intake: Intake, stages_given: bool) -> None:
    """Fills `closed_at` and `is_won`, in table `_closings`, and sets aside deals that contradict themselves.

    :param stages_given: whether the company named its stages. Won in an open stage contradicts only those,
        not stages that were inferred from the deals.
    """
    intake.con.execute(f"CREATE OR REPLACE TABLE _closings AS {_closings(intake, stages_given)}")
    counted = intake.con.execute(
        "SELECT _file, verdict, count(*) FROM _closings WHERE verdict IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for number, verdict, rows in counted:
        if verdict in REFUSED:
            rule, column = REFUSED[verdict]
            refused = f"verdict = {literal(verdict)} AND _file = {number}"
            intake.set_aside(rule, f"SELECT _file, _row, '{column}', told FROM _closings WHERE {refused}")
        else:
            intake.files[number].normalised[verdict] += rows


def deals_query(intake: Intake) -> str:
    """All accepted deals with their closings settled."""
    columns = ", ".join(
        f"c.{name(column.name)}" if column.name in ("closed_at", "is_won") else f"d.{name(column.name)}"
        for column in OPPORTUNITIES.columns
    )
    customs = "".join(f", d.c_{i}" for i in range(len(custom_headers(intake, "opportunities"))))
    return (
        f"SELECT d._file, d._row, d._seq, {columns}{customs} FROM all_opportunities d "
        "JOIN _closings c ON c._file = d._file AND c._row = d._row"
    )


def _closings(intake: Intake, stages_given: bool) -> str:
    given = "true" if stages_given else "false"
    verdict = " ".join(f"WHEN {when.format(stages_given=given)} THEN {literal(verdict)}" for verdict, when in VERDICTS)
    judged = (
        f"SELECT d._file, d._row, d.stage, d.closed_at, d.is_won, CASE {verdict} END AS verdict, "
        f"{CLOSED_AT} AS known_at, s.is_closed AS stage_closed, s.is_won AS stage_won "
        "FROM all_opportunities d JOIN _stages s ON s.stage = d.stage "
        f"LEFT JOIN ({_history(intake)}) h ON h.opportunity_id = d.opportunity_id "
        f"LEFT JOIN ({_witness(intake)}) w ON w._file = d._file AND w._row = d._row"
    )
    kept = f"coalesce(verdict = {literal(KEPT_CLOSED)}, false)"
    outcome = "CASE is_won WHEN true THEN 'won' WHEN false THEN 'lost' END"
    return (
        f"SELECT _file, _row, verdict, concat_ws(' ', {outcome}, 'in stage', stage) AS told, "
        f"CASE WHEN stage_closed THEN known_at WHEN {kept} THEN closed_at END AS closed_at, "
        f"CASE WHEN stage_closed THEN coalesce(is_won, stage_won) WHEN {kept} THEN is_won END AS is_won "
        f"FROM ({judged})"
    )


def _history(intake: Intake) -> str:
    """Each deal's last change into a closed stage, and its last change of stage at all."""
    if not intake.files_of("changes"):
        nothing = "CAST(NULL AS TIMESTAMPTZ)"
        return f"SELECT '' AS opportunity_id, {nothing} AS closing, {nothing} AS moved WHERE false"
    return (
        "SELECT opportunity_id, max(changed_at) FILTER (s.is_closed) AS closing, max(changed_at) AS moved "
        "FROM all_changes c JOIN _stages s ON s.stage = c.new_value WHERE c.field = 'stage' "
        "GROUP BY opportunity_id"
    )


def _witness(intake: Intake) -> str:
    """A CRM's shape: the last change of stage as the deal's row tells it, else the day it was closed on."""
    headers = custom_headers(intake, "opportunities")
    named = {file.text.stage_changed for file in intake.files_of("opportunities")} - {""}
    told = [f"TRY_CAST(c_{headers.index(header)} AS TIMESTAMPTZ)" for header in sorted(named)]
    changed = f"coalesce({', '.join(told)})" if told else "CAST(NULL AS TIMESTAMPTZ)"
    day_end = "CAST(close_date AS TIMESTAMP) + INTERVAL 1 DAY - INTERVAL 1 MICROSECOND"
    closed = f"CASE WHEN close_date <= current_date THEN least(timezone('UTC', {day_end}), now()) END"
    vendors = [str(file.number) for file in intake.files_of("opportunities") if file.text.vendor]
    return (
        f"SELECT _file, _row, coalesce({changed}, {closed}) AS closing FROM all_opportunities "
        f"WHERE _file IN ({', '.join(vendors) or 'NULL'})"
    )
