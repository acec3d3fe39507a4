"""A number, money, a day or a flag: what has a value that can be reckoned with."""

from __future__ import annotations

import numpy as np

from features.feature import Absent, StreamSource, Unit, Wording
from features.histories import Histories
from features.own_fields.told import CHANGE_BINS, OfField, Source, Told, if_declared
from features.questions import AsOf, Count, First, Last
from features.stream import Events

_GIVEN = "One event each time the field of a deal gets a value (its first included)."


def number(told: Told) -> OfField:
    """Its value, and how far it has moved from the first one."""
    field, label = told.field, told.label
    unit = Unit.MONEY if field.kind == "money" else Unit.NUMBER
    value, first = Last(told.stream, "value"), First(told.stream, "value", "given")
    features = (
        told.feature(
            "value",
            value,
            unit,
            f"{_begin(field.label)} at the date.",
            Wording(
                f"{label}: {{value}}.",
                peers=f"deals with {label} of {{bin}}",
                negative=f"{label}: −{{value}}.",
                missing=f"{label}: not given.",
            ),
            actionable=field.actionable,
        ),
        told.feature(
            "change",
            value - first,
            unit,
            f"{_begin(field.label)} at the date less the first one given.",
            Wording(
                f"{label}: {{value}} above the first one given.",
                peers=f"deals whose {label} {{bin}}",
                zero=f"{label}: what was first given.",
                negative=f"{label}: {{value}} below the first one given.",
                missing=f"{label}: not given.",
            ),
            bins=(-1e30, 0, 1e-9),
            bin_names=("fell since first given", "stayed at the first one given", "rose since first given"),
        ),
        *told.changes(),
    )
    return OfField({told.stream: StreamSource("deal", if_declared(field, _numbers(field.name)), _GIVEN)}, features)


def date(told: Told) -> OfField:
    """How far away it is, how often it was put off, and when it was last moved."""
    field, label = told.field, told.label
    features = (
        told.feature(
            "days_to",
            Last(told.stream, "value") - AsOf(),
            Unit.DAYS,
            f"Days from the date to {field.label}; negative once it has passed.",
            Wording(
                f"{label} is {{value}} away.",
                peers=f"deals whose {label} is {{bin}}",
                zero=f"{label} is today.",
                negative=f"{label} passed {{value}} ago.",
                missing=f"{label} is not given.",
            ),
            actionable=field.actionable,
            bins=(-1e9, -30, -7, 0, 7, 30, 90),
            bin_names=(
                "more than 30 days past",
                "7 to 30 days past",
                "less than 7 days past",
                "less than 7 days away",
                "7 to 30 days away",
                "30 to 90 days away",
                "90 days or more away",
            ),
        ),
        told.feature(
            "put_off",
            Count(told.stream, "later"),
            Unit.TIMES,
            f"How often {field.label} was moved to a later day.",
            Wording(
                f"{label} was put off {{value}}.",
                peers=f"deals whose {label} was put off {{bin}}",
                zero=f"{label} was never put off.",
            ),
            bins=CHANGE_BINS,
        ),
        told.ago("days_since_change", "changed", "last moved", "moved"),
    )
    return OfField({told.stream: StreamSource("deal", if_declared(field, _numbers(field.name)), _GIVEN)}, features)


def flag(told: Told) -> OfField:
    """Whether it is set, and since when."""
    field, label = told.field, told.label
    value = told.feature(
        "value",
        Last(told.stream, "value"),
        Unit.FLAG,
        f"Whether {field.label} is set to yes.",
        Wording(f"{label}: yes.", peers="deals {bin}", zero=f"{label}: no.", missing=f"{label}: neither yes nor no."),
        actionable=field.actionable,
        bins=(0, 1),
        bin_names=(f"with {field.label}: no", f"with {field.label}: yes"),
    )
    since = told.ago("days_since_set", "set", "last set to yes", "set to yes")
    return OfField(
        {told.stream: StreamSource("deal", if_declared(field, _numbers(field.name)), _GIVEN)}, (value, since)
    )


def _numbers(name: str) -> Source:
    """One event each time the column gets a value: a number, days since 1970, or 1 and 0."""

    def events(histories: Histories) -> Events | Absent:
        history = histories.values(name)
        value = history.value
        before = np.where(history.first, np.nan, np.roll(value, 1))
        return Events(
            history.deal,
            history.at,
            {
                "value": value,
                "given": ~np.isnan(value),
                "changed": ~np.isnan(before) & (value != before),
                "later": value > before,
                "set": (value == 1) & (before != 1),
            },
        )

    return events


def _begin(label: str) -> str:
    return label[:1].upper() + label[1:]
