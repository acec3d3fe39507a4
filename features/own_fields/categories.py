"""A category: its common levels, how common its level is, how often deals of it were won."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.families.segment import LATELY, LEVEL_CLOSING, LEVEL_ENTRY, level_closings, level_entries, level_win_rate
from features.feature import Absent, Feature, OwnField, StreamSource, Unit, Wording
from features.histories import OF_OWN, Histories
from features.own_fields.told import OfField, Source, Told, if_declared
from features.questions import Last, Sum
from features.stream import Events

_COMES = "One event each time a deal gets a level of the field (+1) or leaves it (-1)."


def category(told: Told) -> OfField:
    """Its common levels, the others pooled; how common its level is, and how often deals of it were won."""
    field, name = told.field, told.field.name
    entity = f"{OF_OWN}{name}"
    streams = {
        told.stream: StreamSource("deal", if_declared(field, _levels(field)), LEVEL_ENTRY),
        closings_of(name): StreamSource(entity, if_declared(field, level_closings(name)), LEVEL_CLOSING),
        f"field:{name}:deals": StreamSource(
            entity, if_declared(field, _comings_and_goings(name, of_level=True)), _COMES
        ),
        f"field:{name}:given": StreamSource(
            "company", if_declared(field, _comings_and_goings(name, of_level=False)), _COMES
        ),
    }
    each = [
        told.yes_or_no(f"is:{level}", f"Whether {field.label} is {level}.", f"is {level}", f"is not {level}")
        for level in field.levels
    ]
    another = told.yes_or_no(
        "another",
        f"Whether {field.label} is given and is none of the {len(field.levels)} most common.",
        "is one of the rarer ones",
        "is none of the rarer ones",
    )
    pooled = [*each, another] if each else []
    return OfField(streams, (*pooled, told.given(), *told.changes(), _share(told), _win_rate(told)))


def closings_of(name: str) -> str:
    """The stream of closings by the column's level."""
    return f"field:{name}:closings"


def _share(told: Told) -> Feature:
    label, name = told.label, told.field.name
    with_level, given = Sum(f"field:{name}:deals", "step"), Sum(f"field:{name}:given", "step")
    return told.feature(
        "share",
        with_level / given / Last(told.stream, "given"),
        Unit.SHARE,
        f"Share of all deals entered so far with the same {told.field.label}, of those where it is given.",
        Wording(
            f"{{value}} of the deals so far have the same {label}.",
            peers=f"deals whose {label} is that of {{bin}} of all deals",
            missing=f"{label} is not given.",
        ),
    )


def _win_rate(told: Told) -> Feature:
    label = told.label
    return told.feature(
        "win_rate",
        level_win_rate(closings_of(told.field.name)) / Last(told.stream, "given"),
        Unit.SHARE,
        f"Share won of the deals of the same {told.field.label} that were closed in the last {LATELY} days, shrunk to "
        "that of those before, and this to the company's.",
        Wording(
            f"Of the deals with the same {label}, {{value}} were won lately.",
            peers=f"deals whose {label} has a win rate of {{bin}}",
            missing=f"{label} is not given.",
        ),
        record=True,
    )


def _levels(field: OwnField) -> Source:
    """The level's code, whether it is each of the common ones, another or none, and whether it was changed."""
    entries = level_entries(field.name)

    def events(histories: Histories) -> Events | Absent:
        found = entries(histories)
        if isinstance(found, Absent):
            return found
        coded = histories.coded(field.name)
        given = coded.code >= 0
        before = np.where(coded.history.first, -1, np.roll(coded.code, 1))
        places = coded.levels.get_indexer(pd.Index(field.levels, dtype="str"))
        each = {f"is:{level}": given & (coded.code == place) for level, place in zip(field.levels, places, strict=True)}
        said = {"given": given, "another": given & ~np.isin(coded.code, places)}
        changed = (before >= 0) & (coded.code != before)
        return replace(found, columns={**found.columns, **each, **said, "changed": changed})

    return events


def _comings_and_goings(name: str, *, of_level: bool) -> Source:
    """+1 each time a deal gets a level, -1 when it leaves it; keyed by the level, or all under one key."""

    def events(histories: Histories) -> Events | Absent:
        coded = histories.coded(name)
        history, later = coded.history, ~coded.history.first
        code = np.concatenate([coded.code, np.roll(coded.code, 1)[later]])
        step = np.concatenate([np.ones(len(coded.code), dtype=np.int64), np.full(int(later.sum()), -1)])
        key = code if of_level else np.where(code >= 0, 0, -1)
        return Events(key, np.concatenate([history.at, history.at[later]]), {"step": step})

    return events
