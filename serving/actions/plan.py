"""To write down what comes next, and to plan the day of closing as deals like it close."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.feature import Vocabulary
from features.text import word_counts
from serving.actions.action import Action, OpenDeals, Rows
from serving.actions.changes import can_change, changed

FRESH_DAYS = 30.0

_SINCE_NOTE = "days_since_next_step"
_TO_CLOSE = "days_to_close_date"


def declare(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """A next step written, the close date moved."""
    del vocabulary
    return (_NEXT_STEP, _CLOSE_DATE)


def _has_fresh_note(features: pd.DataFrame) -> np.ndarray:
    return (features[_SINCE_NOTE].to_numpy(float) < FRESH_DAYS).astype(int)


def _no_fresh_note(deals: OpenDeals) -> np.ndarray:
    return (_has_fresh_note(deals.features) == 0) & can_change(deals, "next_step")


def _note(deals: OpenDeals) -> Rows:
    """A note as long as is usual, whose words speak of nothing in particular."""
    words = word_counts(deals.histories.coded("next_step").levels)
    usual = int(np.median(words[words > 0])) if (words > 0).any() else 1
    return changed(deals, "next_step", " ".join(["…"] * usual))


_NEXT_STEP = Action(
    "next_step",
    "next_step",
    (_SINCE_NOTE,),
    _has_fresh_note,
    _no_fresh_note,
    _note,
    brief="A next step noted",
    fact="No next step has been written in the last 30 days.",
    change="With one",
    had="that had written one in the 30 days before",
    had_not="that had not",
)


def _lies_ahead(features: pd.DataFrame) -> np.ndarray:
    return (features[_TO_CLOSE].to_numpy(float) >= 0).astype(int)


def _has_passed(deals: OpenDeals) -> np.ndarray:
    return (deals.feature(_TO_CLOSE) < 0) & np.isfinite(deals.expected) & can_change(deals, "close_date")


def _moved(deals: OpenDeals) -> Rows:
    day = deals.expected.astype(np.int64).astype("datetime64[D]").astype(str).astype(object)
    return changed(deals, "close_date", day)


_CLOSE_DATE = Action(
    "close_date",
    "close_date",
    (_TO_CLOSE,),
    _lies_ahead,
    _has_passed,
    _moved,
    brief="A close date that lies ahead",
    fact="The close date has passed.",
    change="Moved to {day}, the day on which the model expects the deal to close if it is won",
    had="whose close date lay ahead",
    had_not="whose close date had passed",
)
