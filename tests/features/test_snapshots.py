"""Which deals are looked at, and when: while open, at ends of days, each deal at its own phase."""

from __future__ import annotations

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import DAY
from features.histories import Histories
from features.snapshots import grid, open_deals
from tests.histories import DAY_US, EPOCH, Life, change, company, crm, deal, micros, millis, show

REOPENED = crm(
    [deal("d", "2024-01-10T15:00", "Propose")],
    changes=[
        change("d", "2024-02-01T09:00", "stage", "Prospect", "Closed Lost"),
        change("d", "2024-03-01T09:00", "stage", "Closed Lost", "Propose"),
    ],
)


def days(histories: Histories, grid_days: int, until: str) -> list[str]:
    return [str(np.datetime64(int(at), "ms"))[:10] for at in grid(histories, grid_days, millis(until)).as_of]


def test_a_deal_is_looked_at_at_the_end_of_each_day_on_which_it_is_open() -> None:
    snapshots = grid(Histories(REOPENED), 1, millis("2024-03-03T12:00"))
    assert (snapshots.as_of % DAY == DAY - 1).all()
    expected = [f"2024-01-{day}" for day in range(10, 32)] + ["2024-03-01", "2024-03-02"]
    assert days(Histories(REOPENED), 1, "2024-03-03T12:00") == expected
    assert snapshots.episode.tolist() == [0] * 22 + [1] * 2


def test_nothing_is_looked_at_after_the_end_of_the_data() -> None:
    histories = Histories(REOPENED)
    assert days(histories, 1, "2024-01-12T23:59:59.998")[-1] == "2024-01-11"
    assert days(histories, 1, "2024-01-12T23:59:59.999")[-1] == "2024-01-12"
    assert days(histories, 1, "2024-01-10T12:00") == []


def test_a_deal_closed_at_the_last_millisecond_of_a_day_is_not_looked_at_on_that_day() -> None:
    def closed(at: str) -> Histories:
        return Histories(crm([deal("d", "2024-01-10", "Closed Won", closed_at=at, is_won=True)]))

    assert days(closed("2024-01-11T23:59:59.999"), 1, "2024-02-01") == ["2024-01-10"]
    assert days(closed("2024-01-12"), 1, "2024-02-01") == ["2024-01-10", "2024-01-11"]


def test_a_deal_entered_when_all_was_over_is_never_looked_at() -> None:
    histories = Histories(crm([deal("d", "2024-01-10", "Closed Won", closed_at="2024-01-10", is_won=True)]))
    assert len(grid(histories, 1, millis("2025-01-01"))) == 0
    assert len(open_deals(histories, millis("2024-01-10"))) == 0


def test_each_deal_has_its_own_weekday_and_together_they_have_all() -> None:
    histories = Histories(crm([deal(f"deal {i}", "2024-01-10") for i in range(60)]))
    snapshots = grid(histories, 7, millis("2024-03-01"))
    weekday = snapshots.as_of // DAY % 7
    for row in range(60):
        assert len(set(weekday[snapshots.deal == row])) == 1
    assert len(set(weekday)) == 7
    gaps = np.diff(snapshots.as_of)[np.diff(snapshots.deal) == 0]
    assert set(gaps) == {7 * DAY}


def test_a_deals_dates_do_not_depend_on_the_others_or_on_its_place() -> None:
    alone = grid(Histories(crm([deal("d7", "2024-01-10")])), 7, millis("2024-03-01"))
    among = grid(Histories(crm([deal(f"d{i}", "2024-01-10") for i in range(9)])), 7, millis("2024-03-01"))
    assert among.as_of[among.deal == 7].tolist() == alone.as_of.tolist()


@settings(max_examples=10, phases=(Phase.explicit, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1), grid_days=st.sampled_from([1, 2, 3, 7, 30]))
def test_on_the_grid_a_deal_is_open_and_no_open_day_is_left_out(seed: int, grid_days: int) -> None:
    rng = np.random.default_rng(seed)
    histories = Histories(show(company(rng, Life(days=120))))
    until = int(rng.integers(EPOCH, EPOCH + 120 * DAY_US)) // 1000
    spans, snapshots = histories.episodes, grid(histories, grid_days, until)
    assert (snapshots.as_of <= until).all()
    assert (spans.opened[snapshots.episode] <= snapshots.as_of).all()
    assert (snapshots.as_of < spans.closed[snapshots.episode]).all()
    assert (spans.deal[snapshots.episode] == snapshots.deal).all()
    for episode in range(len(spans.deal)):
        mine = snapshots.as_of[snapshots.episode == episode]
        assert (np.diff(mine) == grid_days * DAY).all()
        ends = min(int(spans.closed[episode]) - 1, until)
        whole_days = (ends + 1) // DAY - int(spans.opened[episode]) // DAY
        assert len(mine) in (max(whole_days, 0) // grid_days, -(-max(whole_days, 0) // grid_days))


def test_at_one_date_each_open_deal_is_looked_at_once() -> None:
    histories = Histories(REOPENED)
    assert open_deals(histories, millis("2024-01-10T15:00")).episode.tolist() == [0]
    assert open_deals(histories, millis("2024-02-01T08:59:59.999")).episode.tolist() == [0]
    assert open_deals(histories, millis("2024-02-01T09:00")).episode.tolist() == []
    assert open_deals(histories, millis("2024-03-01T09:00")).episode.tolist() == [1]
    assert open_deals(histories, micros("2024-01-10T15:00") // 1000 - 1).episode.tolist() == []
