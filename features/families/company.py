"""The company's own record: what every rate is shrunk towards, and what closings are made of."""

from __future__ import annotations

import numpy as np

from crm.clock import DAY
from features.feature import Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Constant as Always
from features.questions import Count, Question, Sum, shrunken_rate
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
    record=True,
)


RECORD = (Sum("company_closings", "won") + 1) / (Count("company_closings") + 2)
"""The company's share won so far, a win and a loss added: what the rates of its parts are shrunk towards."""

CENTS = 100


def usual_amount(closings: str, days: float | None = None) -> Question:
    """Mean amount of a stream's won deals; not known before there is one with an amount.

    Whoever asks it must also ask the stream of amounts: without it, closings have no amounts to tell of.
    """
    return Sum(closings, "won_cents", days=days) / CENTS / Count(closings, "won_with_amount", days=days)


def usual_days(closings: str) -> Question:
    """Mean days from opening to winning of a stream's won deals; not known before there is one."""
    return Sum(closings, "won_millis") / DAY / Count(closings, "won_timed")


def shrunken_amount(closings: str, strength: float) -> Question:
    """Mean amount of a stream's won deals, pulled towards the company's."""
    total = Sum(closings, "won_cents") / CENTS
    return shrunken_rate(total, Count(closings, "won_with_amount"), usual_amount("company_closings"), strength)


def shrunken_days(closings: str, strength: float) -> Question:
    """Mean days that a stream's won deals took, pulled towards the company's."""
    total = Sum(closings, "won_millis") / DAY
    return shrunken_rate(total, Count(closings, "won_timed"), usual_days("company_closings"), strength)


def closings(histories: Histories) -> Events:
    """One event a closing of any deal: whether it was won, for how much, after how long."""
    return closings_by(histories, np.zeros(len(histories.closed), dtype=np.int64))


def closings_by(histories: Histories, key: np.ndarray) -> Events:
    """Closings as events of the given keys, one for each of `histories.closed`.

    `won` or `lost`; of what was won `won_cents` (0 where not known) and whether it was `won_with_amount`,
    `won_millis` (how long it had been open) and whether it was `won_timed`: a deal that was entered when all was
    over tells nothing of how long deals take.
    """
    spans, closed = histories.episodes, histories.closed
    deal, at = spans.deal[closed], spans.closed[closed]
    won = spans.won_then[closed] == 1
    known = histories.is_known("amount")
    # An amount set in the same save as the closing is what the deal closed for.
    amount = histories.value_before("amount", deal, at + 1) if known else np.full(len(deal), np.nan)
    took = at - spans.opened[closed]
    return Events(
        key,
        at,
        {
            "won": won,
            "lost": ~won,
            "won_cents": np.where(won, in_cents(amount), 0),
            "won_with_amount": won & ~np.isnan(amount),
            "won_millis": np.where(won, took, 0),
            "won_timed": won & (took > 0),
        },
    )


def in_cents(amount: np.ndarray) -> np.ndarray:
    """Money in whole cents, of which sums are exact in any order; 0 where not known. Shape (n,), int64."""
    return np.rint(np.nan_to_num(amount) * CENTS).astype(np.int64)
