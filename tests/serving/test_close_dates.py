"""By when a deal is won if it is won, and whether it slips."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.dataset import ScoringSet, scoring_set
from features.feature import Vocabulary
from features.histories import Histories
from serving.close_dates import close_dates, expected_day
from tests.histories import change, crm, deal, millis
from training.deal_model import Answers
from training.models.win_curve import Curve

AS_OF = "2026-08-14T23:59:59.999"
DAYS = {"ahead": "2026-08-24", "today": "2026-08-14", "passed": "2026-08-01", "none": None}


@pytest.fixture
def scoring() -> ScoringSet:
    """Four open deals, planned for ten days later, for today, for two weeks ago, and for no date."""
    rows = [deal(name, "2026-06-01", "Propose", close_date=day) for name, day in DAYS.items()]
    moves = [change(name, "2026-06-02", "stage", "Prospect", "Propose") for name in DAYS]
    return scoring_set(Histories(crm(rows, changes=moves)), Vocabulary(), (), millis(AS_OF))


def answers(scoring: ScoringSet, behind: float = 0.0) -> Answers:
    """Half are won; wins and losses are spread evenly over 100 days, but for a share of the wins behind them."""
    n = len(scoring.stage)
    seen = np.tile([0.0, 0.5 * (1 - behind)], (n, 1))
    lost = np.tile([0.0, 0.5], (n, 1))
    return Answers(np.full(n, 0.5), Curve(np.array([0.0, 100.0]), seen, lost, np.ones(n)), np.full(n, math.nan))


def dates(scoring: ScoringSet, behind: float = 0.0, **reference: float) -> pd.DataFrame:
    return close_dates(scoring, answers(scoring, behind), reference)


def test_eight_of_ten_wins_come_between_the_two_days(scoring: ScoringSet) -> None:
    row = dates(scoring).loc["ahead"]
    assert (row["close_p10"], row["close_p90"]) == (date(2026, 8, 24), date(2026, 11, 12))
    assert set(expected_day(scoring.as_of, answers(scoring))) == {date(2026, 10, 3)}


def test_a_shape_that_was_found_draws_the_span_in(scoring: ScoringSet) -> None:
    row = dates(scoring, day_of_win_shape=2.0).loc["ahead"]
    # A tenth of a beta(2, 2) lies below 0.196, a tenth above 0.804: 19.6 and 80.4 days, from the end of a day.
    assert (row["close_p10"], row["close_p90"]) == (date(2026, 9, 3), date(2026, 11, 3))


def test_what_lies_behind_all_that_is_known_has_no_day(scoring: ScoringSet) -> None:
    assert dates(scoring, behind=0.2)["close_p90"].isna().all()
    assert dates(scoring, behind=0.2)["close_p10"].notna().all()
    assert set(expected_day(scoring.as_of, answers(scoring, behind=0.8))) == {date(2026, 11, 22)}


def test_a_deal_slips_that_is_still_open_when_its_planned_day_ends(scoring: ScoringSet) -> None:
    slip = dates(scoring)["slip_probability"]
    assert slip["ahead"] == pytest.approx(0.9)
    assert slip[["today", "passed", "none"]].isna().all()


def test_no_open_deal_is_no_row() -> None:
    closed = deal("D", "2026-01-01", "Closed Won", closed_at="2026-02-01", is_won=True)
    moves = [change("D", "2026-02-01", "stage", "Propose", "Closed Won")]
    empty = scoring_set(Histories(crm([closed], changes=moves)), Vocabulary(), (), millis(AS_OF))
    assert dates(empty).empty
