"""What the owner says of the deal: forecast category and next step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Last, Since
from features.stream import Events

_RANKS = {"omitted": 0, "pipeline": 1, "upside": 2, "best case": 2, "bestcase": 2, "most likely": 3,
          "probable": 3, "forecast": 3, "commit": 4, "closed": 5}  # fmt: skip


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "intent",
        {
            "forecast_categories": StreamSource("deal", forecast_category_entries),
            "next_steps": StreamSource("deal", next_step_entries),
        },
        _FEATURES,
    )


_FEATURES = (
    Feature(
        "forecast_category_rank",
        Last("forecast_categories", "rank"),
        Unit.POSITION,
        group="forecast_category",
        meaning="The owner's forecast category: omitted 0, pipeline 1, best case 2, probable 3, commit 4.",
        wording=Wording(
            "The owner's forecast category is {forecast_category}.",
            peers="deals in {bin}",
            missing="No forecast category.",
        ),
        bins=(0, 1, 2, 3, 4),
        bin_names=("omitted", "pipeline", "best case", "probable", "commit"),
    ),
    Feature(
        "days_since_next_step",
        Since("next_steps", "given"),
        Unit.DAYS,
        group="next_step",
        meaning="Days since the next step was last written.",
        wording=Wording(
            "The next step was last written {value} ago.",
            peers="deals whose next step is {bin} old",
            zero="The next step was written today.",
            missing="No next step was ever written.",
        ),
        actionable=True,
        bins=(0, 7, 14, 30, 60),
    ),
    Feature(
        "has_next_step",
        Last("next_steps", "present"),
        Unit.FLAG,
        group="next_step",
        meaning="1 where a next step is written, else 0.",
        wording=Wording("A next step is written.", peers="deals {bin} next step", zero="No next step is written."),
        actionable=True,
        bins=(0, 1),
        bin_names=("without a", "with a"),
    ),
    Feature(
        "next_step_changes",
        Count("next_steps", "changed"),
        Unit.TIMES,
        group="next_step",
        meaning="How often the next step was rewritten.",
        wording=Wording(
            "The next step was rewritten {value}.",
            peers="deals whose next step was rewritten {bin}",
            zero="The next step was never rewritten.",
        ),
        bins=(0, 1, 2, 4),
    ),
)


def forecast_category_entries(histories: Histories) -> Events | Absent:
    """One event each time the forecast category is set."""
    if not histories.is_known("forecast_category"):
        return Absent("the forecast category has no recorded history")
    history = histories.values("forecast_category")
    name = pd.Series(history.value, dtype="str").str.strip().str.lower()
    return Events(history.deal, history.at, {"rank": name.map(_RANKS).to_numpy(float, na_value=np.nan)})


def next_step_entries(histories: Histories) -> Events | Absent:
    """One event each time the next step is written or cleared."""
    if not histories.is_known("next_step"):
        return Absent("the next step has no recorded history")
    history = histories.values("next_step")
    given = pd.notna(history.value)
    return Events(
        history.deal,
        history.at,
        {"given": given, "present": given.astype(float), "changed": given & ~history.first},
    )
