"""Where the deal stands in the process, and what became of deals that stood there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.families.company import RECORD
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import CodedHistory, Histories
from features.questions import Count, First, Last, Max, Sum, shrunken_rate
from features.stream import Events

STAGE_WIN_RATE = shrunken_rate(Sum("stage_closings", "won"), Count("stage_closings"), RECORD, 20)
"""Share won of the closed deals that had been in the deal's stage."""

_NO_STAGE = Absent("the stage has no recorded history")
_UNKNOWN = "It is not known where the deal stands."


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "stage",
        {
            "stages": StreamSource("deal", stage_entries),
            "stage_closings": StreamSource("stage", stage_closings),
        },
        _PLACE,
    )


_PLACE = (
    Feature(
        "stage_position",
        Last("stages", "rank"),
        Unit.POSITION,
        group="stage",
        meaning="The stage's place among the open stages, from 1.",
        wording=Wording("Stands in {stage}.", peers="deals that stood in {stage}", missing=_UNKNOWN),
        bins=tuple(range(1, 13)),
    ),
    Feature(
        "stage_win_rate",
        STAGE_WIN_RATE,
        Unit.SHARE,
        group="stage",
        meaning="Share won of the closed deals that had been in this stage, as known at the date.",
        wording=Wording(
            "Stands in {stage}; {value} of the deals that reached it were won.",
            peers="deals in stages with a win rate of {bin}",
        ),
        record=True,
    ),
    Feature(
        "stage_visits",
        Last("stages", "visit"),
        Unit.TIMES,
        group="moves_back",
        meaning="How often the deal has been in the stage in which it stands, this time included.",
        wording=Wording(
            "Came to {stage} {value} so far.",
            peers="deals that had come to their stage {bin}",
            missing=_UNKNOWN,
        ),
        bins=(1, 2, 3),
    ),
    Feature(
        "stages_behind_furthest",
        Max("stages", "rank") - Last("stages", "rank"),
        Unit.COUNT,
        group="moves_back",
        meaning="How many stages the deal stands behind the furthest that it had reached.",
        wording=Wording(
            "Stands {value} behind the furthest it had reached.",
            peers="deals {bin} behind the furthest they had reached",
            zero="Stands as far as it has ever been.",
            missing=_UNKNOWN,
        ),
        bins=(0, 1, 2),
        noun=("stage", "stages"),
    ),
    Feature(
        "entry_stage",
        First("stages", "rank"),
        Unit.POSITION,
        group="entry_stage",
        meaning="The place among the open stages, from 1, at which the deal was entered.",
        wording=Wording(
            "Was entered at stage {value} of the process.",
            peers="deals entered at {bin}",
            missing="It is not known at which stage the deal was entered.",
        ),
        bins=(1, 2, 3, 4, 5),
        bin_names=(
            "the first stage",
            "the second stage",
            "the third stage",
            "the fourth stage",
            "the fifth stage or later",
        ),
    ),
)


def stage_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal enters a stage (its first included).

    `stayed` is how long it had been in the open stage that it came from, milliseconds.
    """
    if not histories.is_known("stage"):
        return _NO_STAGE
    coded = histories.coded("stage")
    rank, closed = _rank_and_closed(histories)
    own_rank = _of_stage(rank, coded.code)
    is_closed = _of_stage(closed, coded.code) > 0
    first = coded.history.first
    before_rank = np.where(first, np.nan, np.roll(own_rank, 1))
    before_closed = ~first & np.roll(is_closed, 1)
    step = own_rank - before_rank
    stayed = np.where(first | before_closed, 0, coded.history.at - np.roll(coded.history.at, 1))
    return Events(
        coded.history.deal,
        coded.history.at,
        {
            "code": coded.code,
            "rank": own_rank,
            "visit": _visits(coded),
            "entered": ~is_closed,
            "stayed": stayed,
            "forward": step > 0,
            "backward": step < 0,
            "moved": (step > 0) | (step < 0),
            "skipped": np.where(step > 1, step - 1, 0).astype(np.int64),
            "reopened": before_closed & ~is_closed,
        },
    )


def _visits(coded: CodedHistory) -> np.ndarray:
    """At each entry, how often its deal had come to the stage by then; NaN where that is not known. Shape (n,)."""
    comes = coded.history.first | (coded.code != np.roll(coded.code, 1))
    visit = pd.Series(comes.astype(float)).groupby([coded.history.deal, coded.code]).cumsum().to_numpy()
    return np.where(coded.code >= 0, visit, np.nan)


def stage_closings(histories: Histories) -> Events | Absent:
    """One event a stage that a closed deal had been in, dated when the deal closed; whether it was won."""
    stays = stays_of_closed(histories)
    if isinstance(stays, Absent):
        return stays
    once = stays.drop_duplicates(["episode", "stage"])
    return Events(once["stage"].to_numpy(), once["closed"].to_numpy(), {"won": (once["won"] == 1).to_numpy(bool)})


def stays_of_closed(histories: Histories) -> pd.DataFrame | Absent:
    """Stays of closed episodes in open stages: episode, stage code, entered, left, closed, won (as entered)."""
    if not histories.is_known("stage"):
        return _NO_STAGE
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
