"""How often the close date was put off or brought forward."""

from __future__ import annotations

import numpy as np

from features.families.close_date import close_date_entries
from features.families.stage import stage_entries
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, CountAfter, First, Last, Since, Sum
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features; most ask the stream of close dates."""
    del vocabulary
    streams = {"pushes_and_moves": StreamSource("deal", pushes_and_moves)}
    return Family("close_date", streams, (*_PUSHES, *_OTHER_MOVES))


_PUSHES = (
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
        "pushes_90d",
        Count("close_dates", "pushed", 90),
        Unit.TIMES,
        group="pushes",
        meaning="How often the close date was moved to a later day in the last 90 days.",
        wording=Wording(
            "The close date was put off {value} in the last 90 days.",
            peers="deals put off {bin} in 90 days",
            zero="The close date was not put off in the last 90 days.",
        ),
        actionable=True,
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "pushes_since_forward",
        CountAfter("pushes_and_moves", "pushed", "forward"),
        Unit.TIMES,
        group="pushes",
        meaning="How often the close date was put off since the deal last moved forward, or since its entry.",
        wording=Wording(
            "The close date was put off {value} since the deal last moved forward or was entered.",
            peers="deals put off {bin} since they last moved forward",
            zero="The close date was not put off since the deal last moved forward or was entered.",
        ),
        actionable=True,
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "pushes_once_passed",
        Count("close_dates", "pushed_late"),
        Unit.TIMES,
        group="pushes",
        meaning="How often the close date was put off only after it had passed.",
        wording=Wording(
            "The close date was let pass {value} before it was put off.",
            peers="deals put off {bin} after the date had passed",
            zero="The close date was never let pass before it was put off.",
        ),
        actionable=True,
        bins=(0, 1, 2, 3),
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

_OTHER_MOVES = (
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
)


def pushes_and_moves(histories: Histories) -> Events | Absent:
    """One event each time a deal's close date is put off, and each time the deal moves to a later stage."""
    pushes, moves = close_date_entries(histories), stage_entries(histories)
    if isinstance(pushes, Absent):
        return pushes
    if isinstance(moves, Absent):
        return moves
    pushed, forward = np.flatnonzero(pushes.columns["pushed"]), np.flatnonzero(moves.columns["forward"])
    return Events(
        np.concatenate([pushes.key[pushed], moves.key[forward]]),
        np.concatenate([pushes.at[pushed], moves.at[forward]]),
        {
            "pushed": np.arange(len(pushed) + len(forward)) < len(pushed),
            "forward": np.arange(len(pushed) + len(forward)) >= len(pushed),
        },
    )
