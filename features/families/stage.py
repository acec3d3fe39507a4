"""Where the deal stands in the process, how it got there, and how long it has stood still."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Last, Since, Sum, shrunken_rate
from features.stream import Events

_PRIOR = (Sum("company_closings", "won") + 1) / (Count("company_closings") + 2)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "stage",
        {
            "stages": StreamSource("deal", stage_entries),
            "won_stays": StreamSource("stage", won_stays),
            "stage_closings": StreamSource("stage", stage_closings),
        },
        (*_PLACE, *_MOVES),
    )


_PLACE = (
    Feature(
        "stage_position",
        Last("stages", "rank"),
        Unit.POSITION,
        group="stage",
        meaning="The stage's place among the open stages, from 1.",
        wording=Wording(
            "Stands in {stage}.", peers="deals that stood in {stage}", missing="It is not known where the deal stands."
        ),
        bins=tuple(range(1, 13)),
    ),
    Feature(
        "stage_win_rate",
        shrunken_rate(Sum("stage_closings", "won"), Count("stage_closings"), _PRIOR, 20),
        Unit.SHARE,
        group="stage",
        meaning="Share won of the closed deals that had been in this stage, as known at the date.",
        wording=Wording(
            "Stands in {stage}; {value} of the deals that reached it were won.",
            peers="deals in stages with a win rate of {bin}",
        ),
    ),
    Feature(
        "days_in_stage",
        Since("stages", "entered"),
        Unit.DAYS,
        group="stage_time",
        meaning="Days since the deal entered its stage.",
        wording=Wording("In {stage} for {value}.", peers="deals {bin} in their stage", zero="Entered {stage} today."),
        actionable=True,
    ),
    Feature(
        "stage_time_ratio",
        Since("stages", "entered") / (Sum("won_stays", "days") / Count("won_stays")),
        Unit.RATIO,
        group="stage_time",
        meaning="Days in the stage ÷ the mean days that won deals spent in it, as known at the date.",
        wording=Wording(
            "In {stage} {value} as long as won deals stayed there.",
            peers="deals {bin} as long in their stage as won deals were",
            missing="No won deal has been in {stage} yet to compare with.",
        ),
        actionable=True,
        bins=(0, 0.5, 1, 1.5, 2, 3, 5),
    ),
)

_MOVES = (
    Feature(
        "moves_forward",
        Count("stages", "forward"),
        Unit.TIMES,
        group="stage_moves",
        meaning="How often the deal has moved to a later stage.",
        wording=Wording("Moved forward {value}.", peers="deals moved forward {bin}", zero="Has not moved forward yet."),
        bins=(0, 1, 2, 3, 4, 5),
    ),
    Feature(
        "moves_back",
        Count("stages", "backward"),
        Unit.TIMES,
        group="moves_back",
        meaning="How often the deal has moved to an earlier stage.",
        wording=Wording("Moved back {value}.", peers="deals moved back {bin}", zero="Has never moved back."),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "stages_skipped",
        Sum("stages", "skipped"),
        Unit.COUNT,
        group="stage_moves",
        meaning="How many stages the deal has passed over.",
        wording=Wording(
            "Passed over {value}.", peers="deals that passed over {bin}", zero="Passed through every stage."
        ),
        bins=(0, 1, 2),
        noun=("stage", "stages"),
    ),
    Feature(
        "days_since_forward",
        Since("stages", "forward"),
        Unit.DAYS,
        group="stage_moves",
        meaning="Days since the last move to a later stage.",
        wording=Wording(
            "Last moved forward {value} ago.",
            peers="deals that last moved forward {bin} ago",
            zero="Moved forward today.",
            missing="Has not moved forward yet.",
        ),
        actionable=True,
    ),
    Feature(
        "reopened",
        Count("stages", "reopened"),
        Unit.TIMES,
        group="reopened",
        meaning="How often the deal was reopened after being closed.",
        wording=Wording("Was reopened {value}.", peers="deals reopened {bin}", zero="Was never reopened."),
        bins=(0, 1),
    ),
)


def stage_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal enters a stage (its first included)."""
    if not histories.is_known("stage"):
        return Absent("the stage has no recorded history")
    coded = histories.coded("stage")
    rank, closed = _rank_and_closed(histories)
    own_rank = _of_stage(rank, coded.code)
    is_closed = _of_stage(closed, coded.code) > 0
    first = coded.history.first
    before_rank = np.where(first, np.nan, np.roll(own_rank, 1))
    before_closed = ~first & np.roll(is_closed, 1)
    step = own_rank - before_rank
    return Events(
        coded.history.deal,
        coded.history.at,
        {
            "code": coded.code,
            "rank": own_rank,
            "entered": ~is_closed,
            "forward": step > 0,
            "backward": step < 0,
            "skipped": np.where(step > 1, step - 1, 0.0),
            "reopened": before_closed & ~is_closed,
        },
    )


def won_stays(histories: Histories) -> Events | Absent:
    """One event a stage in which a won deal stayed, dated when the deal was won; how many days it took."""
    stays = _stays(histories)
    if isinstance(stays, Absent):
        return stays
    won = stays[stays["won"] == 1]
    days = (won["left"] - won["entered"]).to_numpy(float) / 86_400_000
    return Events(won["stage"].to_numpy(), won["closed"].to_numpy(), {"days": days})


def stage_closings(histories: Histories) -> Events | Absent:
    """One event a stage that a closed deal had been in, dated when the deal closed; whether it was won."""
    stays = _stays(histories)
    if isinstance(stays, Absent):
        return stays
    once = stays.drop_duplicates(["episode", "stage"])
    return Events(once["stage"].to_numpy(), once["closed"].to_numpy(), {"won": (once["won"] == 1).to_numpy(float)})


def _stays(histories: Histories) -> pd.DataFrame | Absent:
    """Stays of closed episodes in open stages: episode, stage code, entered, left, closed, won (as entered)."""
    if not histories.is_known("stage"):
        return Absent("the stage has no recorded history")
    coded, spans = histories.coded("stage"), histories.episodes
    history = coded.history
    episode = histories.episode_at(history.deal, history.at)
    _, closed_stage = _rank_and_closed(histories)
    rows = np.flatnonzero((episode >= 0) & (coded.code >= 0) & (_of_stage(closed_stage, coded.code) == 0))
    rows = rows[spans.won_then[episode[rows]] >= 0]
    closed = spans.closed[episode[rows]]
    # The last stay of a deal lasts until it closed, whether or not that was recorded as a move.
    left = np.where(np.roll(history.first, -1)[rows], closed, np.roll(history.at, -1)[rows])
    return pd.DataFrame(
        {
            "episode": episode[rows],
            "stage": coded.code[rows],
            "entered": history.at[rows],
            "left": left,
            "closed": closed,
            "won": spans.won_then[episode[rows]],
        }
    )


def _rank_and_closed(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Each stage's rank among the open ones (NaN for closed), and whether it is closed; both float."""
    stages = histories.tables["stages"]
    closed = stages["is_closed"].fillna(False).to_numpy(bool)
    rank = stages["position"].where(~closed).rank(method="dense")
    return rank.to_numpy(float), closed.astype(float)


def _of_stage(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    return np.where(code >= 0, values[np.maximum(code, 0)], np.nan)
