"""The company's own record: what every rate is shrunk towards."""

from __future__ import annotations

import numpy as np

from features.feature import Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Constant as Always
from features.questions import Count, Sum, shrunken_rate
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    features = (_WIN_RATE,) if vocabulary.seasoned else ()
    return Family("company", {"company_closings": StreamSource("company", closings)}, features)


_WIN_RATE = Feature(
    "company_win_rate",
    shrunken_rate(
        Sum("company_closings", "won", days=180),
        Count("company_closings", days=180),
        Always(0.5),
        20,
    ),
    Unit.SHARE,
    group="season",
    meaning="Share won of the deals closed in the last 180 days, over the whole company.",
    wording=Wording(
        "Of all deals closed in the last half year, {value} were won.",
        peers="deals at times when {bin} were won",
    ),
)


def closings(histories: Histories) -> Events:
    """One event a closing of any deal: whether it was won, for how much, after how many days."""
    return closings_by(histories, np.zeros(len(histories.closed), dtype=np.int64))


def closings_by(histories: Histories, key: np.ndarray) -> Events:
    """Closings as events of the given keys, one for each of `histories.closed`."""
    spans, closed = histories.episodes, histories.closed
    deal, at = spans.deal[closed], spans.closed[closed]
    won = spans.won_then[closed] == 1
    known = histories.is_known("amount")
    # An amount set in the same save as the closing is what the deal closed for.
    amount = histories.value_before("amount", deal, at + 1) if known else np.full(len(deal), np.nan)
    return Events(
        key,
        at,
        {
            "won": won.astype(float),
            "won_amount": np.where(won, np.nan_to_num(amount), 0.0),
            "won_with_amount": won & ~np.isnan(amount),
        },
    )
