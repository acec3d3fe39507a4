"""What a company declares about its files: which column is which, zone, locale, aliases, columns of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from crm.errors import WrongUse
from crm.sources.banned import BANNED_EXAMPLE, banned_columns, refuse_own_answers, refuse_protected
from crm.tables import OPPORTUNITIES, OWN_KINDS, TABLES, OwnColumn, Wishes

# Sales-engagement tools write into the subject who wrote: "[Email] [In] Re: …", "← Email: …", "Email: … >>".
INBOUND_SUBJECT = (r"\[in(bound)?\]", r"^\s*(←|<-)", r"^\s*email:.*<<")
OUTBOUND_SUBJECT = (r"\[out(bound)?\]", r"^\s*(→|->)", r"^\s*email:.*>>")


@dataclass(frozen=True)
class TableMapping:
    """Where one table of the contract comes from.

    :param file: file name in the folder; empty = the file that has the table's own name.
    :param columns: contract column → source column; any other source column keeps its own name.
    :param values: contract column → {value found: value meant}.
    """

    file: str
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceMapping:
    """The declarations under ``[data]``, ``[tables.*]``, ``[fields]`` and ``[activities]`` of dealcast.toml.

    The default declares nothing.

    :param time_zone: IANA zone of times that carry none; None = not declared.
    :param decimal: "," where the locale writes 1.234,56 (then "." is the thousands mark).
    :param date_format: strptime format of days that are not ISO ("%d/%m/%Y"), or "excel" for serial days.
    :param fixed: columns of opportunities declared fixed at creation.
    :param stage_aliases: renamed stages, old name → today's name.
    :param inbound_subject: patterns (regular expressions, any case) of subjects from the buyer.
    :param outbound_subject: the same for subjects to the buyer.
    :param tables: contract table → where it comes from.
    :param wishes: columns of its own, and activity kinds, that get features.
    :param written_by: the CRM's id of the user that Dealcast writes as, where our fields have names of their own.
    """

    time_zone: str | None = None
    decimal: str = "."
    date_format: str | None = None
    fixed: frozenset[str] = frozenset()
    stage_aliases: Mapping[str, str] = field(default_factory=dict)
    inbound_subject: tuple[str, ...] = INBOUND_SUBJECT
    outbound_subject: tuple[str, ...] = OUTBOUND_SUBJECT
    tables: Mapping[str, TableMapping] = field(default_factory=dict)
    wishes: Wishes = field(default_factory=Wishes)
    written_by: str | None = None


DATA_KEYS = (
    "time_zone",
    "decimal",
    "date_format",
    "fixed",
    "banned",
    "stage_aliases",
    "inbound_subject",
    "outbound_subject",
    "written_by",
)
TABLE_KEYS = ("file", "columns", "values")
FIELD_KEYS = ("kind", "label", "actionable", "protected")
TAKEN_NAMES = ("deal", "company", "account", "owner")  # whose histories are kept under these names


def mapping_from_toml(data: Mapping[str, Any]) -> SourceMapping:
    """The ``[data]``, ``[tables.*]``, ``[fields]`` and ``[activities]`` parts of a parsed dealcast.toml.

    :raises WrongUse: an unknown key, naming it and the nearest known one, or a value of the wrong kind.
    """
    declared = _section(data.get("data", {}), "[data]")
    _only_known(declared, DATA_KEYS, "[data]")
    default = SourceMapping()
    return SourceMapping(
        time_zone=_zone(declared.get("time_zone")),
        decimal=_decimal(declared.get("decimal", default.decimal)),
        date_format=_text_or_none(declared.get("date_format"), "[data] date_format"),
        fixed=frozenset(_texts(declared.get("fixed", ()), "[data] fixed")),
        stage_aliases=_text_table(declared.get("stage_aliases", {}), "[data.stage_aliases]"),
        inbound_subject=_patterns(declared.get("inbound_subject", INBOUND_SUBJECT), "[data] inbound_subject"),
        outbound_subject=_patterns(declared.get("outbound_subject", OUTBOUND_SUBJECT), "[data] outbound_subject"),
        tables=_tables(_section(data.get("tables", {}), "[tables]")),
        wishes=Wishes(
            _own_columns(_section(data.get("fields", {}), "[fields]")),
            _activity_kinds(_section(data.get("activities", {}), "[activities]")),
            banned_columns(_texts(declared.get("banned", ()), "[data] banned", BANNED_EXAMPLE)),
        ),
        written_by=_text_or_none(declared.get("written_by"), "[data] written_by") or None,
    )


def _tables(section: Mapping[str, Any]) -> dict[str, TableMapping]:
    _only_known(section, TABLES, "[tables]")
    return {table: _table(table, _section(entry, f"[tables.{table}]")) for table, entry in section.items()}


def _table(table: str, section: Mapping[str, Any]) -> TableMapping:
    where = f"[tables.{table}]"
    _only_known(section, TABLE_KEYS, where)
    columns = _text_table(section.get("columns", {}), f"[tables.{table}.columns]")
    _only_known(columns, [c.name for c in TABLES[table].columns], f"[tables.{table}.columns]")
    values = _section(section.get("values", {}), f"[tables.{table}.values]")
    _only_known(values, [c.name for c in TABLES[table].columns], f"[tables.{table}.values]")
    return TableMapping(
        file=_text_or_none(section.get("file"), f"{where} file") or "",
        columns=columns,
        values={c: _text_table(v, f"[tables.{table}.values.{c}]") for c, v in values.items()},
    )


def _own_columns(section: Mapping[str, Any]) -> tuple[OwnColumn, ...]:
    return tuple(_own_column(column, entry) for column, entry in section.items())


def _own_column(column: str, entry: object) -> OwnColumn:
    """One declaration: its kind alone, or a section with its kind, label and whether a rep can act on it."""
    where = f"[fields.{column}]"
    _refuse_taken(column)
    refuse_own_answers(column)
    if isinstance(entry, str):
        refuse_protected(column, readable(column))
        return OwnColumn(column, _own_kind(entry, f"[fields] {column}"), readable(column))
    if not isinstance(entry, Mapping):
        raise _wrong_kind(entry, f"[fields] {column}", f"its kind in quotes: {', '.join(OWN_KINDS)}")
    _only_known(entry, FIELD_KEYS, where)
    actionable = entry.get("actionable", False)
    if not isinstance(actionable, bool):
        raise _wrong_kind(actionable, f"{where} actionable", "true or false")
    label = (_text_or_none(entry.get("label"), f"{where} label") or "").strip() or readable(column)
    protected = entry.get("protected")
    if protected not in (None, False):
        raise _wrong_kind(
            protected, f"{where} protected", "false, where the name only looks like a protected attribute"
        )
    if protected is None:
        refuse_protected(column, readable(column), label)
    return OwnColumn(column, _own_kind(entry.get("kind"), f"{where} kind"), label, actionable)


def _own_kind(kind: object, where: str) -> str:
    if isinstance(kind, str) and kind in OWN_KINDS:
        return kind
    near = get_close_matches(kind, OWN_KINDS, n=1) if isinstance(kind, str) else []
    raise WrongUse(
        f"{kind!r} is no kind of field" if kind is not None else "the field's kind is not given",
        where=f"dealcast.toml, {where}",
        expected="one of " + ", ".join(OWN_KINDS),
        remedy=f"write {near[0]!r}" if near else "name its kind",
    )


def _refuse_taken(column: str) -> None:
    if OPPORTUNITIES.column(column) is not None:
        raise WrongUse(
            f"{column!r} is a column that Dealcast knows; it is read as such and has the features that it can have",
            where="dealcast.toml, [fields]",
            expected="columns of your own",
            remedy="remove it; if its changes are not recorded but it never changes, name it in [data] fixed",
        )
    if column in TAKEN_NAMES:
        raise WrongUse(
            f"{column!r} is a name that Dealcast uses itself",
            where="dealcast.toml, [fields]",
            expected=f"a column with another name than {', '.join(TAKEN_NAMES)}",
            remedy="rename the column, or map it to a known one in [tables.opportunities.columns]",
        )


def readable(column: str) -> str:
    """A column's name as people would say it: ``Main_Competitor__c`` → "main competitor"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", column.removesuffix("__c")).split()
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words) or column


def _activity_kinds(section: Mapping[str, Any]) -> tuple[str, ...]:
    _only_known(section, ("kinds",), "[activities]")
    kinds = _texts(section.get("kinds", ()), "[activities] kinds", '["offer:sent", "Site visit"]')
    if not all(kind.strip() for kind in kinds):
        raise _wrong_kind("", "[activities] kinds", "the kinds as they stand in the data")
    return tuple(dict.fromkeys(kinds))


def _only_known(found: Iterable[str], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in found:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise WrongUse(
                f"unknown key {key!r}",
                where=f"dealcast.toml, {where}",
                expected="one of " + ", ".join(known),
                remedy=f"write {near[0]!r}" if near else f"remove {key!r}",
            )


def _section(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong_kind(value, where, "a table")
    return value


def _text_table(value: object, where: str) -> dict[str, str]:
    section = _section(value, where)
    for key, text in section.items():
        if not isinstance(text, str):
            raise _wrong_kind(text, f"{where} {key}", "text in quotes")
    return dict(section)


def _texts(value: object, where: str, example: str = '["product", "owner_id"]') -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or any(not isinstance(v, str) for v in value):
        raise _wrong_kind(value, where, f"a list of texts, such as {example}")
    return tuple(value)


def _text_or_none(value: object, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong_kind(value, where, "text in quotes")
    return value


def _decimal(value: object) -> str:
    if value not in (".", ","):
        raise _wrong_kind(value, "[data] decimal", 'decimal = "." or decimal = ","')
    return str(value)


def _zone(value: object) -> str | None:
    zone = _text_or_none(value, "[data] time_zone")
    if zone is None:
        return None
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise _wrong_kind(zone, "[data] time_zone", 'an IANA zone, such as "UTC" or "Europe/Berlin"') from error
    return zone


def _patterns(value: object, where: str) -> tuple[str, ...]:
    patterns = _texts(value, where)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _wrong_kind(pattern, where, f"a regular expression ({error})") from error
    return patterns


def _wrong_kind(value: object, where: str, expected: str) -> WrongUse:
    return WrongUse(
        f"{value!r} does not fit",
        where=f"dealcast.toml, {where}",
        expected=expected,
        remedy="correct the entry",
    )
