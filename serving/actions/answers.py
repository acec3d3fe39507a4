"""To answer a buyer who waits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.families.replies import directions
from features.feature import Vocabulary
from serving.actions.action import Action, OpenDeals, Rows
from serving.actions.activities import logged, usual_kind


def declare(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """An answer to a message from the buyer."""
    del vocabulary
    return (_ANSWER,)


def _answered(features: pd.DataFrame) -> np.ndarray:
    return (features["unanswered_inbound"].to_numpy(float) == 0).astype(int)


def _waiting(deals: OpenDeals) -> np.ndarray:
    return deals.feature("unanswered_inbound") > 0


def _answer(deals: OpenDeals) -> Rows:
    outbound = directions(deals.histories)[1]
    return logged(deals, usual_kind(deals.histories, outbound), direction="outbound")


_ANSWER = Action(
    "answer",
    "answer",
    ("unanswered_inbound",),
    _answered,
    _waiting,
    _answer,
    brief="An answer to the buyer",
    fact="The buyer has written or called and waits for an answer.",
    change="Once it is given",
    had="whose buyer was not waiting for one",
    had_not="whose buyer was",
)
