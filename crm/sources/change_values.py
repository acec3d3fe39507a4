"""The values in a field history: text whose kind depends on the field that changed.

They are typed by the same rules as the field's own column and written back as plain text (15000, 2024-03-31),
so that whoever reads the history later can convert them without failing. So are the values of a company's own
columns; of those, what cannot be read becomes missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.sources.conversion import Conversion, conversion, plain_number
from crm.sources.mapping import SourceMapping
from crm.sources.own_values import own_kinds, own_value
from crm.sources.quoting import literal, literals, name, renamed
from crm.tables import OPPORTUNITIES, Kind

VALUES = ("old_value", "new_value")


def fields_of(*kinds: Kind) -> str:
    """The columns of opportunities of those kinds, as a SQL list."""
    return literals(c.name for c in OPPORTUNITIES.columns if c.kind in kinds)


def change_values(mapping: SourceMapping) -> dict[str, Conversion]:
    """How `old_value` and `new_value` are read, given `t_field`."""
    return {value: _value(f"t_{value}", f"f_{value}", mapping) for value in VALUES}


def _value(text: str, form: str, mapping: SourceMapping) -> Conversion:
    is_number = f"t_field IN ({fields_of(Kind.MONEY, Kind.NUMBER)})"
    is_day = f"t_field IN ({fields_of(Kind.DATE)})"
    typed = name(text.removeprefix("t_"))
    amount = conversion(Kind.MONEY, text, form, f"TRY_CAST({typed} AS DOUBLE)", mapping)
    day = conversion(Kind.DATE, text, form, typed, mapping)
    guarded = ((is_number, amount), (is_day, day))
    own = [
        (f"t_field = {literal(column)}", own_value(kind, column, text, form, typed, mapping))
        for column, kind in own_kinds(mapping).items()
        if kind is not Kind.TEXT
    ]
    value = (
        f"CASE WHEN {is_number} THEN {plain_number(amount.value)} "
        f"WHEN {is_day} THEN strftime({day.value}, '%Y-%m-%d') "
        f"{' '.join(f'WHEN {mine} THEN {one.value}' for mine, one in own)} ELSE {text} END"
    )
    has_form = " OR ".join([is_day, *(mine for mine, one in own if one.form)])
    return Conversion(
        value,
        f"CASE WHEN {has_form} THEN {day.form} END",
        tuple((rule, f"{mine} AND ({when})") for mine, kind in guarded for rule, when in kind.problems),
        tuple((what, f"{mine} AND ({when})") for mine, kind in (*guarded, *own) for what, when in kind.counts),
    )


def meant_values(aliases: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """SQL for both values after aliases: (column, expression). Ids and stages lose the blanks around them.

    :param aliases: column of opportunities → {value found: value meant}.
    """
    expressions = []
    for value in VALUES:
        text = f"t_{value}"
        whens = [f"WHEN t_field IN ({fields_of(Kind.ID)}) THEN trim({text})"]
        for column, meanings in {"stage": {}, **aliases}.items():
            key = f"trim({text})" if column == "stage" else text
            whens.append(f"WHEN t_field = {literals([column])} THEN {renamed(key, meanings.items())}")
        expressions.append((text, f"CASE {' '.join(whens)} ELSE {text} END"))
    return expressions
