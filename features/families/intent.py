"""What owner and CRM say of the deal's chances: forecast category and probability."""

from __future__ import annotations

import numpy as np

from features.families.stage import STAGE_WIN_RATE
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
            "probabilities": StreamSource("deal", probability_entries),
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
        "forecast_category_raises",
        Count("forecast_categories", "raised"),
        Unit.TIMES,
        group="forecast_category",
        meaning="How often the forecast category was moved towards commit.",
        wording=Wording(
            "The forecast category was raised {value}.",
            peers="deals whose forecast category was raised {bin}",
            zero="The forecast category was never raised.",
        ),
        bins=(0, 1, 2),
    ),
    Feature(
        "forecast_category_cuts",
        Count("forecast_categories", "lowered"),
        Unit.TIMES,
        group="forecast_category",
        meaning="How often the forecast category was moved away from commit.",
        wording=Wording(
            "The forecast category was lowered {value}.",
            peers="deals whose forecast category was lowered {bin}",
            zero="The forecast category was never lowered.",
        ),
        bins=(0, 1, 2),
    ),
    Feature(
        "days_since_forecast_change",
        Since("forecast_categories", "changed"),
        Unit.DAYS,
        group="forecast_category",
        meaning="Days since the forecast category was last changed.",
        wording=Wording(
            "The forecast category was last changed {value} ago.",
            peers="deals whose forecast category was last changed {bin} ago",
            zero="The forecast category was changed today.",
            missing="The forecast category was never changed.",
        ),
    ),
    Feature(
        "crm_probability",
        Last("probabilities", "share"),
        Unit.SHARE,
        group="crm_probability",
        meaning="The CRM's own probability of the deal at the date.",
        wording=Wording(
            "The CRM gives the deal {value}.",
            peers="deals to which the CRM gives {bin}",
            zero="The CRM gives the deal no chance.",
            missing="The CRM gives the deal no probability.",
        ),
        bins=(0, 0.1, 0.25, 0.5, 0.75, 0.9),
    ),
    Feature(
        "crm_probability_against_stage",
        Last("probabilities", "share") / STAGE_WIN_RATE,
        Unit.RATIO,
        group="crm_probability",
        meaning="The CRM's own probability ÷ the share won of the closed deals that had been in the deal's stage.",
        wording=Wording(
            "The CRM's probability is {value} the share of deals that were won from {stage}.",
            peers="deals to which the CRM gives {bin} the share won from their stage",
            zero="The CRM gives the deal no chance.",
            missing="The CRM gives the deal no probability.",
        ),
        bins=(0, 0.5, 0.8, 1.2, 2),
    ),
    Feature(
        "crm_probability_cuts",
        Count("probabilities", "lowered"),
        Unit.TIMES,
        group="crm_probability",
        meaning="How often the CRM's own probability was lowered.",
        wording=Wording(
            "The CRM's probability was lowered {value}.",
            peers="deals whose probability in the CRM was lowered {bin}",
            zero="The CRM's probability was never lowered.",
        ),
        bins=(0, 1, 2, 3),
    ),
)


def forecast_category_entries(histories: Histories) -> Events | Absent:
    """One event each time the forecast category is set."""
    if not histories.is_known("forecast_category"):
        return Absent("the forecast category has no recorded history")
    coded = histories.coded("forecast_category")
    ranks = coded.levels.str.strip().str.lower().map(_RANKS).to_numpy(float, na_value=np.nan)
    rank = np.append(ranks, np.nan)[coded.code]
    step = _steps(rank, coded.history.first)
    changed = ~coded.history.first & (coded.code != np.roll(coded.code, 1))
    return Events(
        coded.history.deal,
        coded.history.at,
        {"rank": rank, "given": coded.code >= 0, "changed": changed, "raised": step > 0, "lowered": step < 0},
    )


def probability_entries(histories: Histories) -> Events | Absent:
    """One event each time the CRM's own probability is set, as a share."""
    if not histories.is_known("probability"):
        return Absent("the CRM's probability has no recorded history")
    history = histories.values("probability")
    share = np.clip(history.value, 0, 100) / 100
    return Events(history.deal, history.at, {"share": share, "lowered": _steps(share, history.first) < 0})


def _steps(value: np.ndarray, first: np.ndarray) -> np.ndarray:
    """By how much each entry differs from the one before it; NaN of a deal's first. Shape (n,)."""
    return np.where(first, np.nan, value - np.roll(value, 1))
