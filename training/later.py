"""How models did on later dates than they have learned from, asked of deals as they stood then.

Two questions. *Won by now*: from each snapshot to the end of the data, so many days have passed; the model's chance
of being won within them is set beside what happened. Every deal counts, open ones too, nothing is censored. *Won in
the end*: of deals that have closed, slow ones weighted to count in full (`training.evaluation.censoring_weight`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from training.deal_model import Answers
from training.evaluation import censoring_weight
from training.rows import Rows
from training.scores import Interval, entropies, log_losses, mean_interval

LEAST_DEALS = 50
"""Below so many deals that have closed since, the question is not answered: chance would speak."""


@dataclass(frozen=True)
class Kept:
    """Log loss as it came, as promised (what it would be on average if each probability were right), and the rise."""

    rows: int
    deals: int
    closed: int
    realised: Interval
    promised: Interval
    rise: Interval


@dataclass(frozen=True)
class Versus:
    """Two models' log losses on the same rows; `saved` is what the second saves against the first."""

    question: str
    rows: int
    deals: int
    first: Interval
    second: Interval
    saved: Interval


def kept_promise(rows: Rows, answers: Answers, until: int) -> Kept | None:
    """Whether a model's chances of being won by now have come true; None where too few deals have closed since.

    :param rows: snapshots later than its training, outcomes as known at `until` (milliseconds); `answers` in the
        same order.
    """
    closed = len(np.unique(rows.deal[rows.outcome >= 0]))
    if closed < LEAST_DEALS:
        return None
    y, p, weight = (rows.outcome == 1).astype(float), _won_by(until, rows, answers), np.ones(len(rows))
    losses, expected = log_losses(y, p), entropies(p)
    return Kept(
        len(rows),
        len(np.unique(rows.deal)),
        closed,
        mean_interval(losses, weight, rows.deal),
        mean_interval(expected, weight, rows.deal),
        mean_interval(losses - expected, weight, rows.deal),
    )


def versus(rows: Rows, first: Answers, second: Answers, until: int) -> tuple[Versus, ...]:
    """Both models on both questions; empty where too few deals have closed since.

    :param rows: snapshots later than either's training, outcomes as known at `until` (milliseconds).
    """
    if len(np.unique(rows.deal[rows.outcome >= 0])) < LEAST_DEALS:
        return ()
    y, weight = (rows.outcome == 1).astype(float), censoring_weight(rows, until)
    return (
        _versus("won in the end", y, first.win, second.win, weight, rows.deal),
        _versus("won by now", y, _won_by(until, rows, first), _won_by(until, rows, second), np.ones(len(y)), rows.deal),
    )


def _won_by(until: int, rows: Rows, answers: Answers) -> np.ndarray:
    """Each row's chance of being won in the days between its date and `until`."""
    return answers.win_within((until - rows.as_of) / DAY)


def _versus(
    question: str, y: np.ndarray, first: np.ndarray, second: np.ndarray, weight: np.ndarray, deal: np.ndarray
) -> Versus:
    kept = weight > 0
    y, weight, deal = y[kept], weight[kept], deal[kept]
    one, other = log_losses(y, first[kept]), log_losses(y, second[kept])
    return Versus(
        question,
        len(y),
        len(np.unique(deal)),
        mean_interval(one, weight, deal),
        mean_interval(other, weight, deal),
        mean_interval(one - other, weight, deal),
    )
