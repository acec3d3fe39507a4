"""What the CRM held, and when: values at a date, spans of being open, and tables rolled back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm.clock import NEVER
from crm.history import (
    data_through,
    episodes,
    is_known_in_the_past,
    known_by,
    stage_history,
)
from crm.tables import CrmTables
from crm.values import deal_rows, tracked_fields, value_history
from tests.histories import Row, change, crm, deal, millis

BORN = "2024-01-10"
NOT_OPEN = "-"


def at(tables: CrmTables, field: str, day: str, row: int = 0) -> Any:
    """The field's value of a deal at an instant."""
    history = stage_history(tables) if field == "stage" else value_history(tables, field)
    return history.value_at(len(tables["opportunities"]), millis(day))[row]


def moves(*steps: tuple[str, str], of: str = "d", first: str = "Prospect") -> list[Row]:
    """Recorded stage moves: (when, to)."""
    stages = [first, *(to for _, to in steps)]
    return [change(of, when, "stage", old, to) for old, (when, to) in zip(stages, steps, strict=False)]


def spans(tables: CrmTables) -> list[tuple[str, str, str, int, int, int]]:
    """Episodes as (deal, opened, closed, number, won in the end, won as entered)."""
    found, ids = episodes(tables), tables["opportunities"]["opportunity_id"]
    return [
        (ids[found.deal[i]], day(found.opened[i]), day(found.closed[i]), *(int(x) for x in (n, found.won[i], then)))
        for i, (n, then) in enumerate(zip(found.number, found.won_then, strict=True))
    ]


def day(millis: int) -> str:
    return NOT_OPEN if millis == NEVER else str(np.datetime64(int(millis), "ms"))[:10]


# Values at a date ----------------------------------------------------------------------------------------------


def test_a_tracked_value_is_the_new_value_of_the_last_change_at_or_before_the_date() -> None:
    tables = crm(
        [deal("d", BORN, amount=300)],
        changes=[change("d", "2024-03-01", "amount", 200, 300), change("d", "2024-02-01", "amount", 100, 200)],
    )
    values = {day: at(tables, "amount", day) for day in ("2024-02-01", "2024-02-29", "2024-03-01", "2026-01-01")}
    assert list(values.values()) == [200, 200, 300, 300]


def test_before_its_first_change_a_value_is_what_that_change_replaced() -> None:
    tables = crm([deal("d", BORN, amount=300)], changes=[change("d", "2024-02-01", "amount", 100, 300)])
    assert at(tables, "amount", "2024-01-31T23:59:59.999") == 100
    assert at(tables, "amount", BORN) == 100


def test_a_value_that_never_changed_is_todays() -> None:
    tables = crm(
        [deal("d", BORN, amount=5), deal("e", BORN, amount=7)], changes=[change("d", "2024-02-01", "amount", 1, 5)]
    )
    assert at(tables, "amount", "2024-01-11", row=1) == 7


def test_before_its_creation_a_deal_has_no_value() -> None:
    tables = crm([deal("d", BORN, amount=5, owner_id="u")])
    assert np.isnan(at(tables, "amount", "2024-01-09T23:59:59.999"))
    assert at(tables, "owner_id", "2024-01-09T23:59:59.999") is None


def test_a_change_at_the_creation_leaves_no_time_for_the_value_before_it() -> None:
    tables = crm([deal("d", BORN, owner_id="u2")], changes=[change("d", BORN, "owner_id", "u1", "u2")])
    assert at(tables, "owner_id", BORN) == "u2"
    assert value_history(tables, "owner_id").value.tolist() == ["u2"]


def test_a_change_recorded_before_the_creation_counts_from_the_creation() -> None:
    """Two systems' clocks differ by minutes; nothing of a deal is known before the deal."""
    tables = crm([deal("d", BORN, amount=9)], changes=[change("d", "2024-01-09T23:30", "amount", 1, 9)])
    assert np.isnan(at(tables, "amount", "2024-01-09T23:45"))
    assert at(tables, "amount", BORN) == 9


def test_a_value_that_was_cleared_is_none() -> None:
    tables = crm(
        [deal("d", BORN)],
        changes=[
            change("d", "2024-02-01", "close_date", "2024-05-01", None),
            change("d", "2024-03-01", "next_step", "call", None),
        ],
    )
    assert np.isnan(at(tables, "close_date", "2024-02-01"))
    assert at(tables, "next_step", "2024-02-28") == "call"
    assert at(tables, "next_step", "2024-03-01") is None


def test_dates_are_days_since_1970() -> None:
    tables = crm(
        [deal("d", BORN, close_date="2024-06-01")],
        changes=[change("d", "2024-02-01", "close_date", "2024-05-01", "2024-06-01")],
    )
    may, june = np.datetime64("2024-05-01", "D").astype(int), np.datetime64("2024-06-01", "D").astype(int)
    assert [at(tables, "close_date", "2024-01-31"), at(tables, "close_date", "2024-02-01")] == [may, june]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("steps", "begin", "end"),
    [
        (("Prospect Qualify", "Qualify Propose"), "Prospect", "Propose"),
        (("Prospect Qualify", "Qualify Prospect", "Prospect Negotiate"), "Prospect", "Negotiate"),
        (("Prospect Qualify", "Qualify Propose", "Propose Prospect", "Prospect Propose"), "Prospect", "Propose"),
    ],
)
def test_changes_at_the_same_instant_follow_from_each_other_however_their_rows_stand(
    steps: tuple[str, ...], begin: str, end: str, seed: int
) -> None:
    same = "2024-02-01T10:00:00.000001"
    rows = [change("d", same, "stage", *step.split()) for step in steps]
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    tables = crm([deal("d", BORN, end)], changes=shuffled)
    assert at(tables, "stage", "2024-02-01") == begin
    assert at(tables, "stage", "2024-02-02") == end
    history = value_history(tables, "stage")
    assert [f"{a} {b}" for a, b in pairwise(history.value)] in [list(p) for p in permutations(steps)]


def test_changes_at_the_same_instant_take_up_the_value_that_stood_before() -> None:
    same = "2024-02-02"
    rows = [change("d", same, "stage", "Qualify", "Prospect"), change("d", same, "stage", "Prospect", "Qualify")]
    for first in ("Prospect", "Qualify"):
        tables = crm([deal("d", BORN)], changes=[*rows, change("d", "2024-02-01", "stage", "Propose", first)])
        assert at(tables, "stage", "2024-02-03") == first


def test_changes_at_the_same_instant_that_do_not_follow_from_each_other_stand_in_an_order_of_their_own() -> None:
    rows = [change("d", "2024-02-01", "amount", old, new) for old, new in ((1, 2), (5, 7), (None, 3), (2, None))]
    histories = [value_history(crm([deal("d", BORN)], changes=some), "amount").value for some in permutations(rows)]
    assert all(np.array_equal(histories[0], other, equal_nan=True) for other in histories)
    assert len(histories[0]) == len(rows) + 1


def test_changes_of_deals_that_are_not_there_are_nobodys() -> None:
    tables = crm([deal("d", BORN, amount=5)], changes=[change("gone", "2024-02-01", "amount", 1, 2)])
    assert value_history(tables, "amount").deal.tolist() == [0]
    assert deal_rows(tables, pd.Series(["gone", "d"])).tolist() == [-1, 0]


def test_without_deals_there_is_no_history() -> None:
    tables = crm([], changes=[change("gone", "2024-02-01", "amount", 1, 2)])
    assert len(value_history(tables, "amount").deal) == 0
    assert len(episodes(tables).deal) == 0
    assert data_through(crm([])) == 0


def test_each_deals_first_entry_is_marked_and_is_no_change() -> None:
    tables = crm(
        [deal("d", BORN, amount=5), deal("e", BORN, amount=7)], changes=[change("e", "2024-02-01", "amount", 1, 7)]
    )
    assert value_history(tables, "amount").first.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("field", "known"),
    [("amount", True), ("region", True), ("account_id", True), ("created_at", True), ("owner_id", False)],
)
def test_a_past_value_is_known_where_it_is_tracked_declared_fixed_or_fixed_by_nature(field: str, known: bool) -> None:
    tables = crm([deal("d", BORN)], changes=[change("d", "2024-02-01", "amount", 1, 2)], fixed=["region"])
    assert tracked_fields(tables) == {"amount"}
    assert is_known_in_the_past(tables, field) is known


# Episodes ------------------------------------------------------------------------------------------------------


def test_a_deal_is_open_from_its_creation_to_its_closing() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True), deal("e", "2024-01-20")],
        changes=moves(("2024-02-01", "Qualify"), ("2024-03-01", "Closed Won")),
    )
    assert spans(tables) == [("d", BORN, "2024-03-01", 0, 1, 1), ("e", "2024-01-20", NOT_OPEN, 0, -1, -1)]


def test_a_reopened_deal_has_an_episode_for_each_time_it_was_open() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-06-01", is_won=True)],
        changes=moves(("2024-03-01", "Closed Lost"), ("2024-04-01", "Propose"), ("2024-06-01", "Closed Won")),
    )
    assert spans(tables) == [
        ("d", BORN, "2024-03-01", 0, 0, 0),
        ("d", "2024-04-01", "2024-06-01", 1, 1, 1),
    ]


def test_a_reopened_deal_that_is_open_today_has_an_open_episode() -> None:
    tables = crm([deal("d", BORN, "Propose")], changes=moves(("2024-03-01", "Closed Lost"), ("2024-04-01", "Propose")))
    assert spans(tables) == [("d", BORN, "2024-03-01", 0, 0, 0), ("d", "2024-04-01", NOT_OPEN, 1, -1, -1)]


def test_an_outcome_marked_again_closed_when_first_entered_and_tells_both_outcomes() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True)],
        changes=moves(("2024-03-01", "Closed Lost"), ("2024-05-01", "Closed Won")),
    )
    assert spans(tables) == [("d", BORN, "2024-03-01", 0, 1, 0)]


def test_a_deal_closed_without_recorded_moves_is_closed_at_its_closing_time_and_its_stage_before_is_not_known() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Lost", closed_at="2024-03-01", is_won=False), deal("e", BORN)],
        changes=moves(("2024-02-01", "Qualify"), of="e"),
    )
    assert spans(tables)[0] == ("d", BORN, "2024-03-01", 0, 0, 0)
    assert at(tables, "stage", "2024-02-29") is None
    assert at(tables, "stage", "2024-03-01") == "Closed Lost"


def test_a_deal_whose_closing_alone_was_not_recorded_is_closed_all_the_same() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-05-01", is_won=True)],
        changes=moves(("2024-02-01", "Qualify")),
    )
    assert spans(tables) == [("d", BORN, "2024-05-01", 0, 1, 1)]
    assert at(tables, "stage", "2024-04-30") == "Qualify"


def test_a_deal_closed_without_leaving_its_stage_is_closed_at_its_closing_time() -> None:
    tables = crm(
        [deal("d", BORN, "Qualify", closed_at="2024-05-01", is_won=False)], changes=moves(("2024-02-01", "Qualify"))
    )
    assert spans(tables) == [("d", BORN, "2024-05-01", 0, 0, 0)]


def test_a_closing_time_before_the_last_recorded_move_closes_the_deal_at_that_move() -> None:
    tables = crm(
        [deal("d", BORN, "Qualify", closed_at="2024-01-20", is_won=False)], changes=moves(("2024-02-01", "Qualify"))
    )
    assert spans(tables) == [("d", BORN, "2024-02-01", 0, 0, 0)]


def test_a_closing_that_went_unrecorded_keeps_its_time_when_the_outcome_is_marked_again() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True)],
        changes=moves(("2024-06-01", "Closed Won"), first="Closed Lost"),
    )
    assert spans(tables) == [("d", BORN, "2024-03-01", 0, 1, 0)]


def test_a_deal_entered_when_all_was_over_opens_and_closes_at_its_creation() -> None:
    tables = crm(
        [
            deal("d", BORN, "Closed Won", closed_at=BORN, is_won=True),
            deal("e", BORN, "Prospect"),
            deal("f", BORN, "Closed Won", closed_at="2024-01-09T23:30", is_won=True),
        ],
        changes=moves(("2024-05-01", "Prospect"), of="e", first="Closed Lost"),
    )
    assert spans(tables) == [
        ("d", BORN, BORN, 0, 1, 1),
        ("e", BORN, BORN, 0, 0, 0),
        ("e", "2024-05-01", NOT_OPEN, 1, -1, -1),
        ("f", BORN, BORN, 0, 1, 1),
    ]


def test_where_the_stage_is_not_tracked_the_closing_time_alone_tells() -> None:
    tables = crm(
        [
            deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True),
            deal("e", BORN),
            deal("f", BORN, "Closed Lost", closed_at="2024-01-09T23:30", is_won=False),
        ]
    )
    assert spans(tables) == [
        ("d", BORN, "2024-03-01", 0, 1, 1),
        ("e", BORN, NOT_OPEN, 0, -1, -1),
        ("f", BORN, BORN, 0, 0, 0),
    ]


# Rolled back ---------------------------------------------------------------------------------------------------


def history_of_one_deal() -> CrmTables:
    return crm(
        [
            deal("d", BORN, "Closed Won", amount=300, close_date="2024-07-01", closed_at="2024-06-01", is_won=True)
            | {"region": "North", "owner_id": "u2"},
            deal("late", "2024-05-15"),
        ],
        changes=[
            *moves(("2024-03-01", "Closed Lost"), ("2024-04-01", "Propose"), ("2024-06-01", "Closed Won")),
            change("d", "2024-05-01", "amount", 200, 300),
            change("d", "2024-05-01", "close_date", "2024-04-01", "2024-07-01"),
            change("d", "2024-05-01", "owner_id", "u1", "u2"),
        ],
        activities=[
            {"opportunity_id": "d", "occurred_at": "2024-03-01", "recorded_at": "2024-05-02", "kind": "call"},
            {"opportunity_id": "d", "occurred_at": "2024-05-20", "recorded_at": "2024-03-15", "kind": "meeting"},
            {"opportunity_id": "d", "occurred_at": "2024-03-20", "kind": "email"},
            {"opportunity_id": "d", "occurred_at": "2024-05-21", "kind": "email"},
        ],
        contact_roles=[
            {"opportunity_id": "d", "contact_id": "c1", "added_at": "2024-02-01"},
            {"opportunity_id": "d", "contact_id": "c2", "added_at": "2024-05-01"},
            {"opportunity_id": "d", "contact_id": "c3"},
        ],
        accounts=[{"account_id": "a1", "created_at": "2024-05-01"}, {"account_id": "a2"}],
        leads=[
            {"lead_id": "l1", "created_at": BORN, "converted_at": "2024-02-01", "opportunity_id": "d"},
            {"lead_id": "l2", "created_at": BORN, "converted_at": "2024-05-15", "opportunity_id": "late"},
            {"lead_id": "l3", "created_at": "2024-05-15"},
        ],
        users=[{"user_id": "u1"}],
    )


def then(as_of: str) -> CrmTables:
    return known_by(history_of_one_deal(), millis(as_of))


def values(frame: pd.DataFrame, columns: Iterable[str]) -> list[list[Any]]:
    return frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None).to_numpy().tolist()


@pytest.mark.parametrize(
    ("as_of", "stage", "closed_at", "is_won"),
    [
        ("2024-02-01", "Prospect", None, None),
        ("2024-03-15", "Closed Lost", "2024-03-01", False),
        ("2024-04-01", "Propose", None, None),
        ("2024-05-31T23:59:59.999", "Propose", None, None),
        ("2024-06-01", "Closed Won", "2024-06-01", True),
    ],
)
def test_a_reopened_deal_is_shown_as_it_stood(as_of: str, stage: str, closed_at: str | None, is_won: Any) -> None:
    [row] = values(then(as_of)["opportunities"].head(1), ["stage", "closed_at", "is_won"])
    assert row == [stage, pd.Timestamp(closed_at, tz="UTC") if closed_at else None, is_won]


def test_an_outcome_marked_again_later_is_shown_as_it_stood() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True)],
        changes=moves(("2024-03-01", "Closed Lost"), ("2024-05-01", "Closed Won")),
    )
    assert known_by(tables, millis("2024-04-01"))["opportunities"]["is_won"].tolist() == [False]
    assert known_by(tables, millis("2024-05-01"))["opportunities"]["is_won"].tolist() == [True]


def test_a_closing_dated_back_is_not_shown_before_it_was_entered() -> None:
    tables = crm(
        [deal("d", BORN, "Closed Won", closed_at="2024-02-20", is_won=True)],
        changes=moves(("2024-03-01", "Closed Won")),
    )
    assert known_by(tables, millis("2024-02-25"))["opportunities"]["closed_at"].isna().all()
    shown = known_by(tables, millis("2024-03-01"))["opportunities"]["closed_at"]
    assert shown.tolist() == [pd.Timestamp("2024-02-20", tz="UTC")]


def test_tracked_values_are_rolled_back_and_keep_their_types() -> None:
    rolled, today = then("2024-04-30")["opportunities"], history_of_one_deal()["opportunities"]
    assert rolled.dtypes.tolist() == today.dtypes.tolist()
    assert values(rolled, ["amount", "owner_id", "region"]) == [[200, "u1", "North"]]
    assert rolled["close_date"].tolist() == [pd.Timestamp("2024-04-01")]


def test_an_untracked_stage_of_a_deal_closed_since_is_not_shown() -> None:
    tables = crm([deal("d", BORN, "Closed Won", closed_at="2024-03-01", is_won=True), deal("e", BORN, "Qualify")])
    shown = known_by(tables, millis("2024-02-01"))["opportunities"]
    assert values(shown, ["stage", "closed_at", "is_won"]) == [[None, None, None], ["Qualify", None, None]]


def test_later_deals_changes_activities_people_accounts_and_leads_are_not_there() -> None:
    known = then("2024-04-30")
    assert known["opportunities"]["opportunity_id"].tolist() == ["d"]
    assert set(known["changes"]["field"]) == {"stage"}
    assert known["activities"]["kind"].tolist() == ["meeting", "email"]
    assert known["contact_roles"]["contact_id"].tolist() == ["c1", "c3"]
    assert known["accounts"]["account_id"].tolist() == ["a2"]
    assert known["leads"]["lead_id"].tolist() == ["l1", "l2"]
    assert known["users"]["user_id"].tolist() == ["u1"]


def test_a_lead_converted_later_is_not_yet_converted() -> None:
    assert values(then("2024-04-30")["leads"], ["lead_id", "opportunity_id"]) == [["l1", "d"], ["l2", None]]
    assert then("2024-04-30")["leads"]["converted_at"].notna().tolist() == [True, False]


def test_the_last_instant_known_is_of_an_entry_not_of_a_meeting_ahead() -> None:
    tables = crm(
        [deal("d", BORN)],
        changes=[change("d", "2024-02-01", "amount", 1, 2)],
        activities=[
            {"opportunity_id": "d", "occurred_at": "2025-01-01", "recorded_at": "2024-03-01", "kind": "meeting"}
        ],
    )
    assert data_through(tables) == millis("2024-03-01")
    assert data_through(crm([deal("d", BORN, "Closed Won", closed_at="2024-04-01", is_won=True)])) == millis(
        "2024-04-01"
    )
