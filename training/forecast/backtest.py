"""The forecast tried on the past: from every week of past periods, with what was known then, beside the baselines.

The models are fitted anew at the beginning of each period, on what had been known by then, and answer the weeks of that
period; amounts, new business and features are those known at the week itself. Ranges are widened or narrowed by how
those of earlier periods held that were over by then. Nothing looks ahead (a test replaces what came later).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from crm.clock import DAY
from crm.periods import FiscalCalendar
from features.histories import Histories
from features.settings import TimeWishes
from training.forecast.baselines import BASELINES, Known
from training.forecast.forecaster import Drawing, book_of, forecast, what_came
from training.forecast.ledger import Ledger, ledger
from training.forecast.moments import Moment, in_periods
from training.forecast.record import Lessons, baseline_rows, lessons_of, own_rows
from training.forecast.refits import Asked, Refit, ask, refit
from training.settings import BoostingSettings, Thresholds

WEEK = 7
LEAST_REFIT_DAYS = 28
"""Periods that are shorter share a fit."""


@dataclass(frozen=True)
class Stretch:
    """Moments that one fit answers, at instant `at` or later (milliseconds)."""

    at: int
    moments: tuple[Moment, ...]

    @property
    def last(self) -> int:
        """When all that its windows are about has happened, milliseconds."""
        return max(moment.ends[-1] for moment in self.moments)


def stretches(calendar: FiscalCalendar, first: int, until: int, periods: int = 8) -> tuple[Stretch, ...]:
    """The last full periods by an instant, each with its weekly moments: so many weeks before its end, and its start.

    :param first: when the first deal was opened: before a period that is tried must lie as long a time, at least.
    """
    found: list[tuple[Moment, ...]] = []
    period = calendar.preceding(calendar.period_at(until + 1))
    while len(found) < periods and period.start - (period.end - period.start) >= first:
        found.append(tuple(_weekly(calendar, period.start, period.end)))
        period = calendar.preceding(period)
    return tuple(_joined(found[::-1]))


def _weekly(calendar: FiscalCalendar, start: int, end: int) -> list[Moment]:
    every = WEEK if end - start > 2 * WEEK * DAY else 1
    whole = in_periods(calendar, start)
    ahead = range(every, (end - start) // DAY + 1, every)
    starts = [] if (end - start) % (every * DAY) == 0 else [start - 1]
    return [whole.moved_to(at) for at in sorted({*starts, *(end - 1 - days * DAY for days in ahead)})]


def _joined(periods: list[tuple[Moment, ...]]) -> list[Stretch]:
    found: list[Stretch] = []
    for moments in periods:
        if found and moments[0].at - found[-1].at < LEAST_REFIT_DAYS * DAY:
            found[-1] = Stretch(found[-1].at, (*found[-1].moments, *moments))
        else:
            found.append(Stretch(moments[0].at, moments))
    return found


@dataclass(frozen=True)
class Trial:
    """What all stretches share: the company, its ledger as it stands now, and how it is fitted.

    :param calendar: None where windows are spans of days.
    """

    histories: Histories
    calendar: FiscalCalendar | None
    until: int
    settings: BoostingSettings
    thresholds: Thresholds
    wishes: TimeWishes
    drawing: Drawing = field(default_factory=lambda: Drawing(draws=1000))

    def facts(self) -> Ledger:
        """The company's ledger."""
        return ledger(self.histories)


def tried(trial: Trial, stretch: Stretch, record: pd.DataFrame) -> pd.DataFrame:
    """The rows of one stretch (columns of :mod:`training.forecast.record`), only of windows that are over by now.

    :param record: the rows of earlier stretches, by which ranges are widened or narrowed as far as they were over.
    """
    fitted = refit(trial.histories, stretch.at, trial.settings, trial.thresholds, trial.wishes)
    if fitted is None:
        return pd.DataFrame()
    facts, lessons = trial.facts(), lessons_of(record, stretch.at)
    answered = ask(fitted, trial.histories, [moment.at for moment in stretch.moments])
    parts: list[pd.DataFrame] = []
    for moment in stretch.moments:
        parts += _rows(trial, fitted, answered.at(moment.at), moment, facts, lessons)
    found = pd.concat(parts, ignore_index=True)
    found.insert(0, "fitted_at", fitted.at)
    return found[found["period_end"] <= trial.until + 1].reset_index(drop=True)


def _rows(
    trial: Trial, fitted: Refit, open_then: Asked, moment: Moment, facts: Ledger, lessons: Lessons
) -> Iterator[pd.DataFrame]:
    """Our own forecast's rows from one moment, and those of each baseline that can be had."""
    histories, hierarchy = trial.histories, trial.histories.hierarchy
    owners, then = len(hierarchy.owners) + 1, facts.known_by(moment.at)
    book = book_of(histories, open_then.snapshots, open_then.answers, open_then.stage, fitted.amounts, moment)
    ours = forecast(then, book, moment, trial.calendar, owners, trial.drawing, lessons.corrections)
    came = what_came(facts, moment, owners)
    yield own_rows(ours, came, hierarchy, lessons.ranges)
    known = Known(histories, then, moment, trial.calendar, fitted.rates, open_then.snapshots.deal, open_then.stage)
    for name, baseline in BASELINES.items():
        said = baseline(known)
        if said is not None:
            yield baseline_rows(name, moment, ours.already, said, came.whole, hierarchy)
