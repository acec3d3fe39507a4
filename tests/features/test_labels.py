"""What came of a deal, by example: won, lost or not known yet; stalled; final amount; a reopened deal's episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from crm.clock import DAY
from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.labels import Labels, label
from features.snapshots import grid, open_deals
from tests.histories import Row, change, crm, deal, millis

BORN, END = "2024-01-01", "2024-12-31"
SEEN = "2024-03-01"


def labels(tables: CrmTables, seen: str = SEEN, until: str = END, stall_days: int = 30) -> Labels:
    """Labels of the deals open at one date, as known at the end of the data."""
    histories = Histories(tables)
    vocabulary = Vocabulary()
    prepared = prepare(histories, catalogue(vocabulary), vocabulary.calendar)
    return label(prepared, open_deals(histories, millis(seen)), stall_days, millis(until))


def moved(*steps: tuple[str, str], first: str = "Qualify") -> list[Row]:
    """Stage moves of deal d: (when, to)."""
    stages = [first, *(to for _, to in steps)]
    return [change("d", when, "stage", old, to) for old, (when, to) in zip(stages, steps, strict=False)]


@dataclass(frozen=True)
class Told:
    """A deal d and what its stage did."""

    stage: str
    moves: list[Row]
    closed_at: str | None = None
    is_won: bool | None = None

    def tables(self, *changes: Row, **columns: object) -> CrmTables:
        # Another deal's moves see to it that stages are tracked.
        rows = [
            deal("d", BORN, self.stage, closed_at=self.closed_at, is_won=self.is_won, **columns),
            deal("other", "2025-01-01", "Qualify"),
        ]
        return crm(rows, changes=[*self.moves, change("other", "2025-02-01", "stage", "Prospect", "Qualify"), *changes])


def won_at(day: str) -> Told:
    return Told("Closed Won", moved((day, "Closed Won")), day, True)


def lost_at(day: str) -> Told:
    return Told("Closed Lost", moved((day, "Closed Lost")), day, False)


@pytest.mark.parametrize(
    ("told", "outcome", "days"),
    [
        (won_at("2024-04-01"), 1, 31),
        (lost_at("2024-04-01"), 0, 31),
        (Told("Qualify", []), -1, 305),
        (won_at("2024-03-01T00:00:00.001"), 1, 1 / DAY),
    ],
)
def test_a_deal_is_won_lost_or_still_open_at_the_end_of_the_data(told: Told, outcome: int, days: float) -> None:
    found = labels(told.tables())
    assert found.outcome.tolist() == [outcome]
    assert found.days.tolist() == [pytest.approx(days)]


def test_a_closing_after_the_end_of_the_data_is_not_known() -> None:
    found = labels(won_at("2024-06-01").tables(), until="2024-05-31")
    assert found.outcome.tolist() == [-1]
    assert found.days.tolist() == [91]
    assert labels(won_at("2024-06-01").tables(), until="2024-06-01").outcome.tolist() == [1]


STALLED, WENT_ON = 1.0, 0.0
FORTH = "2024-03-15"


@pytest.mark.parametrize(
    ("told", "stalled"),
    [
        (Told("Qualify", []), STALLED),
        (Told("Propose", moved((FORTH, "Propose"))), WENT_ON),
        (Told("Prospect", moved((FORTH, "Prospect"))), STALLED),  # back only
        (Told("Qualify", moved((FORTH, "Prospect"), ("2024-03-20", "Qualify"))), WENT_ON),  # back and forth again
        (Told("Propose", moved(("2024-02-01", "Propose"))), STALLED),  # moved before
        (Told("Propose", moved((SEEN, "Propose"))), STALLED),  # moved at the very date: known then
        (Told("Propose", moved(("2024-03-01T00:00:00.001", "Propose"))), WENT_ON),
        (Told("Propose", moved(("2024-03-31", "Propose"))), WENT_ON),  # on the last day of 30
        (Told("Propose", moved(("2024-03-31T00:00:00.001", "Propose"))), STALLED),  # a millisecond too late
        (won_at(FORTH), WENT_ON),
        (lost_at(FORTH), WENT_ON),
        (lost_at("2024-03-31"), WENT_ON),
        (won_at("2024-03-31T00:00:00.001"), STALLED),
    ],
)
def test_stalled_is_still_open_after_30_days_without_a_move_forward(told: Told, stalled: float) -> None:
    assert labels(told.tables()).stalled.tolist() == [stalled]


def test_whether_a_deal_stalls_is_not_known_before_its_days_have_passed() -> None:
    told = Told("Propose", moved((FORTH, "Propose"))).tables()
    assert np.isnan(labels(told, until="2024-03-30T23:59:59.999").stalled).all()
    assert labels(told, until="2024-03-31").stalled.tolist() == [WENT_ON]


@pytest.mark.parametrize(("stall_days", "stalled"), [(7, STALLED), (14, WENT_ON)])
def test_how_many_days_make_a_stall_is_configurable(stall_days: int, stalled: float) -> None:
    told = Told("Propose", moved((FORTH, "Propose"))).tables()
    assert labels(told, stall_days=stall_days).stalled.tolist() == [stalled]


def test_without_a_stage_history_stalling_is_not_known() -> None:
    found = labels(crm([deal("d", BORN, "Qualify")]))
    assert np.isnan(found.stalled).all()
    assert found.outcome.tolist() == [-1]


@pytest.mark.parametrize(
    ("told", "amounts", "ratio"),
    [
        (won_at("2024-04-01"), [("2024-02-01", 100, 200), ("2024-03-15", 200, 300)], 1.5),
        (won_at("2024-04-01"), [("2024-04-01", 200, 150)], 0.75),  # set in the same save as the win
        (won_at("2024-04-01"), [("2024-04-02", 200, 150)], 1.0),  # set after the win
        (won_at("2024-04-01"), [("2024-03-15", None, 150)], None),  # not known at the date
        (won_at("2024-04-01"), [("2024-03-15", 0, 150)], None),
        (won_at("2024-04-01"), [("2024-03-15", 100, None)], None),
        (lost_at("2024-04-01"), [("2024-03-15", 200, 300)], None),
        (Told("Qualify", []), [("2024-03-15", 200, 300)], None),
    ],
)
def test_the_final_amount_is_the_amount_at_the_win_against_the_amount_known(
    told: Told, amounts: list[tuple[str, float | None, float | None]], ratio: float | None
) -> None:
    tables = told.tables(*(change("d", when, "amount", old, new) for when, old, new in amounts), amount=amounts[-1][2])
    found = labels(tables).amount_ratio
    assert np.isnan(found).all() if ratio is None else found.tolist() == [ratio]


def test_without_a_history_of_amounts_the_final_amount_is_not_known() -> None:
    assert np.isnan(labels(won_at("2024-04-01").tables(amount=5)).amount_ratio).all()


def test_labels_of_a_reopened_deal_belong_to_the_time_it_was_open() -> None:
    told = Told(
        "Closed Won",
        moved(("2024-04-01", "Closed Lost"), ("2024-06-01", "Propose"), ("2024-07-01", "Closed Won")),
        "2024-07-01",
        True,
    ).tables()
    first, second = labels(told), labels(told, seen="2024-06-15")
    assert (first.outcome.tolist(), first.days.tolist()) == ([0], [31])
    assert (second.outcome.tolist(), second.days.tolist()) == ([1], [16])
    assert labels(told, seen="2024-05-01").outcome.tolist() == []


def test_an_outcome_marked_again_counts_as_it_stood_in_the_end() -> None:
    told = Told("Closed Won", moved(("2024-04-01", "Closed Lost"), ("2024-05-01", "Closed Won")), "2024-04-01", True)
    found = labels(told.tables())
    assert (found.outcome.tolist(), found.days.tolist()) == ([1], [31])


def test_every_snapshot_of_the_grid_has_its_own_label() -> None:
    histories = Histories(won_at("2024-04-01").tables())
    prepared = prepare(histories, catalogue(Vocabulary()), Vocabulary().calendar)
    snapshots = grid(histories, 7, millis(END))
    found = label(prepared, snapshots, 30, millis(END))
    assert (found.outcome == 1).all()
    np.testing.assert_allclose(found.days, (millis("2024-04-01") - snapshots.as_of) / DAY)
    assert found.stalled.tolist() == (found.days > 30).astype(float).tolist()
