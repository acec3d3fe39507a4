"""A driver's values → Arrow columns that lose nothing: typed where each value fits the type, else text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

MOST_DIGITS = 38


def arrow_table(columns: Mapping[str, pa.DataType | None], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as a table.

    :param columns: by name the type that the schema declares; None where it says too little.
    """
    arrays = {}
    for place, (column, declared) in enumerate(columns.items()):
        arrays[column] = arrow_column([row[place] for row in rows], declared)
    return pa.table(arrays)


def arrow_column(values: Sequence[Any], declared: pa.DataType | None) -> pa.Array:
    """Values under the declared type if all of them fit, else under the type they have in common, else as text."""
    if declared is not None:
        try:
            if pa.types.is_temporal(declared) and _of_one_kind(values, str):
                return pa.array(values, pa.string()).cast(declared)
            return pa.array(values, declared)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            pass
    if all(value is None or isinstance(value, Decimal) for value in values):
        return _decimals(values)
    if _of_one_kind(values, bool, int, float, str, datetime, date):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
    return pa.array([None if value is None else text_of(value) for value in values], pa.string())


def text_of(value: Any) -> str:
    """A value as the text that a CSV would hold."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
        case bytes() | memoryview():
            return bytes(value).hex()
        case _:
            return str(value)


def _of_one_kind(values: Sequence[Any], *wanted: type) -> bool:
    kinds = {type(value) for value in values if value is not None}
    return len(kinds) == 1 and kinds <= set(wanted)


def _decimals(values: Sequence[Decimal | None]) -> pa.Array:
    """Exact numbers of no declared size; text where they are no numbers, or longer than Arrow takes."""
    given = [value for value in values if value is not None]
    if not given or not all(value.is_finite() for value in given):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    scale = max(max(0, -int(value.as_tuple().exponent)) for value in given)
    try:
        return pa.array(values, pa.decimal128(MOST_DIGITS, scale))
    except pa.ArrowInvalid:
        return pa.array([None if value is None else format(value, "f") for value in values], pa.string())
