"""A company's own columns of opportunities, as `dealcast.toml` declares them: each kind has its features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm.tables import OWN_KINDS
from features.families.segment import LEVEL_CLOSING, LEVEL_ENTRY, level_closings, level_entries, level_win_rate
from features.feature import Absent, Family, Feature, OwnField, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import AsOf, Count, First, Last, Question, Since, Sum
from features.stream import Events

Source = Callable[[Histories], Events | Absent]

_COMES = "One event each time a deal gets a level of the field (+1) or leaves it (-1)."
_GIVEN = "One event each time the field of a deal gets a value (its first included)."
_WRITTEN = "One event each time the text is written or cleared."

CHANGE_BINS = (0, 1, 2, 4)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: those of each declared column, by its kind."""
    streams: dict[str, StreamSource] = {}
    features: list[Feature] = []
    for field in vocabulary.fields:
        of_field = _KINDS[field.kind](_Told(field))
        streams |= of_field.streams
        features += of_field.features
    return Family("own_fields", streams, tuple(features))


@dataclass(frozen=True)
class OfField:
    """The streams and features of one column."""

    streams: Mapping[str, StreamSource]
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class _Told:
    """How the features of one column are named and read; `label` is its label as part of a template."""

    field: OwnField

    @property
    def stream(self) -> str:
        """The stream of the column's values; of a category the one by which its level is found as a key."""
        return f"{self.field.name}_entries" if self.field.kind == "category" else f"field:{self.field.name}"

    @property
    def label(self) -> str:
        return _as_text(self.field.label)

    def feature(self, what: str, ask: Question, unit: Unit, meaning: str, wording: Wording, **more: object) -> Feature:
        """A feature of this column; all of one column make one reason."""
        name = self.field.name
        return Feature(f"field:{name}:{what}", ask, unit, f"field_{name}", meaning, wording, **more)  # type: ignore[arg-type]

    def yes_or_no(self, what: str, meaning: str, yes: str, no: str) -> Feature:
        """A feature that is 1 or 0; `yes` and `no` follow the label: "is Acme", "is not Acme"."""
        label, spans = self.label, tuple(f"whose {self.field.label} {says}" for says in (no, yes))
        wording = Wording(f"{label} {_as_text(yes)}.", peers="deals {bin}", zero=f"{label} {_as_text(no)}.")
        ask, act = Last(self.stream, what), self.field.actionable
        return self.feature(what, ask, Unit.FLAG, meaning, wording, actionable=act, bins=(0, 1), bin_names=spans)

    def changes(self, done: str = "changed") -> tuple[Feature, Feature]:
        """How often the column was changed, and how long ago."""
        label, called = self.label, self.field.label
        return (
            self.feature(
                "changes",
                Count(self.stream, "changed"),
                Unit.TIMES,
                f"How often {called} was {done}, once it had been given.",
                Wording(
                    f"{label} was {done} {{value}}.",
                    peers=f"deals whose {label} was {done} {{bin}}",
                    zero=f"{label} was never {done}.",
                ),
                bins=CHANGE_BINS,
            ),
            self.ago("days_since_change", "changed", f"last {done}", done),
        )

    def ago(self, what: str, where: str, last_done: str, done: str, *, actionable: bool = False) -> Feature:
        """How long ago something last happened to the column."""
        label = self.label
        wording = Wording(
            f"{label} was {last_done} {{value}} ago.",
            peers=f"deals whose {label} was {last_done} {{bin}} ago",
            zero=f"{label} was {done} today.",
            missing=f"{label} was never {done}.",
        )
        meaning = f"Days since {self.field.label} was {last_done}."
        return self.feature(what, Since(self.stream, where), Unit.DAYS, meaning, wording, actionable=actionable)


# Categories -----------------------------------------------------------------------------------------------------


def _category(told: _Told) -> OfField:
    """Its common levels, the others pooled; how common its level is, and how often deals of it were won."""
    field, name = told.field, told.field.name
    streams = {
        told.stream: StreamSource("deal", _if_declared(field, _levels(field)), LEVEL_ENTRY),
        f"{name}_closings": StreamSource(name, _if_declared(field, level_closings(name)), LEVEL_CLOSING),
        f"field:{name}:deals": StreamSource(
            name, _if_declared(field, _comings_and_goings(name, of_level=True)), _COMES
        ),
        f"field:{name}:given": StreamSource(
            "company", _if_declared(field, _comings_and_goings(name, of_level=False)), _COMES
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
    return OfField(streams, (*pooled, _is_given(told), *told.changes(), _share(told), _win_rate(told)))


def _is_given(told: _Told) -> Feature:
    return told.yes_or_no("given", f"Whether {told.field.label} is given.", "is given", "is not given")


def _share(told: _Told) -> Feature:
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


def _win_rate(told: _Told) -> Feature:
    label = told.label
    return told.feature(
        "win_rate",
        level_win_rate(told.field.name) / Last(told.stream, "given"),
        Unit.SHARE,
        f"Share won of closed deals of the same {told.field.label}, as known at the date, shrunk to the company's.",
        Wording(
            f"Of the deals with the same {label}, {{value}} were won so far.",
            peers=f"deals whose {label} has a win rate of {{bin}}",
            missing=f"{label} is not given.",
        ),
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


# Numbers and money ----------------------------------------------------------------------------------------------


def _number(told: _Told) -> OfField:
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
    return OfField({told.stream: StreamSource("deal", _if_declared(field, _numbers(field.name)), _GIVEN)}, features)


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


# Days -----------------------------------------------------------------------------------------------------------


def _date(told: _Told) -> OfField:
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
    return OfField({told.stream: StreamSource("deal", _if_declared(field, _numbers(field.name)), _GIVEN)}, features)


# Flags ----------------------------------------------------------------------------------------------------------


def _flag(told: _Told) -> OfField:
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
        {told.stream: StreamSource("deal", _if_declared(field, _numbers(field.name)), _GIVEN)}, (value, since)
    )


# Free text ------------------------------------------------------------------------------------------------------


def _text(told: _Told) -> OfField:
    """Whether something is written, how much, and how long ago."""
    field, label = told.field, told.label
    length = told.feature(
        "length",
        Last(told.stream, "length"),
        Unit.COUNT,
        f"How many characters {field.label} holds.",
        Wording(f"{label} holds {{value}}.", peers=f"deals whose {label} holds {{bin}}", zero=f"{label} is empty."),
        noun=("character", "characters"),
        bins=(0, 1, 20, 100, 500),
    )
    changes, _ = told.changes("rewritten")
    written = told.ago("days_since_written", "written", "last written", "written", actionable=field.actionable)
    streams = {told.stream: StreamSource("deal", _if_declared(field, _writings(field.name)), _WRITTEN)}
    return OfField(streams, (_is_given(told), length, written, changes))


def _writings(name: str) -> Source:
    """One event each time the text is written or cleared."""

    def events(histories: Histories) -> Events | Absent:
        history = histories.values(name)
        assert history.levels is not None
        code, given = history.number, history.given
        before = np.where(history.first, -1, np.roll(code, 1))
        length = np.append(history.levels.str.len().to_numpy(np.int64), 0)[code]
        return Events(
            history.deal,
            history.at,
            {
                "given": given,
                "length": length,
                "written": given & (code != before),
                "changed": (before >= 0) & (code != before),
            },
        )

    return events


_KINDS: Mapping[str, Callable[[_Told], OfField]] = {
    "category": _category,
    "number": _number,
    "money": _number,
    "date": _date,
    "flag": _flag,
    "text": _text,
}


def _if_declared(field: OwnField, source: Source) -> Source:
    """The source, where the column's past is known and its values are still read as what it was declared as."""
    name = field.name

    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(name):
            if histories.gives("opportunities", name):
                return Absent(f"{name} has no recorded history and is not declared fixed")
            return Absent(f"no deal has a value of {name}")
        if histories.tables.kind_of(name).dtype != OWN_KINDS[field.kind].dtype:
            return Absent(f"{name} is not declared as a {field.kind} under [fields] any more")
        return source(histories)

    return events


def _as_text(text: str) -> str:
    """Any text as part of a template of wording."""
    return text.replace("{", "{{").replace("}", "}}")


def _begin(label: str) -> str:
    return label[:1].upper() + label[1:]
