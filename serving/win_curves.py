"""By when each scored deal is won, lost or still open, month by month: what the store keeps of a model's curve."""

from __future__ import annotations

import calendar
import json
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from crm.clock import DAY
from features.dataset import ScoringSet
from training.deal_model import Answers

MOST_MONTHS = 24
LEAST_OPEN = 0.02
"""A curve ends with the month after which hardly any chance is left that the deal is still open."""


def win_curves(scoring: ScoringSet, answers: Answers) -> pd.Series:
    """Each deal's curve as JSON text, by opportunity_id.

    `first` is the last day (UTC) of the first month; `won` and `lost` are the chances of having closed so by the end
    of that month and of each that follows, as far as the model sees. What is left is the chance of being still open.
    """
    ends = month_ends(datetime.fromtimestamp(scoring.as_of / 1000, UTC).date(), MOST_MONTHS)
    days = ((np.array(ends, dtype="datetime64[D]").astype(np.int64) + 1) * DAY - 1 - scoring.as_of) / DAY
    won, lost = (np.column_stack([of(float(one)) for one in days]) for of in (answers.win_within, answers.lost_within))
    still = 1 - won - lost
    over = np.where((still < LEAST_OPEN).any(axis=1), (still < LEAST_OPEN).argmax(axis=1) + 1, MOST_MONTHS)
    seen = np.maximum(np.searchsorted(days, answers.curve.farthest, side="right"), 1)
    months = np.minimum(over, seen)
    head = f'{{"first":"{ends[0]}",'
    texts = [
        f'{head}"won":{json.dumps(of_won[:many])},"lost":{json.dumps(of_lost[:many])}}}'
        for of_won, of_lost, many in zip(won.round(4).tolist(), lost.round(4).tolist(), months.tolist(), strict=True)
    ]
    ids = scoring.prepared.histories.deals["opportunity_id"].to_numpy(object)[scoring.snapshots.deal]
    return pd.Series(texts, index=pd.Index(ids, dtype=object), dtype=object)


def month_ends(after: date, months: int) -> list[date]:
    """The last days of the months that end later than a day, the first one first."""
    first = after.year * 12 + after.month - 1 + (_end(after.year, after.month) == after)
    return [_end(month // 12, month % 12 + 1) for month in range(first, first + months)]


def _end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
