"""A plain, slow interpreter of questions: one snapshot at a time, from the events in the order in which they came.

It knows nothing of sorting, ranges or prefix sums: it looks at every event and keeps those whose key is the
snapshot's and whose time is not later than its date.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER
from crm.periods import FiscalCalendar
from features.catalogue import Catalogue
from features.engines import key_questions
from features.feature import Absent
from features.histories import Entity, Histories
from features.questions import (
    Apply,
    AsOf,
    Combine,
    Constant,
    Count,
    CountAfter,
    DaysToPeriodEnd,
    Distinct,
    First,
    Last,
    Max,
    Question,
    Since,
    SinceFirst,
    Static,
    Sum,
)
from features.stream import Events

NAN = math.nan


class Place(NamedTuple):
    """A snapshot: a deal's row number and a date in milliseconds."""

    deal: int
    as_of: int


class Event(NamedTuple):
    """Whose it was, when, and what it says by column."""

    key: int
    at: int
    says: Mapping[str, float]


class Reference:
    """Answers questions of a company's events."""

    def __init__(self, histories: Histories, catalogue: Catalogue, calendar: FiscalCalendar) -> None:
        self.histories, self.catalogue, self.calendar = histories, catalogue, calendar
        made = {name: source.events(histories) for name, source in catalogue.streams.items()}
        self._events = {name: by_key(events) for name, events in made.items() if not isinstance(events, Absent)}
        self._known: dict[tuple[str, Place], list[Event]] = {}
        self._answers: dict[tuple[Question, Place], float] = {}

    def answer(self, question: Question, place: Place) -> float:
        """The question's number for one snapshot; NaN = not known."""
        asked = question, place
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._answers[asked] = self._answer(question, place)
        return answer

    def _answer(self, question: Question, place: Place) -> float:
        match question:
            case Constant(value):
                return value
            case AsOf():
                return place.as_of / DAY
            case DaysToPeriodEnd():
                return (self._period_end(place.as_of) - place.as_of) / DAY
            case Static(name):
                return self._static(name, place.deal)
            case Combine(operation, left, right):
                return combine(operation, self.answer(left, place), self.answer(right, place))
            case Apply(function, argument):
                return apply(function, self.answer(argument, place))
            case Count(_, where):
                return float(len(self._within(question, where, place)))
            case CountAfter(stream, where, after):
                last = chosen(self._matching(stream, after, None, place), True)
                return float(
                    sum(last is None or event.at > last.at for event in self._matching(stream, where, None, place))
                )
            case Sum(_, column, where):
                said = [event.says[column] for event in self._within(question, where, place)]
                return math.fsum(value for value in said if not math.isnan(value))
            case Distinct(_, column, where):
                codes = {event.says[column] for event in self._matching(question.stream, where, None, place)}
                return float(len(codes - {-1}))
            case Max(_, column, where):
                said = [event.says[column] for event in self._matching(question.stream, where, None, place)]
                return float(max((value for value in said if not math.isnan(value)), default=NAN))
            case Last(_, column, where) | First(_, column, where):
                event = chosen(self._matching(question.stream, where, None, place), type(question) is Last)
                return NAN if event is None else float(event.says[column])
            case Since(_, where) | SinceFirst(_, where):
                event = chosen(self._matching(question.stream, where, None, place), type(question) is Since)
                return NAN if event is None else (place.as_of - event.at) / DAY
        raise TypeError(type(question))

    def _within(self, question: Count | Sum, where: str | None, place: Place) -> list[Event]:
        events = self._matching(question.stream, where, question.days, place)
        return [
            e for e in events if not question.this_period or self._period_end(e.at) == self._period_end(place.as_of)
        ]

    def _matching(self, stream: str, where: str | None, days: float | None, place: Place) -> list[Event]:
        """The events of the snapshot's key known to it, matching the filter, in the order in which they came."""
        known = self._known.get((stream, place))
        if known is None:
            key = self._key(self.catalogue.streams[stream].entity, place)
            known = self._known[stream, place] = [e for e in self._events[stream].get(key, ()) if e.at <= place.as_of]
        if where is not None:
            known = [event for event in known if event.says[where]]
        if days is not None:
            after = place.as_of - days * DAY
            known = [event for event in known if event.at > after]
        return known

    def _key(self, entity: Entity, place: Place) -> float:
        if entity in ("deal", "company"):
            return place.deal if entity == "deal" else 0
        key = 0.0
        for one, question in zip([entity] if isinstance(entity, str) else entity, key_questions(entity), strict=True):
            code = self.answer(question, place)
            key = key * self.histories.entity_size(one) + (code if code >= 0 else NAN)
        return key

    def _static(self, name: str, deal: int) -> float:
        row = self.histories.deals.iloc[deal]
        if name == "created_day":
            return math.ceil(row["created_at"].value / 1_000_000) / DAY
        if name == "account":
            account = row["account_id"]
            return NAN if pd.isna(account) else float(list(self.histories.accounts).index(account))
        raise KeyError(name)

    def _period_end(self, as_of: int) -> int:
        return period_end(pd.Timestamp(as_of, unit="ms").normalize(), self.calendar)


@cache
def period_end(day: pd.Timestamp, calendar: FiscalCalendar) -> int:
    """Day by day until a new period begins; milliseconds."""
    day += pd.Timedelta(days=1)
    while not begins_period(day, calendar):
        day += pd.Timedelta(days=1)
    return day.value // 1_000_000


def by_key(events: Events) -> dict[float, list[Event]]:
    """Each key's events as they came, without those of nobody and those that have no time."""
    columns = {name: events.column(name).tolist() for name in (*events.columns, *events.filters)}
    made: dict[float, list[Event]] = {}
    for key, at, *says in zip(events.key.tolist(), events.at.tolist(), *columns.values(), strict=True):
        if key >= 0 and at != NEVER:
            made.setdefault(key, []).append(Event(key, at, dict(zip(columns, says, strict=True))))
    return made


def chosen(known: list[Event], last: bool) -> Event | None:
    """The last event, or the first; of several at the same time the one that came last, or first."""
    if not known:
        return None
    when = (max if last else min)(event.at for event in known)
    return [event for event in known if event.at == when][-1 if last else 0]


def begins_period(day: pd.Timestamp, calendar: FiscalCalendar) -> bool:
    """Whether a fiscal period begins on that day."""
    if calendar.period == "week":
        return day.day_name().lower() == calendar.week_starts_on
    if calendar.weeks:
        return weeks_into_year(day, calendar) in weeks_that_begin_periods(calendar)
    months = range(12) if calendar.period == "month" else range(0, 12, 3)
    return day.day == 1 and day.month in [(calendar.year_starts_in - 1 + month) % 12 + 1 for month in months]


def weeks_that_begin_periods(calendar: FiscalCalendar) -> set[int]:
    """The weeks of a fiscal year, from 0, with which its periods begin where they are cut by weeks."""
    begin, weeks = [], 0
    for month in range(12):
        if calendar.period == "month" or month % 3 == 0:
            begin.append(weeks)
        weeks += int(str(calendar.weeks).split("-")[month % 3])
    return set(begin)


def weeks_into_year(day: pd.Timestamp, calendar: FiscalCalendar) -> int | None:
    """Week by week back to one that begins with the day nearest to the year's first; None within a week."""
    weeks = 0
    while day.day_name().lower() == calendar.week_starts_on:
        near = [day + pd.Timedelta(days=apart) for apart in range(-3, 4)]
        if any(one.day == 1 and one.month == calendar.year_starts_in for one in near):
            return weeks
        day, weeks = day - pd.Timedelta(days=7), weeks + 1
    return None


def combine(operation: str, left: float, right: float) -> float:
    """Two numbers made one, as declared."""
    match operation:
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "multiply":
            return left * right
        case "divide":
            return left / right if right != 0 else NAN
        case "least" | "most":
            known = [value for value in (left, right) if not math.isnan(value)]
            return (min if operation == "least" else max)(known, default=NAN)
        case "otherwise":
            return right if math.isnan(left) else left
    raise ValueError(operation)


def apply(function: str, value: float) -> float:
    """A function of one number, as declared."""
    match function:
        case "log1p":
            return value if math.isnan(value) else math.log1p(max(value, 0))
        case "known":
            return float(not math.isnan(value))
    raise ValueError(function)


def agree(fast: np.ndarray, slow: np.ndarray) -> np.ndarray:
    """Where two answers are the same: both not known, or within a billionth."""
    with np.errstate(invalid="ignore"):
        near = np.abs(fast - slow) <= 1e-9 * np.maximum(np.abs(slow), 1e-300)
    return near | (np.isnan(fast) & np.isnan(slow))
