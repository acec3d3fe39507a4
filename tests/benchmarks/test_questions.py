"""What peers may learn from at a date: only answers that were known then."""

import numpy as np
import pandas as pd

from benchmarks._questions import QUESTIONS, WINNING, sample
from crm.clock import DAY
from tests.training.examples import LOST, NAN, OPEN, WON, rows_of

WITHIN, STALLED = QUESTIONS[1:]
ROWS = rows_of(
    [WON, LOST, WON, OPEN, LOST],
    [5, 30, 40, 60, 2],
    as_of=np.array([0, 10, 20, 30, 45]) * DAY,
    stalled=[0, 1, 0, 1, NAN],
)
ENCODED = pd.DataFrame({"number": np.arange(len(ROWS))})


def known(question, at, after=-1):
    found = sample(question, ROWS, ENCODED, at * DAY, 14, after=after)
    return dict(zip(found.x["number"], found.y, strict=True))


def test_winning_is_known_of_what_has_closed():
    assert known(WINNING, 100) == {0: 1, 1: 0, 2: 1, 4: 0}
    assert known(WINNING, 41) == {0: 1, 1: 0}
    assert known(WINNING, 39) == {0: 1}


def test_winning_soon_is_known_once_the_days_have_passed():
    assert known(WITHIN, 100) == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}
    assert known(WITHIN, 44) == {0: 1, 1: 0, 2: 0, 3: 0}
    assert known(WITHIN, 43) == {0: 1, 1: 0, 2: 0}


def test_a_stall_is_known_once_its_horizon_has_passed():
    assert known(STALLED, 100) == {0: 0, 1: 1, 2: 0, 3: 1}
    assert known(STALLED, 33) == {0: 0, 1: 1}


def test_later_snapshots_alone():
    assert known(WINNING, 100, after=10 * DAY) == {2: 1, 4: 0}


def test_slow_deals_weigh_more_where_few_were_followed_as_long():
    found = sample(WINNING, ROWS, ENCODED, 100 * DAY, 14)
    by_days = sorted(zip(ROWS.days[found.x["number"]], found.weight, strict=True))
    assert [weight for _, weight in by_days] == sorted(weight for _, weight in by_days)
    assert (sample(WITHIN, ROWS, ENCODED, 100 * DAY, 14).weight == 1).all()
