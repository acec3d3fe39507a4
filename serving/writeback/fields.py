"""The fields that are ours in a record, and what they hold: nothing else is ever written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from serving.sinks.sink import Kind, OwnField, Value, Values

FIELDS: tuple[OwnField, ...] = (
    OwnField("win_probability", Kind.PERCENT, "Win chance", "Chance that the deal is won in the end."),
    OwnField("win_probability_change", Kind.PERCENT, "Win chance, change", "Its change since the scoring before."),
    OwnField("score", Kind.NUMBER, "Score", "The win chance from 1 to 99."),
    OwnField("grade", Kind.TEXT, "Grade", "The score's grade: A, B, C or D."),
    OwnField(
        "win_probability_this_period", Kind.PERCENT, "Win chance this period", "Chance of a win before the period ends."
    ),
    OwnField("stall_risk", Kind.PERCENT, "Stall risk", "Chance that the deal stays in its stage and open."),
    OwnField("expected_close_date", Kind.DATE, "Expected close", "The likely day of the win, if the deal is won."),
    OwnField("expected_amount", Kind.MONEY, "Expected amount", "For how much it is won, if it is; company's currency."),
    OwnField(
        "expected_revenue_this_period",
        Kind.MONEY,
        "Expected revenue this period",
        "Expected amount times the chance of a win before the period ends.",
    ),
    OwnField("revenue_at_stake", Kind.MONEY, "Revenue at stake", "What is lost on average if the deal stalls."),
    OwnField("priority", Kind.NUMBER, "Priority", "Place in the list of deals to look at; 1 is first."),
    OwnField("data_confidence", Kind.PERCENT, "Data confidence", "How much of what counts is known of the deal."),
    OwnField("reasons", Kind.LONG_TEXT, "Reasons", "What speaks for a win and what against it, weightiest first."),
    OwnField("stall_reasons", Kind.LONG_TEXT, "Why it may stall", "What speaks for a stall, weightiest first."),
    OwnField("coaching", Kind.LONG_TEXT, "What won deals had", "What won deals had had here that this deal lacks."),
    OwnField("model_version", Kind.TEXT, "Model", "The version of the model that gave the answers."),
    OwnField("scored_at", Kind.INSTANT, "Scored at", "When the answers were given, UTC."),
)
BY_NAME: Mapping[str, OwnField] = {field.name: field for field in FIELDS}
STAMPS = frozenset({"model_version", "scored_at"})
"""What says when and by whom the answers were given: no reason of its own to write a record."""

DECIMALS: Mapping[Kind, int] = {Kind.NUMBER: 0, Kind.PERCENT: 3, Kind.MONEY: 2}
"""How exactly figures are written and compared; a share of 0.624 is 62.4 %."""

LONGEST: Mapping[Kind, int] = {Kind.TEXT: 255, Kind.LONG_TEXT: 4000}
"""How many characters a text may have; a longer one is cut."""

NOTHING: Values = dict.fromkeys(BY_NAME)
"""A record in which none of our fields holds anything."""


def settled(kind: Kind, value: Any) -> Value:
    """A value as it is written, and as what a sink gives back is compared with it.

    Figures are rounded, days and instants are ISO 8601 (instants in UTC, to the second), texts have neither control
    characters nor blanks that a CRM would take away; what is empty or not known is None.

    :raises ValueError: for what is no value of that kind.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind in DECIMALS:
        return _figure(value, DECIMALS[kind])
    if kind is Kind.DATE:
        return (value if type(value) is date else _instant(value).date()).isoformat()
    if kind is Kind.INSTANT:
        return f"{_instant(value).replace(microsecond=0, tzinfo=None).isoformat()}Z"
    return _text(str(value), LONGEST[kind])


def settled_all(values: Mapping[str, Any], fields: Iterable[OwnField] = FIELDS) -> Values:
    """What a record holds in all of our fields; None for those that are not given."""
    return {field.name: settled(field.kind, values.get(field.name)) for field in fields}


def _figure(value: Any, decimals: int) -> float | int:
    try:
        figure = float(value)
    except TypeError as error:
        raise ValueError(f"{value!r} is not a number") from error
    if not math.isfinite(figure):
        raise ValueError(f"{value!r} is not a finite number")
    return round(figure) if decimals == 0 else round(figure, decimals) + 0.0  # no minus zero


def _instant(value: Any) -> datetime:
    """In UTC; without a zone it is UTC already."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(text: str, longest: int) -> str | None:
    lines = (" ".join(_printable(line).split()) for line in text.splitlines())
    told = "\n".join(filter(None, lines))
    return (told if len(told) <= longest else told[: longest - 1].rstrip() + "…") or None


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(letter if letter.isprintable() else " " for letter in line)
