"""What came of assigned deals: followed equally long, whatever happened later."""

import numpy as np
import pytest

from features.histories import Histories
from features.settings import TimeSettings
from serving.trial.outcomes import Outcomes, outcomes
from tests.histories import change, crm, deal, millis
from tests.serving.trial.records import assigned

TIME = TimeSettings(stall_days=20)


def came(deals, changes=(), until: str = "2026-03-01T00:00:00", ids=("D",), **columns) -> Outcomes:
    return outcomes(assigned(*ids, **columns), Histories(crm(deals, changes=changes)), TIME, millis(until))


def closed(day: str, won: bool, **columns):
    stage = "Closed Won" if won else "Closed Lost"
    return deal("D", "2026-01-01", stage, closed_at=day, is_won=won, amount=50.0, **columns)


@pytest.mark.parametrize(
    ("row", "won", "ended"),
    [
        (closed("2026-02-09T23:59:59", True), 1, 1),
        (closed("2026-02-10T00:00:00", True), 0, 1),
        (closed("2026-01-20", False), 0, 0),
        (deal("D", "2026-01-01"), 0, -1),
    ],
)
def test_won_is_won_within_the_days_followed(row, won, ended):
    found = came([row])
    assert (found.won[0], found.ended[0]) == (won, ended)
    assert not found.gone[0]
    assert not found.closed_before[0]


def test_a_deal_counts_only_once_it_was_followed_to_the_end_however_it_ended_before():
    won_early = closed("2026-01-12", True)
    assert np.isnan(came([won_early], until="2026-02-09T23:59:58").won[0])
    assert came([won_early], until="2026-02-09T23:59:59").won[0] == 1


def test_revenue_is_what_was_won_within_the_days_followed():
    at_win = [change("D", "2026-01-20", "amount", 50.0, 80.0), change("D", "2026-02-20", "amount", 80.0, 999.0)]
    assert came([closed("2026-02-01", True)], at_win).revenue[0] == 80.0
    assert came([closed("2026-02-01", False)], at_win).revenue[0] == 0.0
    assert came([{**closed("2026-02-01", True), "amount": None}, deal("E", "2026-01-01", amount=1.0)]).revenue[0] == 0
    nowhere = [{**closed("2026-02-01", True), "amount": None}]
    assert np.isnan(came(nowhere).revenue[0]), "deals have no amounts"


def test_stalled_is_no_move_forward_within_the_stall_days():
    moves = [change("D", "2026-01-25", "stage", "Prospect", "Propose")]
    row = deal("D", "2026-01-01", "Propose")
    assert came([row], moves).stalled[0] == 0
    late = [change("D", "2026-02-15", "stage", "Prospect", "Propose")]
    assert came([row], late).stalled[0] == 1
    assert np.isnan(came([row], late, until="2026-01-25T00:00:00").stalled[0])


def test_a_deal_that_is_gone_was_not_won():
    found = came([closed("2026-01-20", True)], ids=("D", "gone"))
    assert list(found.gone) == [False, True]
    assert list(found.won) == [1, 0]
    assert found.revenue[1] == 0
    assert np.isnan(found.stalled[1])


def test_of_a_deal_that_had_been_closed_when_it_came_in_nothing_is_asked():
    found = came([closed("2026-01-09", True)])
    assert found.closed_before[0]
    assert np.isnan(found.won[0])
    assert np.isnan(found.stalled[0])
    assert found.ended[0] == -1


def test_each_deal_is_followed_from_its_own_day():
    rows = [deal(name, "2026-01-01", "Closed Won", closed_at="2026-02-05", is_won=True) for name in "AB"]
    table = assigned("A", "B")
    table.loc[1, "as_of"] = table["as_of"][1].replace(month=2, day=1)
    found = outcomes(table, Histories(crm(rows)), TIME, millis("2026-02-20T00:00:00"))
    assert found.won[0] == 1
    assert np.isnan(found.won[1])
