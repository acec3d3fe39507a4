"""Features by example: those that compare a deal with others, and the corners of those that do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import Snapshots, compute, prepare
from features.histories import Histories
from tests.histories import EVERYTHING, Row, change, crm, deal, millis

NAN = float("nan")
NOW = "2024-07-01"


def ask(tables: CrmTables, name: str, at: str = NOW, of: str = "d") -> float:
    """One feature of one deal at one instant."""
    histories = Histories(tables)
    ready = prepare(histories, catalogue(EVERYTHING), EVERYTHING.calendar)
    row = histories.deals["opportunity_id"].tolist().index(of)
    snapshot = Snapshots(np.array([row]), np.array([millis(at)]))
    assert ready.why_absent(ready.catalogue.feature(name)) is None
    return float(compute(ready, snapshot, (name,))[name].iloc[0])


def touch(when: str, kind: str = "email", **columns: Any) -> Row:
    return {"opportunity_id": "d", "occurred_at": when, "kind": kind, **columns}


def closed(name: str, created: str, moves: list[tuple[str, str]], **columns: Any) -> tuple[Row, list[Row]]:
    """A closed deal that began as a prospect, and its stage moves."""
    at, outcome = moves[-1]
    row = deal(name, created, outcome, closed_at=at, is_won=outcome == "Closed Won", **columns)
    stages = ["Prospect", *(stage for _, stage in moves)]
    return row, [change(name, at, "stage", old, new) for old, (at, new) in zip(stages, moves, strict=False)]


def companies_record(**columns: Any) -> CrmTables:
    """Two won deals and a lost one, and an open deal d that stands in Qualify since June 21st."""
    done = [
        closed("w1", "2024-01-01", [("2024-01-11", "Qualify"), ("2024-01-21", "Closed Won")], amount=100),
        closed("w2", "2024-01-01", [("2024-01-11", "Qualify"), ("2024-01-31", "Closed Won")], amount=300),
        closed("l1", "2024-01-01", [("2024-06-30", "Closed Lost")], amount=900),
    ]
    rows = [row | columns for row, _ in done] + [deal("d", "2024-06-01", "Qualify", amount=50) | columns]
    moves = [move for _, moves in done for move in moves]
    return crm(rows, changes=[*moves, change("d", "2024-06-21", "stage", "Prospect", "Qualify")], fixed=FIXED)


FIXED = ("amount", "region", "owner_id")


def test_stage_time_is_held_against_how_long_won_deals_stayed_there() -> None:
    # Won deals stayed in Qualify for 10 and 20 days; this one for 10.
    assert ask(companies_record(), "stage_time_ratio") == pytest.approx(10 / 15)
    assert ask(companies_record(), "stage_time_ratio", at="2024-06-11") == pytest.approx(10 / 10)


def test_stage_time_is_compared_only_with_deals_already_won() -> None:
    early = companies_record()
    assert np.isnan(ask(early, "stage_time_ratio", at="2024-01-20T23:59", of="w2"))
    assert ask(early, "stage_time_ratio", at="2024-01-21", of="w2") == pytest.approx(10 / 10)


def test_an_unrecorded_closing_ends_the_stay_before_it() -> None:
    row, _ = closed("w1", "2024-01-01", [("2024-01-21", "Closed Won")])
    moves = [change("w1", "2024-01-11", "stage", "Prospect", "Qualify")]
    tables = crm([row, deal("d", "2024-06-21", "Qualify")], changes=moves)
    assert ask(tables, "stage_time_ratio") == pytest.approx(10 / 10)


def test_the_win_rate_of_a_stage_is_that_of_the_deals_that_had_been_in_it() -> None:
    # Company: 2 of 3 won, with one more of each (3/5) as the prior that counts as 20 deals.
    assert ask(companies_record(), "stage_win_rate") == pytest.approx((2 + 0.6 * 20) / (2 + 20))
    assert ask(companies_record(), "stage_win_rate", at="2024-06-02") == pytest.approx((2 + 0.75 * 20) / (2 + 20))


def test_a_closed_deal_counts_once_for_a_stage_however_often_it_was_there() -> None:
    row, moves = closed(
        "w1", "2024-01-01", [("2024-01-05", "Qualify"), ("2024-01-09", "Prospect"), ("2024-01-21", "Closed Won")]
    )
    tables = crm([row, deal("d", "2024-06-01")], changes=moves)
    assert ask(tables, "stage_win_rate") == pytest.approx((1 + 2 / 3 * 20) / (1 + 20))


def test_the_win_rate_of_a_segment_is_that_of_its_closed_deals_so_far() -> None:
    tables = companies_record(region="North")
    assert ask(tables, "region_win_rate") == pytest.approx((2 + 0.6 * 20) / (3 + 20))
    assert ask(tables, "region_win_rate", at="2024-06-29") == pytest.approx((2 + 0.75 * 20) / (2 + 20))


def test_a_deal_of_no_segment_gets_the_companys_rate() -> None:
    tables = companies_record()
    rows = tables["opportunities"].assign(region=["North", "North", "North", None])
    assert ask(tables.with_frames(opportunities=rows.astype({"region": "str"})), "region_win_rate") == pytest.approx(
        0.6
    )


def test_the_usual_amount_is_the_mean_of_won_deals_with_an_amount() -> None:
    assert ask(companies_record(), "amount_against_usual") == pytest.approx(50 / 200)
    assert np.isnan(ask(companies_record(), "amount_against_usual", at="2024-01-20", of="w2"))


def test_a_deal_entered_when_all_was_over_counts_for_its_owner_and_is_no_load() -> None:
    rows = [
        deal("old", "2024-05-01", "Closed Won", closed_at="2024-05-01", is_won=True, owner_id="u1"),
        deal("d", "2024-06-01", owner_id="u1"),
    ]
    for changes in ([], [change("d", "2024-06-02", "stage", "Qualify", "Prospect")]):
        tables = crm(rows, changes=changes, fixed=FIXED)
        assert ask(tables, "owner_open_deals") == 1
        assert ask(tables, "owner_closed_before") == 1


def test_a_handover_in_the_save_that_closes_a_deal_leaves_the_closing_with_the_owner_before() -> None:
    row, moves = closed("w1", "2024-01-01", [("2024-01-21", "Closed Won")], owner_id="u2")
    handover = change("w1", "2024-01-21", "owner_id", "u1", "u2")
    tables = crm(
        [row, deal("d", "2024-06-01", owner_id="u1"), deal("e", "2024-06-01", owner_id="u2")],
        changes=[*moves, handover],
    )
    assert [ask(tables, "owner_closed_before", of=of) for of in ("d", "e")] == [1, 0]
    assert [ask(tables, "owner_open_deals", of=of) for of in ("d", "e")] == [1, 1]


def test_load_follows_a_deal_to_its_new_owner_and_back_to_nobody_when_it_closes() -> None:
    row, moves = closed("w1", "2024-01-01", [("2024-06-25", "Closed Won")], owner_id="u2")
    tables = crm(
        [row, deal("d", "2024-01-02", owner_id="u2"), deal("e", "2024-01-02", owner_id="u1")],
        changes=[*moves, change("w1", "2024-06-10", "owner_id", "u1", "u2")],
    )
    days = ("2024-06-09", "2024-06-10", "2024-06-25")
    assert [ask(tables, "owner_open_deals", at=day) for day in days] == [1, 2, 1]
    assert [ask(tables, "owner_open_deals", at=day, of="e") for day in days] == [2, 1, 1]


def test_silence_is_held_against_the_usual_gap_between_the_deals_replies() -> None:
    replies = [touch(day, direction="inbound") for day in ("2024-06-01", "2024-06-03", "2024-06-21")]
    tables = crm([deal("d", "2024-01-01")], activities=[*replies, touch("2024-06-30", direction="outbound")])
    assert ask(tables, "silence_against_rhythm") == pytest.approx(10 / (20 / 2))
    assert np.isnan(ask(tables, "silence_against_rhythm", at="2024-06-02"))
    assert ask(tables, "inbound_share") == pytest.approx(3 / 4)
    assert ask(tables, "days_since_inbound") == 10
    assert ask(tables, "outbound_30d") == 1


def test_two_replies_in_the_same_instant_are_no_rhythm() -> None:
    same = [touch("2024-06-01", direction="inbound"), touch("2024-06-01", direction="inbound")]
    assert np.isnan(ask(crm([deal("d", "2024-01-01")], activities=same), "silence_against_rhythm"))


def test_what_is_neither_to_nor_from_the_buyer_is_no_message() -> None:
    rows = [touch("2024-06-01", direction="internal"), touch("2024-06-01"), touch("2024-06-02", direction="INBOUND")]
    assert ask(crm([deal("d", "2024-01-01")], activities=rows), "inbound_share") == 1


def test_an_activity_counts_once_it_has_both_taken_place_and_been_recorded() -> None:
    rows = [
        touch("2024-06-01", "call", recorded_at="2024-06-20"),
        touch("2024-06-25", "meeting", recorded_at="2024-06-10"),
    ]
    tables = crm([deal("d", "2024-01-01")], activities=rows)
    days = ("2024-06-09", "2024-06-10", "2024-06-19", "2024-06-20", "2024-06-24", "2024-06-25")
    assert [ask(tables, "touches_total", at=day) for day in days] == [0, 0, 0, 1, 1, 2]
    assert [ask(tables, "meetings_ahead", at=day) for day in days] == [0, 1, 1, 1, 1, 0]


def test_an_accounts_facts_are_known_from_the_day_it_was_entered() -> None:
    tables = crm(
        [deal("d", "2024-06-01", account_id="a"), deal("e", "2024-06-01", account_id="b"), deal("f", "2024-06-01")],
        accounts=[
            {"account_id": "a", "employees": 50, "annual_revenue": np.e - 1, "created_at": "2024-06-21"},
            {"account_id": "b", "employees": 70},
            {"account_id": "nobody's", "employees": 90},
        ],
    )
    assert ask(tables, "account_employees") == 50
    assert ask(tables, "account_revenue") == pytest.approx(1)
    assert ask(tables, "account_age_days") == 10
    assert np.isnan(ask(tables, "account_employees", at="2024-06-20"))
    assert np.isnan(ask(tables, "account_age_days", at="2024-06-20"))
    assert ask(tables, "account_employees", at="2024-06-01", of="e") == 70
    assert np.isnan(ask(tables, "account_age_days", of="e"))
    assert np.isnan(ask(tables, "account_employees", of="f"))


def test_an_accounts_reopened_deal_is_open_again() -> None:
    moves = [("2024-02-01", "Prospect", "Closed Lost"), ("2024-06-01", "Closed Lost", "Prospect")]
    tables = crm(
        [deal("d", "2024-01-01", account_id="a"), deal("e", "2024-01-01", account_id="a")],
        changes=[change("e", at, "stage", old, new) for at, old, new in moves],
    )
    days = ("2024-01-31", "2024-02-01", "2024-06-01")
    assert [ask(tables, "account_open_deals", at=day) for day in days] == [2, 1, 2]
    assert [ask(tables, "account_lost_before", at=day) for day in days] == [0, 1, 1]


def test_an_outcome_marked_again_later_counts_as_it_was_entered_until_then_and_after() -> None:
    """What the company's record was at a date does not change when an old deal is marked again."""
    moves = [("2024-02-01", "Prospect", "Closed Lost"), ("2024-06-20", "Closed Lost", "Closed Won")]
    tables = crm(
        [
            deal("d", "2024-01-01", account_id="a"),
            deal("e", "2024-01-01", "Closed Won", closed_at="2024-02-01", is_won=True, account_id="a"),
        ],
        changes=[change("e", at, "stage", old, new) for at, old, new in moves],
    )
    assert [ask(tables, "account_lost_before", at=day) for day in ("2024-06-19", NOW)] == [1, 1]


@pytest.mark.parametrize(("category", "rank"), [("COMMIT", 4), (" Best Case ", 2), ("omitted", 0), ("?", NAN)])
def test_forecast_categories_are_read_whatever_their_case(category: str, rank: float) -> None:
    tables = crm([deal("d", "2024-01-01", forecast_category=category)], fixed=["forecast_category"])
    np.testing.assert_equal(ask(tables, "forecast_category_rank"), rank)


@pytest.mark.parametrize("role", ["Decision Maker", "Executive Sponsor", "CFO and budget owner", "managing director"])
def test_roles_that_decide_or_pay_are_known_by_their_words(role: str) -> None:
    people = [
        {"opportunity_id": "d", "contact_id": "c", "role": role, "added_at": "2024-06-01"},
        {"opportunity_id": "d", "contact_id": "e", "role": "Evaluator", "added_at": "2024-06-01"},
        {"opportunity_id": "d", "contact_id": "f", "role": role},  # since when is not known
    ]
    tables = crm([deal("d", "2024-01-01")], contact_roles=people)
    assert (ask(tables, "decision_makers"), ask(tables, "contact_roles")) == (1, 2)
    assert ask(tables, "decision_makers", at="2024-05-31") == 0
