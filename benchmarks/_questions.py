"""What is asked of the deals of a real pipeline, and what peers may learn from at a date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks._came import Came
from crm.clock import DAY
from training.deal_model import Answers
from training.evaluation import censoring_weight
from training.rows import Rows, known_at

WITHIN_DAYS = 14


@dataclass(frozen=True)
class Question:
    """What is asked of a deal.

    :param known: of rows as known at a date (milliseconds), those whose answer was known then.
    :param truth: of rows as known then, and :param came: of judged deals: the answer, 1 or 0.
    :param judged: which of the judged deals have an answer; :param ours: what the model says.
    """

    name: str
    known: Callable[[Rows, int], np.ndarray]
    truth: Callable[[Rows], np.ndarray]
    came: Callable[[Came], np.ndarray]
    judged: Callable[[Came], np.ndarray]
    ours: Callable[[Answers], np.ndarray]


WINNING = Question(
    "won in the end",
    lambda rows, at: rows.outcome >= 0,
    lambda rows: rows.outcome == 1,
    lambda came: came.outcome == 1,
    lambda came: came.outcome >= 0,
    lambda answers: answers.win,
)
QUESTIONS = (
    WINNING,
    Question(
        f"won within {WITHIN_DAYS} days",
        lambda rows, at: (at - rows.as_of) / DAY >= WITHIN_DAYS,
        lambda rows: (rows.outcome == 1) & (rows.days <= WITHIN_DAYS),
        lambda came: (came.outcome == 1) & (came.days <= WITHIN_DAYS),
        lambda came: np.ones(len(came.outcome), bool),
        lambda answers: answers.win_within(WITHIN_DAYS),
    ),
    Question(
        "stalled",
        lambda rows, at: ~np.isnan(rows.stalled),
        lambda rows: rows.stalled == 1,
        lambda came: came.stalled == 1,
        lambda came: np.ones(len(came.outcome), bool),
        lambda answers: answers.stall,
    ),
)


@dataclass(frozen=True)
class Sample:
    """Encoded snapshots with answers 1 or 0 and the weights that make slow deals count in full; shape (n,)."""

    x: pd.DataFrame
    y: np.ndarray
    weight: np.ndarray


def sample(question: Question, rows: Rows, encoded: pd.DataFrame, at: int, stall_days: int, after: int = -1) -> Sample:
    """The snapshots later than `after` whose answer was known at `at` (milliseconds), as it was known then.

    :param encoded: a line a row of `rows`.
    """
    taken = (rows.as_of > after) & (rows.as_of <= at)
    then = known_at(rows.where(taken), at, stall_days)
    known = question.known(then, at)
    weight = censoring_weight(then, at) if question is WINNING else np.ones(len(then))
    x = encoded[taken][known].reset_index(drop=True)
    return Sample(x, question.truth(then)[known].astype(float), weight[known])
