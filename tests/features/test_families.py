"""Features by example: those that compare a deal with others, and the corners of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm.periods import FiscalCalendar
from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import Snapshots, compute, prepare
from features.families.calendar import years
from features.families.confidence import KEY_FIELDS
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


FIXED = ("amount", "region", "owner_id", "close_date", "probability")


def test_stage_time_is_held_against_how_long_won_deals_stayed_there() -> None:
    # Won deals stayed in Qualify for 10 and 20 days; this one for 10.
    assert ask(companies_record(), "stage_time_ratio") == pytest.approx(10 / 15)
    assert ask(companies_record(), "stage_time_ratio", at="2024-06-11") == pytest.approx(10 / 10)


def test_stage_time_is_compared_only_with_deals_already_won() -> None:
    early = companies_record()
    assert np.isnan(ask(early, "stage_time_ratio", at="2024-01-20T23:59", of="w2"))
    assert ask(early, "stage_time_ratio", at="2024-01-21", of="w2") == pytest.approx(10 / 10)


def test_stage_time_is_held_against_won_deals_of_the_same_stage_and_type() -> None:
    # Won deals stayed in Qualify for 10 (New) and 20 days (Renewal); this one, of type New, for 10.
    tables = companies_record()
    rows = tables["opportunities"].assign(type=["New", "Renewal", "New", "New"]).astype({"type": "str"})
    tables = replace(tables.with_frames(opportunities=rows), fixed=tables.fixed | {"type"})
    assert ask(tables, "stage_time_against_type") == pytest.approx(10 / ((10 + 15 * 10) / (1 + 10)))
    # In Prospect both stayed for 10 days; of the type of w2 no deal had been won by then.
    assert ask(tables, "stage_time_against_type", at="2024-01-25", of="w2") == pytest.approx(14 / 10)
    nameless = tables.with_frames(opportunities=rows.assign(type=["New", "New", "New", None]).astype({"type": "str"}))
    assert np.isnan(ask(nameless, "stage_time_against_type"))
    assert ask(nameless, "stage_time_ratio") == pytest.approx(10 / 15)


def test_a_won_deal_counts_by_the_type_that_it_had_just_before_the_win() -> None:
    row, moves = closed("w1", "2024-01-01", [("2024-01-21", "Closed Won")], type="Renewal")
    retyped = change("w1", "2024-01-21", "type", "New", "Renewal")
    rows = [row, deal("d", "2024-06-21", type="New"), deal("e", "2024-06-21", type="Renewal")]
    more, moved = closed("w2", "2024-01-01", [("2024-02-10", "Closed Won")], type="Renewal")
    tables = crm([*rows, more], changes=[*moves, *moved, retyped])
    # Of New 20 days in Prospect, of Renewal 40; of both together 30.
    assert ask(tables, "stage_time_against_type") == pytest.approx(10 / ((20 + 30 * 10) / 11))
    assert ask(tables, "stage_time_against_type", of="e") == pytest.approx(10 / ((40 + 30 * 10) / 11))


def test_the_longest_stay_is_in_an_open_stage_and_may_still_last() -> None:
    moves = [
        ("2024-01-11", "Prospect", "Qualify"),
        ("2024-01-15", "Qualify", "Closed Lost"),
        ("2024-05-01", "Closed Lost", "Propose"),
        ("2024-05-21", "Propose", "Negotiate"),
    ]
    row = deal("d", "2024-01-01", "Negotiate")
    tables = crm([row], changes=[change("d", at, "stage", old, new) for at, old, new in moves])
    days = ("2024-01-04", "2024-01-14", "2024-05-06", "2024-05-20", "2024-05-22", "2024-07-01")
    assert [ask(tables, "longest_stay", at=day) for day in days] == [3, 10, 10, 19, 20, 41]
    against = [ask(tables, "stage_time_against_longest", at=day) for day in days]
    assert against == pytest.approx([NAN, 3 / 10, 5 / 10, 19 / 10, 1 / 20, 41 / 20], nan_ok=True)


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


def test_of_a_segments_record_what_was_closed_long_ago_counts_less() -> None:
    """Two wins of the winter and a loss of June, seen in December: the loss is all of the last half year."""
    tables = companies_record(region="North")
    long_ago = (2 + 0.6 * 20) / (2 + 20)
    assert ask(tables, "region_win_rate", at="2024-12-01") == pytest.approx((0 + long_ago * 20) / (1 + 20))
    all_long_ago = (2 + 0.6 * 20) / (3 + 20)
    assert ask(tables, "region_win_rate", at="2025-12-01") == pytest.approx(all_long_ago)


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


def test_the_win_rate_of_an_industry_is_that_of_closings_with_accounts_known_to_be_in_it() -> None:
    done = [
        closed("w1", "2024-01-01", [("2024-02-01", "Closed Won")], account_id="mine"),
        closed("w2", "2024-01-01", [("2024-02-01", "Closed Won")], account_id="late"),
        closed("l1", "2024-01-01", [("2024-02-01", "Closed Lost")], account_id="shop"),
    ]
    accounts = [
        {"account_id": "mine", "industry": "Mining"},
        {"account_id": "late", "industry": "Mining", "created_at": "2024-06-15"},
        {"account_id": "shop", "industry": "Retail", "country": "Chile"},
        {"account_id": "none"},
    ]
    names = [account["account_id"] for account in accounts]
    rows = [row for row, _ in done] + [deal(f"d{name}", "2024-01-01", account_id=name) for name in names]
    moves = [move for _, moves in done for move in moves]
    tables = crm(rows, accounts=accounts, changes=moves, fixed=FIXED)
    prior = 3 / 5 * 20  # two of three won, a win and a loss added
    assert ask(tables, "account_industry_win_rate", of="dmine", at="2024-06-14") == pytest.approx((1 + prior) / 21)
    assert ask(tables, "account_industry_win_rate", of="dmine") == pytest.approx((2 + prior) / 22)
    assert ask(tables, "account_industry_win_rate", of="dshop") == pytest.approx((0 + prior) / 21)
    assert np.isnan(ask(tables, "account_industry_win_rate", of="dlate", at="2024-06-14"))
    assert np.isnan(ask(tables, "account_industry_win_rate", of="dnone"))
    assert np.isnan(ask(tables, "account_country_win_rate", of="dmine"))
    assert ask(tables, "account_country_win_rate", of="dshop") == pytest.approx((0 + prior) / 21)


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


def test_the_plan_is_held_against_how_long_won_deals_took_from_the_stage() -> None:
    # Won deals needed 10 and 20 days from Qualify; this one stands there since June 21st.
    assert ask(companies_record(close_date="2024-07-06"), "close_date_against_stage") == pytest.approx(15 / 15)
    assert ask(companies_record(close_date="2024-06-18"), "close_date_against_stage") == pytest.approx(-3 / 15)
    assert np.isnan(
        ask(companies_record(close_date="2024-01-25"), "close_date_against_stage", at="2024-01-15", of="w1")
    )


def test_a_won_deals_time_to_the_win_counts_from_each_stage_that_it_came_to() -> None:
    row, moves = closed("w1", "2024-01-01", [("2024-01-11", "Qualify"), ("2024-01-31", "Closed Won")])
    tables = crm([row, deal("d", "2024-06-21", close_date="2024-06-27")], changes=moves, fixed=FIXED)
    assert ask(tables, "close_date_against_stage") == pytest.approx(6 / 30)


def test_the_crms_probability_is_held_against_what_was_won_from_the_stage() -> None:
    stage_rate = (2 + 0.6 * 20) / (2 + 20)
    assert ask(companies_record(probability=70), "crm_probability") == pytest.approx(0.7)
    assert ask(companies_record(probability=70), "crm_probability_against_stage") == pytest.approx(0.7 / stage_rate)
    assert ask(companies_record(probability=120), "crm_probability") == 1


def test_the_close_date_lies_so_many_days_before_the_last_day_of_the_quarter() -> None:
    days = ("2024-09-30", "2024-09-27", "2024-10-01")
    assert [ask(companies_record(close_date=day), "close_date_to_period_end") for day in days] == [0, 3, -1]
    assert [ask(companies_record(close_date=day), "close_date_month_end") for day in days] == [1, 0, 0]


def test_how_long_won_deals_take_is_told_by_those_that_were_ever_open() -> None:
    # Won deals took 20 and 30 days.
    assert ask(companies_record(), "age_against_won_cycle") == pytest.approx(30 / 25)
    tables = companies_record()
    entered_won = deal("x", "2024-02-01", "Closed Won", closed_at="2024-02-01", is_won=True)
    more = crm([entered_won]).frames["opportunities"]
    rows = pd.concat([tables["opportunities"], more], ignore_index=True)
    assert ask(tables.with_frames(opportunities=rows), "age_against_won_cycle") == pytest.approx(30 / 25)


def test_a_close_date_put_off_since_the_last_move_forward() -> None:
    days = ["2024-06-10", "2024-06-20", "2024-06-30", "2024-07-30"]
    pushes = [("2024-06-05", 0), ("2024-06-25", 1), ("2024-06-30T12:00", 2)]
    changes = [change("d", at, "close_date", days[i], days[i + 1]) for at, i in pushes]
    move = change("d", "2024-06-15", "stage", "Prospect", "Qualify")
    tables = crm([deal("d", "2024-06-01", "Qualify", close_date=days[-1])], changes=[*changes, move])
    dates = ("2024-06-04", "2024-06-06", "2024-06-16", "2024-06-26", NOW)
    assert [ask(tables, "pushes_since_forward", at=day) for day in dates] == [0, 1, 0, 1, 2]
    # June 20th had passed when it was put off; on June 30th that day was not over yet.
    assert [ask(tables, "pushes_once_passed", at=day) for day in dates] == [0, 0, 0, 1, 1]


def test_deals_that_came_to_an_owner_were_entered_reopened_or_handed_over_and_are_open() -> None:
    rows = [
        deal("d", "2024-01-01", owner_id="u1"),
        deal("e", "2024-06-20", owner_id="u2"),
        deal("f", "2024-06-25", "Closed Won", closed_at="2024-06-25", is_won=True, owner_id="u1"),
    ]
    tables = crm(rows, changes=[change("e", "2024-06-28", "owner_id", "u1", "u2")])
    days = ("2024-01-15", "2024-06-19", "2024-06-20", NOW)
    assert [ask(tables, "owner_new_deals_30d", at=day) for day in days] == [1, 0, 1, 1]
    assert ask(tables, "owner_new_deals_30d", of="e") == 1


def test_what_was_won_this_quarter_is_held_against_the_quotas_that_began_in_it() -> None:
    row, moves = closed("w1", "2024-01-01", [("2024-04-10", "Closed Won")], amount=250, owner_id="u1")
    quotas = [("2024-01-01", 900), ("2024-04-01", 100), ("2024-05-01", 400), ("2024-07-01", 700)]
    tables = crm(
        [row, deal("d", "2024-01-01", owner_id="u1")],
        changes=moves,
        quotas=[{"user_id": "u1", "period_start": day, "amount": amount} for day, amount in quotas],
        fixed=FIXED,
    )
    days = ("2024-03-31", "2024-04-09", "2024-04-10", "2024-06-30", "2024-07-01", "2024-10-01")
    told = [ask(tables, "owner_quota_attainment", at=day) for day in days]
    np.testing.assert_allclose(told, [0, 0, 2.5, 0.5, 0, NAN])
    assert [ask(tables, "owner_wins_this_period", at=day) for day in days] == [0, 0, 1, 1, 0, 0]


def test_a_message_answers_what_was_asked_before_it_and_not_in_the_same_instant() -> None:
    rows = [
        *(touch(day, direction="outbound") for day in ("2024-06-01", "2024-06-03", "2024-06-20")),
        *(touch(day, direction="inbound") for day in ("2024-06-05", "2024-06-06", "2024-06-20", "2024-06-24")),
    ]
    for activities in (rows, rows[::-1]):
        tables = crm([deal("d", "2024-01-01")], activities=activities)
        # June 5th answers the first of June; June 24th answers June 20th, and what came on that very day did not.
        assert ask(tables, "buyer_reply_days") == pytest.approx((4 + 4) / 2)
        # The reply of June 5th was the first to wait for the message of June 20th.
        assert ask(tables, "seller_reply_days") == 15
        assert ask(tables, "unanswered_inbound") == 1
        assert ask(tables, "unanswered_outbound") == 0
        assert [ask(tables, "unanswered_outbound", at=day) for day in ("2024-06-04", "2024-06-20")] == [2, 0]
    assert np.isnan(ask(crm([deal("d", "2024-01-01")], activities=rows[:2]), "buyer_reply_days"))


def test_what_the_buyer_said_since_the_proposal() -> None:
    rows = [
        touch("2024-06-01", direction="inbound"),
        touch("2024-06-02", "Proposal"),
        touch("2024-06-03", direction="inbound"),
    ]
    tables = crm([deal("d", "2024-01-01")], activities=rows)
    assert np.isnan(ask(tables, "replies_since_proposal", at="2024-06-01"))
    assert [ask(tables, "replies_since_proposal", at=f"2024-06-0{day}") for day in (2, 3)] == [0, 1]
    assert ask(tables, "inbound_share") == 1  # a proposal that says not where it went is no message


def test_time_together_is_that_of_meetings_calls_and_demos() -> None:
    rows = [
        touch("2024-06-01", "Meeting", duration_minutes=30.4),
        touch("2024-06-20", "call", duration_minutes=9.6),
        touch("2024-06-21", "email", duration_minutes=60),
        touch("2024-06-22", "demo"),
    ]
    tables = crm([deal("d", "2024-01-01")], activities=rows)
    assert [ask(tables, "minutes_together", at=day) for day in ("2024-06-30", NOW)] == [40, 40]
    assert [ask(tables, "minutes_together_30d", at=day) for day in ("2024-06-30", NOW)] == [40, 10]


def test_a_lead_is_known_to_be_the_deal_from_its_conversion_on() -> None:
    leads = [
        {"lead_id": "l1", "created_at": "2024-06-01", "converted_at": "2024-06-11", "opportunity_id": "d"},
        {"lead_id": "l2", "created_at": "2024-06-10", "converted_at": "2024-06-12", "opportunity_id": "d"},
        {"lead_id": "l3", "created_at": "2024-06-01", "opportunity_id": "d"},
    ]
    tables = crm([deal("d", "2024-06-10"), deal("e", "2024-06-10")], leads=leads)
    days = ("2024-06-10", "2024-06-11", "2024-06-12")
    assert [ask(tables, "from_lead", at=day) for day in days] == [0, 1, 1]
    np.testing.assert_array_equal([ask(tables, "lead_days", at=day) for day in days], [NAN, 10, 6])
    assert ask(tables, "from_lead", of="e") == 0


def test_the_share_of_fields_filled_is_that_of_the_date() -> None:
    rows = [deal("d", "2024-06-01", amount=5, owner_id="u1", region="North", next_step="call")]
    tables = crm(rows, fixed=KEY_FIELDS, changes=[change("d", "2024-06-20", "next_step", None, "call")])
    full = tables["opportunities"].assign(
        **{field: ["x"] for field in ("forecast_category", "type", "lead_source", "product")}
    )
    tables = tables.with_frames(
        opportunities=full.assign(close_date=pd.to_datetime(["2024-07-01"]).astype(full["close_date"].dtype))
    )
    assert [ask(tables, "fields_filled", at=day) for day in ("2024-06-19", "2024-06-20")] == pytest.approx([8 / 9, 1])


def test_the_last_change_of_the_deal_is_that_of_any_field() -> None:
    tables = crm([deal("d", "2024-06-01")], changes=[change("d", "2024-06-21", "colour__c", None, "red")])
    assert (ask(tables, "days_since_edit"), ask(tables, "edits_30d")) == (10, 1)
    assert np.isnan(ask(tables, "days_since_edit", at="2024-06-20"))


def test_what_was_entered_last_is_the_deal_a_change_or_an_activity_whichever_is_latest() -> None:
    booked = touch("2024-06-20", "meeting", recorded_at="2024-06-05")
    tables = crm(
        [deal("d", "2024-06-01", amount=5), deal("e", "2024-06-01")],
        changes=[change("d", "2024-06-10", "amount", 4, 5)],
        activities=[booked, touch("2024-06-12", recorded_at="2024-06-15"), touch("2024-06-18")],
    )
    dates = ("2024-06-04", "2024-06-06", "2024-06-11", "2024-06-14", "2024-06-16", "2024-06-19", "2024-06-21")
    assert [ask(tables, "days_since_entry", at=day) for day in dates] == [3, 1, 1, 4, 1, 1, 3]
    assert ask(tables, "days_since_entry", of="e") == 30


def test_the_season_is_counted_from_the_beginning_of_the_fiscal_year() -> None:
    tables = crm([deal("d", "2024-01-01")])
    assert [ask(tables, "days_into_year", at=day) for day in ("2024-01-01", "2024-07-01", "2025-01-02")] == [0, 182, 1]
    begins = years(Histories(tables), FiscalCalendar("quarter", 4)).at
    assert millis("2024-04-01") in begins
    assert millis("2024-01-01") not in begins
    retail = years(Histories(tables), FiscalCalendar("quarter", 2, "4-5-4", "sunday")).at
    assert {millis("2023-01-29"), millis("2024-02-04"), millis("2025-02-02")} < set(retail)


def test_a_contact_is_new_once_on_each_deal() -> None:
    rows = [
        touch(day, contact_id=who) for day, who in (("2024-04-10", "c1"), ("2024-06-20", "c1"), ("2024-06-20", "c2"))
    ]
    other = [{**row, "opportunity_id": "e"} for row in rows[1:2]]
    tables = crm([deal("d", "2024-01-01"), deal("e", "2024-01-01")], activities=[*rows, *other])
    assert (ask(tables, "new_contacts_30d"), ask(tables, "new_contacts_90d")) == (1, 2)
    assert (ask(tables, "new_contacts_30d", of="e"), ask(tables, "days_since_new_contact")) == (1, 11)


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("CFO", {"top_executives", "purchasing_people"}),
        ("VP Procurement", {"top_executives", "purchasing_people"}),
        ("CISO", {"top_executives", "technical_people"}),
        ("IT Manager", {"technical_people"}),
        ("General Counsel", {"legal_people"}),
        ("executive sponsor", {"decision_makers", "top_executives"}),
        ("Champion", {"champions"}),
        ("Influencer", set()),
        ("Vitamin buyer", set()),
    ],
)
def test_roles_tell_what_people_do(role: str, names: set[str]) -> None:
    people = [{"opportunity_id": "d", "contact_id": "c", "role": role, "added_at": "2024-06-01"}]
    tables = crm([deal("d", "2024-01-01")], contact_roles=people)
    words = ("decision_makers", "top_executives", "purchasing_people", "technical_people", "legal_people", "champions")
    assert {name for name in words if ask(tables, name)} == names


def test_a_stage_come_to_again_and_a_deal_fallen_back() -> None:
    steps = [("2024-06-05", "Prospect", "Propose"), ("2024-06-10", "Propose", "Prospect"),
             ("2024-06-15", "Prospect", "Qualify")]  # fmt: skip
    tables = crm([deal("d", "2024-06-01", "Qualify")], changes=[change("d", at, "stage", a, b) for at, a, b in steps])
    days = ("2024-06-01", "2024-06-05", "2024-06-10", "2024-06-15")
    assert [ask(tables, "stage_visits", at=day) for day in days] == [1, 1, 2, 1]
    assert [ask(tables, "stages_behind_furthest", at=day) for day in days] == [0, 0, 2, 1]
    assert ask(tables, "days_per_move") == pytest.approx(14 / 2)
    assert ask(tables, "standstill_against_pace") == pytest.approx(16 / 7)
    assert ask(tables, "entry_stage") == 1


def test_what_had_been_done_before_the_first_proposal() -> None:
    rows = [
        touch("2024-06-01", "Meeting"),
        touch("2024-06-10", "proposal"),
        touch("2024-06-12", "demo"),
        touch("2024-06-20", "Proposal"),
    ]
    people = [
        {"opportunity_id": "d", "contact_id": "a", "role": "Decision maker", "added_at": "2024-06-10"},
        {"opportunity_id": "e", "contact_id": "b", "role": "Decision maker", "added_at": "2024-06-11"},
        {"opportunity_id": "d", "contact_id": "c", "role": "Evaluator", "added_at": "2024-06-01"},
    ]
    rows += [{**row, "opportunity_id": "e"} for row in rows[1:2]]
    tables = crm([deal("d", "2024-01-01"), deal("e", "2024-01-01"), deal("f", "2024-01-01")],
                 activities=rows, contact_roles=people)  # fmt: skip
    names = ("meeting_before_proposal", "demo_before_proposal", "decision_maker_before_proposal")
    assert [ask(tables, name) for name in names] == [1, 0, 1]
    assert [ask(tables, name, of="e") for name in names] == [0, 0, 0]
    assert np.isnan([ask(tables, name, of="f") for name in names]).all()
    assert np.isnan([ask(tables, name, at="2024-06-09") for name in names]).all()


def test_a_meeting_recorded_after_the_proposal_had_not_been_known_before_it() -> None:
    rows = [touch("2024-06-01", "meeting", recorded_at="2024-06-20"), touch("2024-06-10", "proposal")]
    tables = crm([deal("d", "2024-01-01")], activities=rows)
    assert [ask(tables, "meeting_before_proposal", at=day) for day in ("2024-06-11", NOW)] == [0, 0]


def test_tasks_are_counted() -> None:
    rows = [touch("2024-06-20", "Task"), touch("2024-05-20", "task"), touch("2024-06-21", "email")]
    assert ask(crm([deal("d", "2024-01-01")], activities=rows), "tasks_30d") == 1
