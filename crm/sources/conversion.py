"""The typing rules: what a cell's text means, by the kind that the contract gives its column.

Each kind has one SQL expression for the value, and predicates for what may be wrong with it, in order of
precedence. Nothing is computed a row at a time in Python. `text` below is a SQL name of trimmed text in which
blank is NULL; `form` and `value` are SQL names under which the text's form (see `form_of`) and its typed
value stand ready once they have been told.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm.sources import rules
from crm.sources.mapping import SourceMapping
from crm.sources.quoting import literal
from crm.sources.rules import Rule
from crm.tables import Kind

TO_DAY_END = "(INTERVAL 1 DAY - INTERVAL 1 MICROSECOND)"
EXCEL = "excel"

ISO_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
ISO_TIME = r"[T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?"
ZONE = r" ?(Z|UTC|[+-]\d\d(:?\d\d)?)"
UTC_TIME = r".*(UTC|[+-]00(:?00)?)"
DAY_MONTH = r"\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d\d)([ ,T].*)?"
SERIAL = r"\d{5}(\.\d+)?"
DIGITS = r"[-+]?[\d.,' ]*\d[\d.,' ]*"
# Thousands marks that cannot be read as a decimal mark: 1,234.56 and 1,234,567.
GROUPED = r"[-+]?\d{1,3}(,\d{3})+\.\d+|[-+]?\d{1,3}(,\d{3}){2,}"
COMMA_LOCALE = r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"


@dataclass(frozen=True)
class Conversion:
    """SQL for one column: its form (empty: needs none), its value, its problems, what to count."""

    value: str
    form: str = ""
    problems: tuple[tuple[Rule, str], ...] = ()
    counts: tuple[tuple[str, str], ...] = ()


def conversion(
    kind: Kind, text: str, form: str, value: str, mapping: SourceMapping, *, starts: bool = False
) -> Conversion:
    """How a column of that kind is read.

    :param starts: a day that stands where an instant is wanted means the day's start (something came into
        being); else it means its end, because what happened on a day is not known before the day is over.
    """
    match kind:
        case Kind.INSTANT:
            return _instant(text, form, value, mapping, starts)
        case Kind.DATE:
            return _day(text, form, value, mapping)
        case Kind.MONEY | Kind.NUMBER:
            return _number(text, value, mapping.decimal)
        case Kind.FLAG:
            return _flag(text, value)
        case _:
            return Conversion(text)


def plain_number(value: str) -> str:
    """SQL for a double as plain text: 15000, 0.5."""
    whole = f"{value} = trunc({value}) AND abs({value}) < 1e15"
    return f"CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"


def form_of(text: str, mapping: SourceMapping) -> str:
    """What a text that stands for a time looks like.

    z an ISO time with its zone, n an ISO time without one, d an ISO day, f the declared format, a a date that
    may be day first or month first, s an Excel serial day, u anything else; NULL where there is none.
    """
    declared = f"WHEN {_matches(text, DAY_MONTH)} THEN 'a' "
    if mapping.date_format:
        declared = f"WHEN {_declared(text, mapping)} IS NOT NULL THEN 'f' "
    return (
        f"CASE WHEN {text} IS NULL THEN NULL "
        f"WHEN {text} LIKE '____-__-__T__:__:__%Z' THEN 'z' "
        f"WHEN {text} LIKE '____-__-__' AND {_matches(text, ISO_DAY)} THEN 'd' "
        f"WHEN {_matches(text, ISO_DAY + ISO_TIME + ZONE)} THEN 'z' "
        f"WHEN {_matches(text, ISO_DAY + ISO_TIME)} THEN 'n' "
        f"WHEN {_matches(text, ISO_DAY)} THEN 'd' {declared}"
        f"WHEN {_matches(text, SERIAL)} THEN 's' ELSE 'u' END"
    )


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _declared(text: str, mapping: SourceMapping) -> str:
    """SQL for the time (without a zone) that the declared format reads."""
    if mapping.date_format is None:
        return "CAST(NULL AS TIMESTAMP)"
    if mapping.date_format == EXCEL:
        serial = f"CASE WHEN {_matches(text, SERIAL)} THEN CAST({text} AS DOUBLE) END"
        seconds = f"CAST(round(86400 * {serial}) AS BIGINT)"
        return f"TIMESTAMP '1899-12-30 00:00:00' + to_seconds({seconds})"
    formats = [mapping.date_format]
    if not _has_hours(mapping.date_format):
        formats += [f"{mapping.date_format} %H:%M:%S", f"{mapping.date_format} %H:%M"]
    return f"try_strptime({text}, [{', '.join(literal(f) for f in formats)}])"


def _has_hours(date_format: str) -> bool:
    return any(mark in date_format for mark in ("%H", "%I", "%c", "%X"))


def _number(text: str, value: str, decimal: str) -> Conversion:
    """A number in the declared locale; a plain one is a plain one in either."""
    unread = f"{text} IS NOT NULL AND {value} IS NULL"
    if decimal == ",":
        grouped = "false"
        plain = f"replace(replace({text}, '.', ''), ',', '.')"
        special = f"lower(ltrim({text}, '+-')) IN ('nan', 'inf', 'infinity')"
        typed = (
            f"CASE WHEN {_matches(text, COMMA_LOCALE)} THEN TRY_CAST({plain} AS DOUBLE) "
            f"WHEN {special} THEN TRY_CAST({text} AS DOUBLE) END"
        )
    else:
        grouped = f"contains({text}, ',') AND {_matches(text, GROUPED)}"
        plain = f"CASE WHEN {grouped} THEN replace({text}, ',', '') ELSE {text} END"
        typed = f"TRY_CAST({plain} AS DOUBLE)"
    return Conversion(
        typed,
        problems=(
            (rules.UNDECLARED_LOCALE, f"{unread} AND {_matches(text, DIGITS)}"),
            (rules.UNREADABLE_NUMBER, unread),
            (rules.NOT_FINITE, f"NOT isfinite({value})"),
        ),
        counts=(("thousands marks removed", grouped),),
    )


def _instant(text: str, form: str, value: str, mapping: SourceMapping, starts: bool) -> Conversion:
    zone = literal(mapping.time_zone or "UTC")
    local = f"TRY_CAST({text} AS TIMESTAMP)"
    if mapping.date_format:
        local = f"(CASE WHEN {form} = 'f' THEN {_declared(text, mapping)} ELSE {local} END)"
    if not starts:
        hours = "." if mapping.date_format == EXCEL else ":"
        is_day = f"({form} = 'd' OR ({form} = 'f' AND NOT contains({text}, '{hours}')))"
        local = f"{local} + CASE WHEN {is_day} THEN {TO_DAY_END} ELSE INTERVAL 0 DAY END"
    typed = (
        f"CASE WHEN {form} = 'z' THEN TRY_CAST({text} AS TIMESTAMPTZ) "
        f"WHEN {form} IN ('n', 'd', 'f') THEN timezone({zone}, {local}) END"
    )
    undeclared = f"{form} IN ('n', 'd', 'f')" if mapping.time_zone is None else "false"
    return Conversion(
        typed,
        form_of(text, mapping),
        problems=(
            (rules.DAY_OR_MONTH_FIRST, f"{form} = 'a'"),
            (rules.EXCEL_SERIAL, f"{form} = 's'"),
            (rules.UNREADABLE_TIME, f"{form} = 'u' OR ({form} IS NOT NULL AND {value} IS NULL)"),
            (rules.NO_TIME_ZONE, f"{undeclared} AND {value} IS NOT NULL"),
        ),
        counts=_instant_counts(text, form, value, zone, mapping),
    )


def _instant_counts(text: str, form: str, value: str, zone: str, mapping: SourceMapping) -> tuple[tuple[str, str], ...]:
    elsewhere = f"{form} = 'z' AND NOT ({text} LIKE '%Z' OR {_matches(text, UTC_TIME)})"
    counts = [("times converted to UTC", elsewhere)]
    if mapping.time_zone is not None:
        counts.append(("days that stand for a time", f"{form} = 'd'"))
    if mapping.time_zone not in (None, "UTC"):
        written = f"TRY_CAST({text} AS TIMESTAMP)"
        earlier = f"timezone({zone}, {value} - INTERVAL 1 HOUR) = {written}"
        later = f"timezone({zone}, {value} + INTERVAL 1 HOUR) = {written}"
        counts.append(("hours that occur twice", f"{form} = 'n' AND ({earlier} OR {later})"))
    return tuple(counts)


def _day(text: str, form: str, value: str, mapping: SourceMapping) -> Conversion:
    typed = (
        f"CASE WHEN {form} = 'd' THEN TRY_CAST({text} AS DATE) "
        f"WHEN {form} IN ('z', 'n') THEN TRY_CAST(regexp_extract({text}, '^[0-9-]+') AS DATE) "
        f"WHEN {form} = 'f' THEN CAST({_declared(text, mapping)} AS DATE) END"
    )
    return Conversion(
        typed,
        form_of(text, mapping),
        problems=(
            (rules.DAY_OR_MONTH_FIRST, f"{form} = 'a'"),
            (rules.EXCEL_SERIAL, f"{form} = 's'"),
            (rules.UNREADABLE_DAY, f"{form} = 'u' OR ({form} IS NOT NULL AND {value} IS NULL)"),
        ),
        counts=(("times cut to their day", f"{form} IN ('z', 'n')"),),
    )


def _flag(text: str, value: str) -> Conversion:
    yes = "('1', '1.0', 'true', 't', 'yes', 'y')"
    no = "('0', '0.0', 'false', 'f', 'no', 'n')"
    typed = f"CASE WHEN lower({text}) IN {yes} THEN true WHEN lower({text}) IN {no} THEN false END"
    return Conversion(typed, problems=((rules.UNREADABLE_FLAG, f"{text} IS NOT NULL AND {value} IS NULL"),))
