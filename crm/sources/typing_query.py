"""The one statement that types a file: text → forms → values → first problem of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crm.sources import rules
from crm.sources.change_values import VALUES, change_values, meant_values
from crm.sources.conversion import Conversion, conversion
from crm.sources.mapping import SourceMapping
from crm.sources.own_values import PLACEHOLDER_YEARS, own_kinds, own_value, trimmed_fields
from crm.sources.quoting import literal, literals, name, renamed
from crm.sources.rules import Rule
from crm.tables import TABLES, Column, Kind

# Text that is matched against other tables' text, so that blanks around it must not matter.
KEYS = frozenset({"stage", "field", "kind", "direction"})
# A day in these columns means its start: something came into being. In all others it means its end.
STARTS = frozenset({"created_at", "started_at"})
# In these tables a time before 1990 sets the row aside; elsewhere only where the column is required.
HISTORY = frozenset({"opportunities", "changes", "activities", "contact_roles"})
NEVER_NEGATIVE = frozenset({("opportunities", "amount"), ("quotas", "amount")})
EARLIEST = "TIMESTAMPTZ '1990-01-01 00:00:00+00'"
LONGEST_CELL = 10_000_000  # bytes
BLANKS = " \t\r\n\v\f\u00a0"
EARLY = -1
BITS = 31  # that one column of counts holds


@dataclass(frozen=True)
class TextRelation:
    """A file's rows under the contract's names, still text.

    `select` gives `_row`, `_seq` (the place among what one row gives), `_early` (name of the rule that sets
    the row aside before any other, or NULL) with `_early_column` and `_early_value`, `_told` (why the row is
    accepted without standing in the table, or NULL), the contract's columns in `headers`, and the columns in
    `custom`.

    :param headers: contract column → what the file calls it.
    :param custom: internal name → what the file calls it.
    :param aliases: column → {value found: value meant}; of opportunities where the table is changes.
    :param fields: name of a field in a history → column of opportunities.
    :param numeric: contract columns, and custom ones by their internal names, whose text was made from typed
        numbers.
    :param vendor: whose shape it is, empty for the contract's own.
    :param counted: what was normalised on the way, and how often.
    :param told_at_entry: the `_told` of values that deals were entered with, in a history that tells every version.
    :param stage_changed: the custom column that tells when the stage changed last; "" where there is none.
    """

    table: str
    select: str
    headers: Mapping[str, str]
    custom: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    numeric: frozenset[str] = frozenset()
    may_hold_nul: bool = True
    vendor: str = ""
    counted: Mapping[str, int] = field(default_factory=dict)
    stage_changed: str = ""
    told_at_entry: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(c for c in TABLES[self.table].columns if c.name in self.headers)


@dataclass(frozen=True)
class Problem:
    """A predicate over the typed rows, and the column whose text is shown as the reason."""

    rule: Rule
    column: str
    when: str


@dataclass(frozen=True)
class TypingQuery:
    """The statement, the problems by their number in `_problem`, and what each bit of `_counts_0` … counts.

    See :func:`counted` for the place of each.
    """

    sql: str
    problems: tuple[Problem, ...]
    counts: tuple[str, ...]


def typing_query(text: TextRelation, mapping: SourceMapping) -> TypingQuery:
    """Types a file's rows: contract columns, custom columns, `_problem` with `_value`, `_counts_0` …, `_hash`."""
    conversions = {c.name: _conversion(text, c, mapping) for c in text.columns}
    if text.table == "changes":
        conversions |= {c: v for c, v in change_values(mapping).items() if c in text.headers}
    conversions |= {x: _custom(text, x, mapping) for x in text.custom}
    problems = tuple(sorted(_problems(text, conversions), key=lambda p: _precedence(p.rule)))
    counts = _counts(conversions)
    outcome = ", ".join(name(column) for column in (*text.headers, *text.custom))
    sql = _layered(
        text.select,
        f"SELECT _row, _seq, _early, _early_column, _early_value, _told, {_trimmed(text, mapping)} FROM",
        *_meant(text, mapping),
        f"SELECT *, {_forms(conversions)} FROM",
        f"SELECT *, {_values(conversions)} FROM",
        f"SELECT *, {_judgement(problems)} AS _problem FROM",
        f"SELECT _row, _seq, {outcome}, _early, _early_column, _told, _problem::SMALLINT AS _problem, "
        f"{_reason(problems)} AS _value, {_bits(counts)}, hash({outcome}) AS _hash FROM",
    )
    return TypingQuery(sql, problems, tuple(what for what, _ in counts))


def text_name(column: str) -> str:
    """The SQL name under which a column's text stands in the query."""
    return name(f"t_{column}")


def _conversion(text: TextRelation, column: Column, mapping: SourceMapping) -> Conversion:
    """The typing rules of the column's kind, and the rules about the value itself."""
    locale = replace(mapping, decimal=".") if column.name in text.numeric else mapping
    value, form = name(column.name), name(f"f_{column.name}")
    converted = conversion(column.kind, text_name(column.name), form, value, locale, starts=column.name in STARTS)
    typed, problems, counts = converted.value, list(converted.problems), list(converted.counts)
    if column.kind in (Kind.INSTANT, Kind.DATE):
        if column.required or text.table in HISTORY:
            problems.append((rules.PLACEHOLDER_TIME, f"{value} < {EARLIEST}"))
        else:
            placeholder = f"year({typed}) IN {PLACEHOLDER_YEARS}"
            counts.append(("placeholder days read as missing", placeholder))
            typed = f"CASE WHEN NOT {placeholder} THEN {typed} END"
    if (text.table, column.name) == ("opportunities", "owner_id"):
        counts.append(("deals without an owner", f"{value} IS NULL"))
    if (text.table, column.name) in NEVER_NEGATIVE:
        problems.append((rules.NEGATIVE_AMOUNT, f"{value} < 0"))
    return Conversion(typed, converted.form, tuple(problems), tuple(counts))


def _custom(text: TextRelation, x: str, mapping: SourceMapping) -> Conversion:
    """A custom column is text as it stands; a declared one of opportunities is read by its kind."""
    header = text.custom[x]
    kind = own_kinds(mapping).get(header, Kind.TEXT) if text.table == "opportunities" else Kind.TEXT
    locale = replace(mapping, decimal=".") if x in text.numeric else mapping
    return own_value(kind, header, text_name(x), name(f"f_{x}"), name(x), locale)


# --- layers ------------------------------------------------------------------------------------------


def _layered(innermost: str, *selects: str) -> str:
    """Each SELECT over the one before it, as subqueries: a WITH would write each layer into memory."""
    query = innermost
    for select in selects:
        query = f"{select} ({query})"
    return query


def _trimmed(text: TextRelation, mapping: SourceMapping) -> str:
    """Blank is missing; ids, keys and what will be typed lose blanks around them, other text keeps them."""
    bare = trimmed_fields(mapping) if text.table == "opportunities" else []
    parts = []
    for column in text.columns:
        keeps = column.kind is Kind.TEXT and column.name not in KEYS
        source = name(column.name)
        parts.append(f"{_kept(source) if keeps else _bare(source)} AS {text_name(column.name)}")
    for x, header in text.custom.items():
        parts.append(f"{_bare(name(x)) if header in bare else _kept(name(x))} AS {text_name(x)}")
    return ", ".join(parts)


def _bare(text: str) -> str:
    """The text without blanks around it; NULL where nothing is left. Trims only where needed: it is slow."""
    touched = f"{text} < '!' OR right({text}, 1) < '!' OR contains({text}, chr(160))"
    return f"CASE WHEN {touched} THEN nullif(trim({text}, {literal(BLANKS)}), '') ELSE {text} END"


def _kept(text: str) -> str:
    """The text as it stands; NULL where it is blank."""
    blank = f"({text} < '!' OR starts_with({text}, chr(160))) AND trim({text}, {literal(BLANKS)}) = ''"
    return f"CASE WHEN {blank} THEN NULL ELSE {text} END"


def _meant(text: TextRelation, mapping: SourceMapping) -> list[str]:
    """Aliases: values found → values meant; in a history by the field that changed."""
    if text.table == "changes":
        field_meant = f"SELECT * REPLACE ({renamed('t_field', text.fields.items())} AS t_field) FROM"
        meant = [(c, e) for c, e in meant_values(text.aliases) if c.removeprefix("t_") in text.headers]
        return [field_meant, *_bare_changes(text, trimmed_fields(mapping)), _replaced(meant)]
    aliases = {c: meanings for c, meanings in text.aliases.items() if c in text.headers and meanings}
    return [_replaced([(text_name(c), renamed(text_name(c), m.items())) for c, m in aliases.items()])]


def _bare_changes(text: TextRelation, fields: list[str]) -> list[str]:
    """The values of those fields in a history, without the blanks around them."""
    values = [text_name(value) for value in VALUES if value in text.headers]
    if not fields or not values:
        return []
    bare = (f"CASE WHEN t_field IN ({literals(fields)}) THEN {_bare(v)} ELSE {v} END AS {v}" for v in values)
    return [f"SELECT * REPLACE ({', '.join(bare)}) FROM"]


def _replaced(meant: list[tuple[str, str]]) -> str:
    if not meant:
        return "SELECT *, false AS _renamed FROM"
    replaced = ", ".join(f"{expression} AS {column}" for column, expression in meant)
    was = " OR ".join(f"{expression} IS DISTINCT FROM {column}" for column, expression in meant)
    return f"SELECT * REPLACE ({replaced}), {was} AS _renamed FROM"


def _forms(conversions: Mapping[str, Conversion]) -> str:
    forms = [f"{c.form} AS {name(f'f_{column}')}" for column, c in conversions.items() if c.form]
    return ", ".join(forms) or "NULL AS _no_form"


def _values(conversions: Mapping[str, Conversion]) -> str:
    return ", ".join(f"{c.value} AS {name(column)}" for column, c in conversions.items())


# --- problems ----------------------------------------------------------------------------------------


def _problems(text: TextRelation, conversions: Mapping[str, Conversion]) -> list[Problem]:
    found = []
    if text.may_hold_nul:
        for cell in (*text.headers, *text.custom):
            broken = f"contains({text_name(cell)}, chr(0)) OR strlen({text_name(cell)}) > {LONGEST_CELL}"
            found.append(Problem(rules.NUL_OR_HUGE, cell, broken))
    for column in text.columns:
        if column.required:
            rule = rules.BLANK_ID if column.kind is Kind.ID else rules.BLANK_REQUIRED
            found.append(Problem(rule, column.name, f"{text_name(column.name)} IS NULL"))
    for column_name, converted in conversions.items():
        found += [Problem(rule, column_name, when) for rule, when in converted.problems]
    return found


def _precedence(rule: Rule) -> int:
    """A broken cell first, then what stops the reading, then what sets the row aside."""
    return 0 if rule is rules.NUL_OR_HUGE else 1 if rule.stops else 2


def _judgement(problems: tuple[Problem, ...]) -> str:
    whens = " ".join(f"WHEN {p.when} THEN {place}" for place, p in enumerate(problems))
    return f"CASE WHEN _early IS NOT NULL THEN {EARLY} WHEN _told IS NOT NULL THEN NULL {whens} END"


def _reason(problems: tuple[Problem, ...]) -> str:
    """The text of the cell that the row's problem is about."""
    whens = " ".join(f"WHEN {i} THEN left({text_name(p.column)}, 200)" for i, p in enumerate(problems))
    reason = f"CASE _problem WHEN {EARLY} THEN left(_early_value, 200) {whens} END"
    return f"CASE WHEN _problem IS NOT NULL THEN {reason} END"


# --- counts ------------------------------------------------------------------------------------------


def _counts(conversions: Mapping[str, Conversion]) -> list[tuple[str, str]]:
    """What to count, one predicate each: the same thing in several columns is counted once a row."""
    predicates: dict[str, list[str]] = {"values renamed by an alias": ["_renamed"]}
    for converted in conversions.values():
        for what, when in converted.counts:
            predicates.setdefault(what, []).append(f"({when})")
    return [(what, " OR ".join(f"coalesce({p}, false)" for p in found)) for what, found in predicates.items()]


def counted(bit: int) -> tuple[str, int]:
    """The column of counts that holds a bit, and the bit's value in it."""
    return f"_counts_{bit // BITS}", 1 << bit % BITS


def _bits(counts: list[tuple[str, str]]) -> str:
    columns: dict[str, list[str]] = {}
    for bit, (_, when) in enumerate(counts):
        column, value = counted(bit)
        columns.setdefault(column, []).append(f"CASE WHEN {when} THEN {value} ELSE 0 END")
    return ", ".join(f"CAST({' + '.join(bits)} AS INTEGER) AS {column}" for column, bits in columns.items())
