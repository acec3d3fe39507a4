"""How long the deal stands in its stage, against won deals of its kind and against its own earlier stays."""

from __future__ import annotations

from functools import partial

import numpy as np

from crm.clock import DAY
from crm.coding import NONE
from features.families.segment import WHAT_IS_SOLD, given, not_known
from features.families.stage import stays_of_closed
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Max, Question, Since, Sum, most, shrunken_rate
from features.stream import Events

USUAL_DAYS_TO_WIN = Sum("won_stays", "millis_to_win") / DAY / Count("won_stays")
"""Mean days from entering the deal's stage to the win, of deals that were won."""

_DAYS_THERE: Question = Since("stages", "entered")
_USUAL_DAYS: Question = Sum("won_stays", "millis") / DAY / Count("won_stays")
_LONGEST_BEFORE: Question = Max("stages", "stayed") / DAY

_AGAINST_USUAL = (0, 0.5, 1, 1.5, 2, 3, 5)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: of each field that says what is sold, a stream and a feature more."""
    sold = [field for field in vocabulary.segments if field in WHAT_IS_SOLD]
    streams = {"won_stays": StreamSource("stage", won_stays)}
    for field in sold:
        streams[_won_stays_by(field)] = StreamSource(("stage", field), partial(won_stays, field=field), _WON_STAY)
    return Family("stage", streams, (*_FEATURES, *map(_against_segment, sold)))


_FEATURES = (
    Feature(
        "days_in_stage",
        _DAYS_THERE,
        Unit.DAYS,
        group="stage_time",
        meaning="Days since the deal entered its stage.",
        wording=Wording("In {stage} for {value}.", peers="deals {bin} in their stage", zero="Entered {stage} today."),
        actionable=True,
    ),
    Feature(
        "stage_time_ratio",
        _DAYS_THERE / _USUAL_DAYS,
        Unit.RATIO,
        group="stage_time",
        meaning="Days in the stage ÷ the mean days that won deals spent in it, as known at the date.",
        wording=Wording(
            "In {stage} {value} as long as won deals stayed there.",
            peers="deals {bin} as long in their stage as won deals were",
            missing="No won deal has been in {stage} yet to compare with.",
        ),
        actionable=True,
        bins=_AGAINST_USUAL,
    ),
    Feature(
        "longest_stay",
        most(_DAYS_THERE, _LONGEST_BEFORE),
        Unit.DAYS,
        group="longest_stay",
        meaning="Days of the deal's longest stay in one stage so far, the one that still lasts included.",
        wording=Wording(
            "Stood in one stage for up to {value}.",
            peers="deals that stood in one stage for up to {bin}",
            zero="Has not stood in any stage for a day yet.",
        ),
    ),
    Feature(
        "stage_time_against_longest",
        _DAYS_THERE / _LONGEST_BEFORE,
        Unit.RATIO,
        group="longest_stay",
        meaning="Days in the stage ÷ the days of the deal's longest stay in a stage before.",
        wording=Wording(
            "In {stage} {value} as long as in any stage before.",
            peers="deals {bin} as long in their stage as in any before",
            missing="The deal has not been in another stage for any time.",
        ),
        actionable=True,
        bins=(0, 0.25, 0.5, 1, 2, 4),
    ),
)


def _against_segment(field: str) -> Feature:
    spoken = field.replace("_", " ")
    stays = _won_stays_by(field)
    usual = shrunken_rate(Sum(stays, "millis") / DAY, Count(stays), _USUAL_DAYS, 10)
    return Feature(
        f"stage_time_against_{field}",
        _DAYS_THERE / usual / given(field),
        Unit.RATIO,
        group="stage_time",
        meaning=(
            f"Days in the stage ÷ the mean days that won deals of the same {spoken} spent in it, as known at the date, "
            "shrunk to the mean of all won deals in that stage."
        ),
        wording=Wording(
            f"In {{stage}} {{value}} as long as won deals of the {spoken} {{{field}}} stayed there.",
            peers=f"deals {{bin}} as long in their stage as won deals of their {spoken} were",
            missing=f"The {spoken} is not given, or no won deal has been in {{stage}} yet to compare with.",
        ),
        actionable=True,
        bins=_AGAINST_USUAL,
    )


def _won_stays_by(field: str) -> str:
    return f"won_stays_by_{field}"


_WON_STAY = "One event a stay of a won deal in a stage, of the level that the field had just before the win."


def won_stays(histories: Histories, field: str = "") -> Events | Absent:
    """One event a stay of a won deal in a stage, dated when the deal was won: how long it was, and to the win.

    :param field: the events are keyed by the stage and the level that this field had just before the win; empty: by
        the stage alone.
    """
    stays = stays_of_closed(histories)
    if isinstance(stays, Absent):
        return stays
    if field and not histories.is_known(field):
        return not_known(field)
    won = stays[stays["won"] == 1]
    stage, at = won["stage"].to_numpy(), won["closed"].to_numpy()
    stayed = (won["left"] - won["entered"]).to_numpy(np.int64)
    if not field:
        return Events(stage, at, {"millis": stayed, "millis_to_win": at - won["entered"].to_numpy()})
    level = np.full(len(histories.episodes.deal), NONE)
    level[histories.closed] = histories.code_at_closing(field)
    return Events(histories.joint_key(("stage", field), (stage, level[won["episode"]])), at, {"millis": stayed})
