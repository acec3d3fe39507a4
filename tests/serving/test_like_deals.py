"""Like deals: the nearest closed ones of the same stage, what became of them, and nothing of later dates."""

import json

import numpy as np
import pytest

from serving.closed_deals import closed_deals
from serving.like_deals import LEAST_OF_RECORD, OF_RECORD, SHOWN, as_json, like_deals
from serving.neighbours import nearest
from tests.histories import change, crm, deal
from tests.serving.companies import activity, linear_model, scoring_of


def closed(name, emails, won, *, at="2026-03-01", stage="Prospect", **more):
    """A deal that was open for some weeks in one stage, with so many e-mails on its second day."""
    end = "Closed Won" if won else "Closed Lost"
    row = deal(name, "2026-02-01", end, closed_at=at, is_won=won, name=f"Deal {name}", **more)
    return row, change(name, at, "stage", stage, end), [activity(name, "2026-02-01T12:00") for _ in range(emails)]


def opened(name, emails, stage="Prospect", **more):
    """A deal that is open since July."""
    moves = [change(name, "2026-07-01", "stage", None, stage)]
    return deal(name, "2026-07-01", stage, **more), moves, [activity(name, "2026-07-01T12:00") for _ in range(emails)]


def company(*deals, **tables):
    rows, changes, activities = [], [], []
    for row, moves, emails in deals:
        rows.append(row)
        changes += moves if isinstance(moves, list) else [moves]
        activities += emails
    return crm(rows, changes=[*changes, *tables.pop("changes", [])], activities=activities, **tables)


def found(tables, weights=None):
    model = linear_model(weights or {"touches_total": 1.0})
    scoring = scoring_of(tables, model)
    like = like_deals(scoring, model, closed_deals(scoring, model))
    ids = scoring.prepared.histories.deals["opportunity_id"].to_numpy()[scoring.snapshots.deal]
    return dict(zip(ids, as_json(like, scoring), strict=True))


def names_in(told):
    return [one["opportunity_id"] for one in told["deals"]]


def test_the_nearest_in_the_models_eyes_come_first():
    """Seven closed deals with 1 to 64 e-mails; the open one has 11, and the model looks at nothing else."""
    tables = company(*(closed(f"C{2**n:02}", 2**n, n % 2 == 0) for n in range(7)), opened("OPEN", 11))
    told = found(tables)["OPEN"]
    assert names_in(told) == ["C08", "C16", "C04", "C02", "C01"]
    assert [one["won"] for one in told["deals"]] == [False, True, True, False, True]


def test_what_the_model_does_not_weigh_makes_no_difference():
    far = closed("FAR", 9, True, amount=1e9)
    tables = company(far, closed("NEAR", 2, True, amount=100.0), opened("OPEN", 9, amount=100.0), fixed=("amount",))
    assert names_in(found(tables)["OPEN"]) == ["FAR", "NEAR"]


def test_each_is_told_with_its_name_account_end_and_amount():
    tables = company(
        closed("C1", 3, True, at="2026-03-11T09:00", amount=900.0, account_id="a1", owner_id="u1", currency="EUR"),
        opened("OPEN", 3, account_id="a2"),
        changes=[change("C1", "2026-03-11T09:00", "amount", 700, 900), change("C1", "2026-04-01", "amount", 900, 950)],
        accounts=[{"account_id": "a1", "name": "Acme"}],
    )
    told = found(tables)["OPEN"]
    (one,) = told["deals"]
    middle = one.pop("days")
    assert one == {
        "opportunity_id": "C1",
        "name": "Deal C1",
        "account": "Acme",
        "owner_id": "u1",
        "won": True,
        "closed_on": "2026-03-11",
        "amount": 900.0,
        "currency": "EUR",
    }
    assert 14 <= middle <= 24  # from the middle of its 38 days
    assert told["record"] is None  # of one deal there is no record
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_only_deals_that_stood_in_the_same_stage_are_like_it():
    tables = company(
        closed("SAME", 50, True),
        closed("OTHER", 3, True, stage="Propose"),
        opened("OPEN", 3),
        opened("AHEAD", 3, "Propose"),
        opened("ALONE", 3, "Negotiate"),
    )
    told = found(tables)
    assert names_in(told["OPEN"]) == ["SAME"]
    assert names_in(told["AHEAD"]) == ["OTHER"]
    assert told["ALONE"] == {"record": None, "deals": []}


def test_a_deal_that_closed_after_the_date_is_never_shown():
    late = closed("LATE", 3, True, at="2026-08-20")
    early = closed("EARLY", 40, False)
    tables = company(late, early, opened("OPEN", 3))
    assert names_in(found(tables)["OPEN"]) == ["EARLY"]


def test_nor_is_one_that_closed_more_than_two_years_before():
    row, moved, emails = closed("OLD", 3, True, at="2024-08-01")
    old = {**row, "created_at": "2024-06-01"}, moved, emails
    assert names_in(found(company(old, opened("OPEN", 3)))["OPEN"]) == []


def test_a_reopened_deal_is_not_shown_its_own_earlier_life():
    """Nor is anybody else: it has not ended yet."""
    stages = [("2026-03-01", "Prospect", "Closed Lost"), ("2026-05-01", "Closed Lost", "Prospect")]
    again = deal("AGAIN", "2026-02-01", "Prospect"), [change("AGAIN", at, "stage", *both) for at, *both in stages], []
    tables = company(again, closed("C1", 2, True), opened("OPEN", 1))
    told = found(tables)
    assert names_in(told["AGAIN"]) == ["C1"]
    assert names_in(told["OPEN"]) == ["C1"]


def test_a_reopened_deal_tells_how_it_ended_at_last_and_one_that_is_open_again_nothing():
    lost, again = closed("TWICE", 3, False), change("TWICE", "2026-04-01", "stage", "Closed Lost", "Propose")
    won = change("TWICE", "2026-05-01", "stage", "Propose", "Closed Won")
    twice = (
        {**lost[0], "stage": "Closed Won", "closed_at": "2026-05-01", "is_won": True},
        [lost[1], again, won],
        lost[2],
    )
    back, reopened = closed("BACK", 3, False), change("BACK", "2026-07-20", "stage", "Closed Lost", "Prospect")
    row = {**back[0], "stage": "Prospect", "closed_at": None, "is_won": None}
    tables = company(twice, (row, [back[1], reopened], back[2]), opened("EARLY", 3), opened("LATE", 3, "Propose"))
    told = found(tables)
    assert names_in(told["EARLY"]) == [], "what became of it in Prospect was not its end, and the other goes on"
    assert [(one["opportunity_id"], one["won"]) for one in told["LATE"]["deals"]] == [("TWICE", True)]


def test_the_record_is_of_the_nearest_fifty():
    """Sixty closed deals: the ten with many e-mails, all won, are not among the fifty nearest."""
    deals = [closed(f"N{n:02}", 1 + n % 3, n < 20) for n in range(50)]
    deals += [closed(f"F{n:02}", 30, True) for n in range(10)]
    told = found(company(*deals, opened("OPEN", 2)))["OPEN"]
    assert told["record"] == {"won": 20, "deals": OF_RECORD}
    assert len(told["deals"]) == SHOWN
    few = found(company(*deals[:LEAST_OF_RECORD], opened("OPEN", 2)))["OPEN"]
    assert few["record"] == {"won": LEAST_OF_RECORD, "deals": LEAST_OF_RECORD}
    assert found(company(*deals[: LEAST_OF_RECORD - 1], opened("OPEN", 2)))["OPEN"]["record"] is None


def test_where_nothing_has_closed_there_are_none():
    assert found(company(opened("OPEN", 2)))["OPEN"] == {"record": None, "deals": []}


def test_where_no_stage_is_tracked_all_deals_may_be_alike():
    rows = [deal("C1", "2026-02-01", "Closed Won", closed_at="2026-03-01", is_won=True), deal("OPEN", "2026-07-01")]
    emails = [activity(name, "2026-07-02") for name in ("OPEN",)]
    assert names_in(found(crm(rows, activities=emails))["OPEN"]) == ["C1"]


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_are_those_that_a_look_at_every_distance_finds(seed):
    rng = np.random.default_rng(seed)
    asked, there = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
    own, deal_of = rng.integers(0, 40, 20), rng.permutation(40)[:30]
    rows = nearest(asked, own, there, deal_of, 7)
    for place, one, found_rows in zip(asked, own, rows, strict=True):
        distance = np.where(deal_of == one, np.inf, ((there - place) ** 2).sum(axis=1))
        np.testing.assert_array_equal(found_rows, np.argsort(distance)[:7])


def test_of_few_places_the_rest_is_empty():
    rows = nearest(np.zeros((2, 0)), np.array([0, 9]), np.zeros((2, 0)), np.array([0, 1]), 3)
    assert rows[0].tolist() == [1, -1, -1]
    assert sorted(rows[1].tolist()) == [-1, 0, 1]
    assert nearest(np.zeros((0, 2)), np.zeros(0), np.zeros((4, 2)), np.arange(4), 3).shape == (0, 3)
