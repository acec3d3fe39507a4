"""The pipeline of a period: which deals are in it, by what the CRM held then."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from crm.periods import FiscalCalendar
from features.histories import Histories
from features.pipeline import closings, has_plans, standing, tally
from tests.histories import Row, change, crm, deal, millis

Q3 = FiscalCalendar().period_at(millis("2026-08-14"))
IN_Q3, BEFORE, AFTER = millis("2026-08-14T12:00:00"), millis("2026-06-30"), millis("2026-10-02")
MOVED = change("other", "2026-02-01", "close_date", "2026-03-01", "2027-01-01")
"""A change that makes close dates known in the past."""


def histories(*deals: Row, changes: Iterable[Row] = (MOVED,), **tables: Any) -> Histories:
    other = deal("other", "2026-01-01", close_date="2027-01-01")
    return Histories(crm([*deals, other], changes=changes, **tables))


def planned(made: Histories, at: int) -> set[str]:
    return set(made.deals["opportunity_id"][standing(made, Q3, at).planned])


@pytest.mark.parametrize(
    ("close_date", "before", "during", "after"),
    [
        ("2026-07-01", True, True, True),
        ("2026-09-30", True, True, True),
        ("2026-10-01", False, False, False),
        ("2026-06-30", False, True, False),  # overdue, or nearly
        ("2025-01-01", False, True, False),
        (None, False, False, False),
    ],
)
def test_a_deal_is_in_the_pipeline_of_the_period_of_its_close_date_or_overdue_in_it(
    close_date: str | None, before: bool, during: bool, after: bool
) -> None:
    made = histories(deal("d", "2026-01-05", close_date=close_date))
    assert [planned(made, at) == {"d"} for at in (BEFORE, IN_Q3, AFTER)] == [before, during, after]
    edges = [planned(made, at) == {"d"} for at in (Q3.start - 1, Q3.start, Q3.end - 1, Q3.end)]
    assert edges == [before, during, during, after]


def test_only_open_deals_are_in_it() -> None:
    made = histories(
        deal("young", "2026-08-14T12:00:00.001", close_date="2026-09-01"),
        deal("won", "2026-01-05", "Closed Won", close_date="2026-08-14", closed_at="2026-08-14T12:00:00", is_won=True),
        deal("now", "2026-08-14T12:00:00", close_date="2026-09-01"),
    )
    assert planned(made, IN_Q3) == {"now"}
    assert planned(made, IN_Q3 - 1) == {"won"}
    assert planned(made, IN_Q3 + 1) == {"now", "young"}


def test_everything_open_is_in_it_where_close_dates_of_the_past_are_not_known() -> None:
    made = histories(deal("d", "2026-01-05", close_date="2026-01-07"), changes=())
    assert not has_plans(made)
    assert planned(made, IN_Q3) == {"d", "other"}
    assert has_plans(histories())


def test_deals_stand_as_the_crm_held_them() -> None:
    at = "2026-08-14T12:00:00"
    made = histories(
        deal("d", "2026-01-05", close_date="2026-08-20", amount=2.5, owner_id="bob"),
        deal("e", "2026-01-05", close_date="2026-12-20", amount=None),
        changes=[
            MOVED,
            change("d", at, "amount", "0.1", "2.5"),
            change("d", at, "owner_id", "ann", "bob"),
            change("d", at, "close_date", "2026-11-01", "2026-08-20"),
            change("e", at, "close_date", "2026-08-20", "2026-12-20"),
        ],
    )
    before, then = standing(made, Q3, IN_Q3 - 1), standing(made, Q3, IN_Q3)
    assert (before.cents.tolist(), then.cents.tolist()) == ([10, 0, 0], [250, 0, 0])
    assert (before.owner.tolist(), then.owner.tolist()) == ([0, 2, 2], [1, 2, 2])
    assert (before.planned.tolist(), then.planned.tolist()) == ([False, True, False], [True, False, False])


def test_a_closing_is_known_with_what_the_deal_was_until_then() -> None:
    at = "2026-08-14T12:00:00"
    won = {"closed_at": at, "is_won": True, "owner_id": "bob", "amount": 3.0, "close_date": "2026-08-14"}
    made = histories(
        deal("d", "2026-01-05", "Closed Won", **won),
        deal("e", "2026-08-01", "Closed Lost", closed_at="2026-08-01", is_won=False, amount=1, close_date="2026-09-01"),
        changes=[
            MOVED,
            change("d", at, "stage", "Prospect", "Closed Won"),
            change("d", at, "amount", "2", "3"),
            change("d", at, "owner_id", "ann", "bob"),
            change("d", at, "close_date", "2026-12-01", "2026-08-14"),
        ],
    )
    assert (closings(made, Q3, IN_Q3 - 1).at == np.iinfo(np.int64).max).tolist() == [True, False, True]
    found = closings(made, Q3, IN_Q3)
    assert found.at[:2].tolist() == [IN_Q3, millis("2026-08-01")]
    assert found.won.tolist() == [True, False, False]
    assert found.planned.tolist() == [False, True, False]
    assert (found.cents.tolist(), found.cents_before.tolist()) == ([300, 100, 0], [200, 100, 0])
    assert found.owner.tolist()[:2] == [0, 2]


def test_the_last_closing_counts_of_a_deal_that_was_reopened() -> None:
    made = histories(
        deal("d", "2026-01-05", "Closed Won", closed_at="2026-08-20", is_won=True),
        changes=[
            MOVED,
            change("d", "2026-08-01", "stage", "Prospect", "Closed Lost"),
            change("d", "2026-08-10", "stage", "Closed Lost", "Prospect"),
            change("d", "2026-08-20", "stage", "Prospect", "Closed Won"),
        ],
    )

    def at(day: str) -> tuple[bool, bool, bool]:
        ended = closings(made, Q3, millis(day))
        return bool(standing(made, Q3, millis(day)).open[0]), bool(ended.at[0] <= millis(day)), bool(ended.won[0])

    assert [at(f"2026-08-{day}") for day in ("05", "15", "25")] == [
        (False, True, False),
        (True, False, False),
        (False, True, True),
    ]


def test_money_and_deals_are_summed_by_owner_to_the_cent() -> None:
    made = histories(*(deal(name, "2026-01-05", owner_id=name) for name in ("ann", "bob")))
    owner = np.array([1, 1, 2, 0])
    cents = np.array([2**60, 1, 5, 7])
    sums = tally(made, owner, np.array([True, True, True, False]), cents)
    assert sums.tolist() == [[0, 0], [2**60 + 1, 2], [5, 1]]
