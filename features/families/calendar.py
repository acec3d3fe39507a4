"""Where the date lies in the fiscal period and in the year."""

from __future__ import annotations

from functools import partial

import numpy as np

from crm.periods import FiscalCalendar
from features.feature import Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import DaysToPeriodEnd, Since
from features.stream import Events

YEARS = range(1990, 2101)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features; both tell the date only, so a short history has none of them."""
    calendar = vocabulary.calendar
    streams = {"years": StreamSource("company", partial(years, calendar=calendar), of_deals=False)}
    periods = (_period_end(calendar.period),) if vocabulary.seasoned else ()
    seasons = (_YEAR,) if vocabulary.yearly else ()
    return Family("calendar", streams if seasons else {}, (*periods, *seasons))


def _period_end(period: str) -> Feature:
    return Feature(
        "days_to_period_end",
        DaysToPeriodEnd(),
        Unit.DAYS,
        group="season",
        meaning=f"Days to the end of the {period}.",
        wording=Wording(
            f"The {period} ends in {{value}}.",
            peers=f"deals {{bin}} before the end of a {period}",
            zero=f"The {period} ends today.",
        ),
    )


_YEAR = Feature(
    "days_into_year",
    Since("years"),
    Unit.DAYS,
    group="season",
    meaning="Days since the fiscal year began: the season.",
    wording=Wording(
        "The fiscal year began {value} ago.",
        peers="deals looked at {bin}",
        zero="The fiscal year begins today.",
    ),
    bins=(0, 91, 182, 273),
    bin_names=(
        "in the first quarter of a year",
        "in the second quarter of a year",
        "in the third quarter of a year",
        "in the last quarter of a year",
    ),
)


def years(histories: Histories, calendar: FiscalCalendar) -> Events:
    """One event a fiscal year, dated when it begins; the same for every company."""
    del histories
    begins = calendar.year_begins(np.array(YEARS))
    return Events(np.zeros(len(begins), dtype=np.int64), begins)
