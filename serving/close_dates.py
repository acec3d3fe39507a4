"""By when a deal is won if it is won, and whether it slips: dates beside the scores' own columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY
from features.dataset import ScoringSet
from training.close_dates import PLAIN, SPAN, ahead, level_of
from training.deal_model import Answers


def expected_day(as_of: int, answers: Answers) -> np.ndarray:
    """The day by which half of the wins come, given a win; the last that the model knows where it lies behind."""
    return _day(as_of, np.minimum(answers.curve.days_to_win(), answers.curve.farthest))


def close_dates(scoring: ScoringSet, answers: Answers, reference: Mapping[str, Any]) -> pd.DataFrame:
    """The span of 8 of 10 wins and the chance to slip; by opportunity_id.

    `close_p10`, `close_p90`: dates, None where they lie behind all that the model knows. `slip_probability`: of being
    still open at the end of the planned close date, NaN where there is none or where it has passed.
    """
    deals = scoring.prepared.histories.deals.iloc[scoring.snapshots.deal]
    shape = reference.get("day_of_win_shape", PLAIN)
    low, high = (answers.curve.days_to_win(level_of(share, shape)) for share in SPAN)
    return pd.DataFrame(
        {
            "close_p10": _day(scoring.as_of, low),
            "close_p90": _day(scoring.as_of, high),
            "slip_probability": answers.open_after(ahead(_days_to_end_of(deals["close_date"], scoring.as_of))),
        },
        index=pd.Index(deals["opportunity_id"].to_numpy(object), name="opportunity_id"),
    )


def _days_to_end_of(day: pd.Series, as_of: int) -> np.ndarray:
    """Days from an instant to the end of each day; NaN where there is none. Shape (n,)."""
    begins = day.to_numpy("datetime64[D]")
    days = (begins.astype(np.int64) + 1) - as_of / DAY
    return np.where(np.isnat(begins), np.nan, days)


def _day(as_of: int, days: np.ndarray) -> np.ndarray:
    """The date so many days later; None where they are without end. Shape (n,), objects."""
    known = np.isfinite(days)
    day = ((as_of + np.where(known, days, 0) * DAY) // DAY).astype("datetime64[D]").astype(object)
    day[~known] = None
    return np.asarray(day)
