"""What a feature is: a declaration that people, models and checks read alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from crm.periods import FiscalCalendar
from features.histories import Entity, Histories
from features.questions import Question
from features.stream import Events
from features.text import SIGNALS, Signal


class Unit(Enum):
    """What a feature's number counts; decides how people read it."""

    DAYS = "days"
    TIMES = "times"
    COUNT = "count"
    SHARE = "share"
    RATIO = "ratio"
    MONEY = "money"
    POSITION = "position"
    NUMBER = "number"
    FLAG = "yes or no"


@dataclass(frozen=True)
class Wording:
    """How people read a value. `{value}` stands for it in its unit; other fields name facts of the deal.

    `zero`, `negative`, `missing` replace `text` where the value is so; `peers` names the deals with a like
    value, `{bin}` standing for the span ("deals moved {bin}").
    """

    text: str
    peers: str
    zero: str = ""
    negative: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Practice:
    """What a rep can have done by a date, as a yes or no about a feature's value.

    :param done: as people read it after "had": "reached {bound} or more"; `{bound}` is the bound in its unit.
    :param bounds: the bounds that are tried; of how much was done only the first time is one.
    :param below: done where the value lies below the bound; else from the bound on.
    :param once: `done` for a bound of 1, where it reads better otherwise.
    :param only_known: asked only where the value is known; else what is not known was not done.
    :param mendable: whether a deal that lacks it can still get it.
    """

    done: str
    bounds: tuple[float, ...] = (1,)
    below: bool = False
    once: str = ""
    only_known: bool = False
    mendable: bool = True

    def had(self, values: np.ndarray, bound: float) -> np.ndarray:
        """1 done, 0 not, NaN not asked; shape of `values`."""
        done = (values < bound if self.below else values >= bound).astype(float)
        return np.where(np.isnan(values), np.nan, done) if self.only_known else done


@dataclass(frozen=True)
class Feature:
    """One number of a deal at a date.

    :param name: its column; unique in the catalogue.
    :param ask: the question of the streams that answers it.
    :param unit: what it counts.
    :param group: features of one group make one reason.
    :param meaning: what it is, for the reference.
    :param wording: how people read it.
    :param actionable: whether a rep can do something about it.
    :param bins: lower bounds of the spans whose historical rates are shown; empty: quintiles of the data.
    :param bin_names: the spans in words, where their bounds alone would not read well.
    :param noun: for Unit.COUNT, what is counted, singular and plural.
    :param practice: what a rep can have done by the date, where the value tells it.
    :param volume: whether it tells how much was done; whether that goes with winning is told, and never advised.
    :param record: whether it is the record of deals like this one: a better one never speaks against a win.
    """

    name: str
    ask: Question
    unit: Unit
    group: str
    meaning: str
    wording: Wording
    actionable: bool = False
    bins: tuple[float, ...] = ()
    bin_names: tuple[str, ...] = ()
    noun: tuple[str, str] = ("", "")
    practice: Practice | None = None
    volume: bool = False
    record: bool = False


@dataclass(frozen=True)
class Absent:
    """Why a stream cannot be had from these tables."""

    why: str


@dataclass(frozen=True)
class StreamSource:
    """How a stream is made: `entity` says whose events they are (its key), `events` makes them or declines.

    `told` says what an event is; where it is empty, the first paragraph of `events`' docstring does.
    `of_deals` says whether events come from deals, and not from tables that every part of a company holds whole.
    """

    entity: Entity
    events: Callable[[Histories], Events | Absent]
    told: str = ""
    of_deals: bool = True


@dataclass(frozen=True)
class Family:
    """Features of one meaning and the streams they need; `told` is its file's own first sentence."""

    name: str
    streams: Mapping[str, StreamSource]
    features: tuple[Feature, ...]
    told: str = ""


@dataclass(frozen=True)
class OwnField:
    """A company's own column of opportunities that has features.

    :param kind: category, number, money, date, flag or text.
    :param label: what people call it, as it reads within a sentence.
    :param actionable: whether a rep can do something about it.
    :param levels: of a category, the common levels, each with a feature of its own; all others are pooled.
    """

    name: str
    kind: str
    label: str
    actionable: bool = False
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """What the declarations need to know of a company; fixed at training and kept with the model.

    :param kinds: its own activity kinds (beyond the recognised ones) that get features of their own.
    :param deeds: those of them that are steps its people take, mostly once a deal: neither the buyer's nor a stage.
    :param segments: fields of opportunities known in the past whose levels have as-of win rates.
    :param account_fields: columns of accounts declared fixed; of those that are text, the ones that tell deals apart.
    :param calendar: its fiscal periods.
    :param seasoned: whether its history spans enough periods for features that are the same for all deals of
        a date; in a shorter one they only tell which date it is.
    :param fields: its own columns of opportunities that get features.
    :param key_fields: fields of opportunities that a well-kept deal has filled in.
    :param signals: what its notes and subject lines are searched for.
    :param yearly: whether its history spans enough years for a feature that tells the season.
    """

    kinds: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    account_fields: tuple[str, ...] = ()
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    seasoned: bool = True
    fields: tuple[OwnField, ...] = ()
    key_fields: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = SIGNALS
    yearly: bool = True
    deeds: tuple[str, ...] = ()


def vocabulary_from(data: Mapping[str, Any]) -> Vocabulary:
    """A vocabulary from what `dataclasses.asdict` made of it and JSON kept; of older ones what they have."""
    return Vocabulary(
        tuple(data["kinds"]),
        tuple(data["segments"]),
        tuple(data["account_fields"]),
        FiscalCalendar(**data["calendar"]),
        data["seasoned"],
        fields=tuple(OwnField(**{**one, "levels": tuple(one["levels"])}) for one in data.get("fields", ())),
        key_fields=tuple(data.get("key_fields", ())),
        signals=tuple(Signal(**{**one, "words": tuple(one["words"])}) for one in data.get("signals", ())),
        yearly=data.get("yearly", False),
        deeds=tuple(data.get("deeds", ())),
    )
