"""When the owner expects the deal to close, and how often that was put off."""

from __future__ import annotations

import numpy as np

from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import AsOf, Count, First, Last, Since, Sum
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family("close_date", {"close_dates": StreamSource("deal", close_date_entries)}, _FEATURES)


_FEATURES = (
    Feature(
        "days_to_close_date",
        Last("close_dates", "day") - AsOf(),
        Unit.DAYS,
        group="close_date",
        meaning="Days from the date to the close date; negative once it has passed.",
        wording=Wording(
            "The close date is {value} away.",
            peers="deals whose close date is {bin}",
            zero="The close date is today.",
            negative="The close date passed {value} ago.",
            missing="No close date has been entered.",
        ),
        actionable=True,
        bins=(-9999, -30, -7, 0, 7, 30, 60, 90),
        bin_names=(
            "more than 30 days past",
            "7 to 30 days past",
            "less than 7 days past",
            "less than 7 days away",
            "7 to 30 days away",
            "30 to 60 days away",
            "60 to 90 days away",
            "90 days or more away",
        ),
    ),
    Feature(
        "pushes",
        Count("close_dates", "pushed"),
        Unit.TIMES,
        group="pushes",
        meaning="How often the close date was moved to a later day.",
        wording=Wording(
            "The close date was put off {value}.",
            peers="deals put off {bin}",
            zero="The close date was never put off.",
        ),
        actionable=True,
        bins=(0, 1, 2, 3, 5),
    ),
    Feature(
        "pulls",
        Count("close_dates", "pulled"),
        Unit.TIMES,
        group="pushes",
        meaning="How often the close date was moved to an earlier day.",
        wording=Wording(
            "The close date was brought forward {value}.",
            peers="deals brought forward {bin}",
            zero="The close date was never brought forward.",
        ),
        bins=(0, 1, 2),
    ),
    Feature(
        "close_date_slip",
        Last("close_dates", "day") - First("close_dates", "day", "given"),
        Unit.DAYS,
        group="pushes",
        meaning="Days from the first close date entered to the one that stands.",
        wording=Wording(
            "The close date stands {value} later than first planned.",
            peers="deals whose close date stands {bin}",
            zero="The close date is the one first planned.",
            negative="The close date stands {value} earlier than first planned.",
            missing="No close date has been entered.",
        ),
        bins=(-9999, 0, 1, 15, 31, 61, 121),
        bin_names=(
            "earlier than first planned",
            "as first planned",
            "up to two weeks behind the first plan",
            "two to four weeks behind the first plan",
            "one to two months behind the first plan",
            "two to four months behind the first plan",
            "more than four months behind the first plan",
        ),
    ),
    Feature(
        "days_since_push",
        Since("close_dates", "pushed"),
        Unit.DAYS,
        group="pushes",
        meaning="Days since the close date was last put off.",
        wording=Wording(
            "The close date was last put off {value} ago.",
            peers="deals last put off {bin} ago",
            zero="The close date was put off today.",
            missing="The close date was never put off.",
        ),
    ),
    Feature(
        "mean_push",
        Sum("close_dates", "pushed_days") / Count("close_dates", "pushed"),
        Unit.DAYS,
        group="pushes",
        meaning="Days by which the close date was put off at a time, on average.",
        wording=Wording(
            "The close date was put off by {value} at a time.",
            peers="deals put off by {bin} at a time",
            missing="The close date was never put off.",
        ),
    ),
)


def close_date_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal's close date is set (its first included); days since 1970."""
    if not histories.is_known("close_date"):
        return Absent("the close date has no recorded history and is not declared fixed")
    history = histories.values("close_date")
    step = np.where(history.first, np.nan, history.value - np.roll(history.value, 1))
    return Events(
        history.deal,
        history.at,
        {
            "day": history.value,
            "given": ~np.isnan(history.value),
            "pushed": step > 0,
            "pulled": step < 0,
            "pushed_days": np.where(step > 0, step, 0.0),
        },
    )
