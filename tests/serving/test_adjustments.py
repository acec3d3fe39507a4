"""Numbers of people against what came: revenue of the period by its owners, and who was nearer."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from serving.adjustments import by_author, judged
from tests.histories import crm, deal, millis

USERS = [
    {"user_id": "ann", "manager_id": "max", "region": "North"},
    {"user_id": "bob", "manager_id": "max", "region": "South"},
]
OVER = millis("2026-10-15T12:00:00")


def won(name: str, day: str, amount: float | None, owner: str = "ann"):
    stage = {"stage": "Closed Won", "closed_at": day, "is_won": True}
    return deal(name, "2026-06-01", **stage, amount=amount, owner_id=owner)


DEALS = [
    won("first", "2026-07-01", 10.0),
    won("last", "2026-09-30T23:59:59", 20.5),
    won("bobs", "2026-08-01", 100.0, "bob"),
    won("too early", "2026-06-30T23:59:59", 1000.0),
    won("too late", "2026-10-01", 2000.0),
    deal("lost", "2026-06-01", "Closed Lost", closed_at="2026-08-01", is_won=False, amount=5.0, owner_id="ann"),
    deal("open", "2026-06-01", amount=5.0, owner_id="ann"),
]


def said(amount: float, model: float | None = 30.0, level: str = "owner", key: str = "ann", **columns) -> dict:
    spans = {"period_start": date(2026, 7, 1), "period_end": date(2026, 9, 30)}
    return {**spans, "level": level, "key": key, "amount": amount, "model_mean": model, "author": "max", **columns}


def judge(*rows: dict, until: int = OVER, deals=DEALS) -> pd.DataFrame:
    return judged(pd.DataFrame(rows), Histories(crm(deals, users=USERS)), until)


@pytest.mark.parametrize(
    ("level", "key", "actual"),
    [
        ("owner", "ann", 30.5),
        ("owner", "bob", 100.0),
        ("manager", "max", 130.5),
        ("region", "South", 100.0),
        ("company", "company", 130.5),
    ],
)
def test_what_came_is_what_the_period_brought_from_its_first_instant_to_its_last(level, key, actual):
    row = judge(said(50.0, 20.0, level, key)).iloc[0]
    assert row["actual"] == actual
    assert (row["error"], row["model_error"]) == (50.0 - actual, 20.0 - actual)


def test_deals_without_amounts_are_counted():
    assert judge(said(1.0), deals=[{**one, "amount": None} for one in DEALS]).iloc[0]["actual"] == 2


@pytest.mark.parametrize(
    ("amount", "model", "nearer"),
    [(31.0, 29.0, "person"), (20.0, 30.0, "model"), (30.0, 31.0, "alike"), (30.5, 30.499, "alike"), (1.0, None, None)],
)
def test_whoever_is_less_off_is_nearer(amount, model, nearer):
    assert judge(said(amount, model)).iloc[0]["nearer"] == nearer


@pytest.mark.parametrize("until", [millis("2026-09-30T23:59:59.998"), millis("2026-08-01")])
def test_a_period_that_is_not_over_is_not_judged(until):
    row = judge(said(31.0), until=until).iloc[0]
    assert np.isnan(row["actual"])
    assert row["nearer"] is None
    assert judge(said(31.0), until=millis("2026-09-30T23:59:59.999")).iloc[0]["actual"] == 30.5


@pytest.mark.parametrize(("level", "key"), [("owner", "eve"), ("manager", "moe"), ("team", "ann")])
def test_a_key_that_the_tables_do_not_know_is_not_judged(level, key):
    row = judge(said(31.0, level=level, key=key)).iloc[0]
    assert np.isnan(row["actual"])
    assert row["nearer"] is None


def test_authors_are_counted_by_name_each_by_their_last_number():
    table = judge(
        said(99.0, author="zoe"),
        said(31.0, author="zoe"),
        said(0.0, key="bob", author="zoe"),
        said(30.0, 31.0, author="ann"),
        said(31.0, author="late", period_start=date(2026, 10, 1), period_end=date(2026, 12, 31)),
    )
    authors = by_author(table)
    assert list(authors["author"]) == ["ann", "zoe"]
    assert authors[["numbers", "person", "model", "alike"]].to_numpy().tolist() == [[1, 0, 0, 1], [2, 0, 1, 1]]
    assert list(authors["mean_error"]) == [0.5, (0.5 + 100) / 2]
    assert list(authors["mean_model_error"]) == [0.5, (0.5 + 70) / 2]


def test_without_numbers_nobody_is_counted():
    nothing = pd.DataFrame(columns=list(said(1.0)))
    assert by_author(judged(nothing, Histories(crm(DEALS, users=USERS)), OVER)).empty
