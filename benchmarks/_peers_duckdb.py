"""The features of `features_peers` in DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from crm.clock import DAY


def load(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the tables; unknown numbers are NULL."""
    tables = duckdb.connect()
    for name, columns in arrays.items():
        tables.register("given", pa.table({c: pa.array(a, from_pandas=True) for c, a in columns.items()}))
        tables.sql(f"CREATE TABLE {name} AS FROM given")
        tables.unregister("given")
    return tables


def column(answers: pa.Table, name: str) -> np.ndarray:
    """A key or feature; NaN where not known."""
    return answers[name].to_numpy()


def joined(tables: duckdb.DuckDBPyConnection) -> pa.Table:
    """By a join of each stream with the snapshots of its deal, grouped by snapshot."""
    return tables.sql(_QUERY).to_arrow_table()


def _known(stream: str, answers: str) -> str:
    known = f"snapshots s JOIN {stream} e ON e.deal = s.deal AND e.ts <= s.as_of"
    return f"{stream}_known AS (SELECT s.rowid AS id, {answers} FROM {known} GROUP BY s.rowid)"


def _count(where: str, days: int = 0) -> str:
    within = f"ts > as_of - {days * DAY}" if days else "true"
    return f"count_if({where} AND {within})::INTEGER"


def _days(then: str) -> str:
    return f"(as_of - {then}) / {DAY}"


_KNOWN = [
    _known(
        "touches",
        f"""max(ts) AS touch_at, max(CASE WHEN meeting THEN ts END) AS meeting_at, count(*)::INTEGER AS touches,
        {_count("true", 7)} AS touches_7, {_count("true", 30)} AS touches_30, {_count("true", 90)} AS touches_90,
        {_count("meeting")} AS meetings, {_count("meeting", 30)} AS meetings_30, {_count("meeting", 90)} AS meetings_90,
        {_count("call", 30)} AS calls_30, {_count("demo")} AS demos, {_count("proposal")} AS proposals""",
    ),
    _known(
        "replies",
        f"""max(CASE WHEN inbound THEN ts END) AS in_at, min(CASE WHEN inbound THEN ts END) AS first_in_at,
        count(*)::INTEGER AS replies, {_count("inbound")} AS ins, {_count("inbound", 7)} AS ins_7,
        {_count("inbound", 14)} AS ins_14, {_count("inbound", 28)} AS ins_28, {_count("inbound", 30)} AS ins_30,
        {_count("inbound", 90)} AS ins_90, {_count("outbound", 30)} AS outs_30, {_count("outbound", 90)} AS outs_90""",
    ),
    _known(
        "stages",
        f"""arg_max_null(rank, ts) AS rank, sum(skipped) AS skips, max(CASE WHEN entered THEN ts END) AS entered_at,
        max(CASE WHEN forward THEN ts END) AS forward_at, {_count("backward")} AS backwards,
        {_count("forward")} AS forwards, {_count("forward", 90)} AS forwards_90, {_count("reopened")} AS reopenings""",
    ),
    _known(
        "amounts",
        f"""arg_max_null(value, ts) AS amount, arg_min(value, ts) AS first_amount, {_count("changed")} AS changes,
        max(CASE WHEN changed THEN ts END) AS changed_at""",
    ),
    _known(
        "close_dates",
        f"""arg_max_null(day, ts) AS last_day, arg_min(day, ts) AS first_day, {_count("pushed")} AS pushes,
        {_count("pushed", 90)} AS pushes_90, {_count("pulled")} AS pulls, sum(pushed_days) AS pushed_days,
        max(CASE WHEN pushed THEN ts END) AS pushed_at""",
    ),
]

_ANSWERS = {
    "days_since_inbound": _days("in_at"),
    "inbound_7d": "coalesce(ins_7, 0)",
    "inbound_30d": "coalesce(ins_30, 0)",
    "inbound_90d": "coalesce(ins_90, 0)",
    "inbound_trend": "coalesce(ins_14 * 2 - ins_28, 0)",
    "silence_against_rhythm": f"{_days('in_at')} / ((in_at - first_in_at) / {DAY} / (ins - 1))",
    "inbound_share": "ins / replies",
    "outbound_30d": "coalesce(outs_30, 0)",
    "outbound_90d": "coalesce(outs_90, 0)",
    "days_since_touch": _days("touch_at"),
    "touches_7d": "coalesce(touches_7, 0)",
    "touches_30d": "coalesce(touches_30, 0)",
    "touches_90d": "coalesce(touches_90, 0)",
    "touches_total": "coalesce(touches, 0)",
    "meetings": "coalesce(meetings, 0)",
    "meetings_30d": "coalesce(meetings_30, 0)",
    "meetings_90d": "coalesce(meetings_90, 0)",
    "calls_30d": "coalesce(calls_30, 0)",
    "demos": "coalesce(demos, 0)",
    "proposals": "coalesce(proposals, 0)",
    "days_since_meeting": _days("meeting_at"),
    "stage_position": "rank",
    "days_in_stage": _days("entered_at"),
    "moves_forward": "coalesce(forwards, 0)",
    "moves_forward_90d": "coalesce(forwards_90, 0)",
    "moves_back": "coalesce(backwards, 0)",
    "stages_skipped": "coalesce(skips, 0)",
    "days_since_forward": _days("forward_at"),
    "reopened": "coalesce(reopenings, 0)",
    "amount": "amount",
    "amount_changes": "coalesce(changes, 0)",
    "amount_change_ratio": "ln(1 + amount) - ln(1 + first_amount)",
    "days_since_amount_change": _days("changed_at"),
    "days_to_close_date": f"last_day - as_of / {DAY}",
    "pushes": "coalesce(pushes, 0)",
    "pushes_90d": "coalesce(pushes_90, 0)",
    "pulls": "coalesce(pulls, 0)",
    "close_date_slip": "last_day - first_day",
    "days_since_push": _days("pushed_at"),
    "mean_push": "pushed_days / pushes",
}

_STREAMS = ("touches", "replies", "stages", "amounts", "close_dates")
_QUERY = f"""
WITH {", ".join(_KNOWN)}
SELECT s.deal, s.as_of, {", ".join(f"{answer} AS {name}" for name, answer in _ANSWERS.items())}
FROM snapshots s {" ".join(f"LEFT JOIN {stream}_known ON {stream}_known.id = s.rowid" for stream in _STREAMS)}
"""
