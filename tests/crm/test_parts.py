"""Parts of a company: some of its deals with all that is theirs, and nobody else's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm.parts import OF_DEALS, OnePart, of_deals
from crm.tables import TABLES, CrmTables, Facts, Kind
from tests.histories import DAY_US, EPOCH, change, company, crm, deal, show, typed


@pytest.fixture
def tables() -> CrmTables:
    """Three deals, of which one has nothing; and rows of deals that nobody knows."""
    touches = [{"opportunity_id": of, "occurred_at": EPOCH + DAY_US, "kind": "email"} for of in ("a", "c", "gone", "a")]
    moves = [change(of, EPOCH + DAY_US, "stage", "Prospect", "Qualify") for of in ("c", "a", "gone")]
    leads = [{"lead_id": f"l{i}", "created_at": EPOCH, "opportunity_id": of} for i, of in enumerate(("c", None, "a"))]
    made = crm(
        [deal("a", EPOCH, amount=1), deal("b", EPOCH, amount=2), deal("c", EPOCH, amount=3)],
        activities=touches,
        changes=moves,
        leads=leads,
        accounts=[{"account_id": "x", "created_at": EPOCH}],
        users=[{"user_id": "u"}],
        fixed=["region"],
    )
    return CrmTables(made.frames, made.fixed, {"score": Kind.NUMBER})


def ids(tables: CrmTables, table: str) -> list[str]:
    return tables[table]["opportunity_id"].tolist()


def test_some_deals_come_with_all_that_is_theirs_and_nobody_elses(tables: CrmTables) -> None:
    part = of_deals(tables, np.array([True, True, False]))
    assert ids(part, "opportunities") == ["a", "b"]
    assert ids(part, "activities") == ["a", "a"]
    assert ids(part, "changes") == ["a"]
    assert part["leads"]["lead_id"].tolist() == ["l2"]
    for table, frame in part.frames.items():
        assert list(frame.index) == list(range(len(frame)))
        pd.testing.assert_series_equal(frame.dtypes, tables[table].dtypes)


def test_they_keep_the_shared_tables_and_the_facts_of_the_whole(tables: CrmTables) -> None:
    part = of_deals(tables, np.array([False, True, False]))
    assert not part.has("changes")
    assert part.facts == tables.facts
    assert part.facts.tracked == {"stage"}
    assert part.own_facts.tracked == frozenset()
    assert (part.fixed, part.own) == (tables.fixed, tables.own)
    for table in ("accounts", "users", "stages"):
        pd.testing.assert_frame_equal(part[table], tables[table])
    assert of_deals(part, np.array([True])).facts == tables.facts


def test_rows_are_found_anew_in_a_part(tables: CrmTables) -> None:
    tables.deal_of("activities")  # what the whole has looked up is not the part's
    part = of_deals(tables, np.array([False, False, True]))
    assert part.deal_of("activities").tolist() == [0]
    assert part.change_fields[0].tolist() == [0]


def test_no_deal_at_all_is_a_part_too(tables: CrmTables) -> None:
    part = of_deals(tables, np.zeros(3, dtype=bool))
    assert [len(part[table]) for table in OF_DEALS] == [0] * len(OF_DEALS)
    assert part.facts == tables.facts


def test_tables_that_the_company_lacks_are_lacking_in_a_part() -> None:
    part = of_deals(crm([deal("a", EPOCH)]), np.array([True]))
    assert set(part.frames) == {"opportunities", "stages"}


def test_a_company_in_memory_is_one_part() -> None:
    whole = show(company(np.random.default_rng(2), complete=True))
    one = OnePart(whole)
    assert len(one) == 1
    (part,) = one
    for table, frame in whole.frames.items():
        pd.testing.assert_frame_equal(part[table], frame)
    assert part.inherited == whole.facts
    nothing = one.without_rows()
    assert nothing.facts == whole.facts
    assert {table for table in nothing.frames if not len(nothing[table])} == set(OF_DEALS) & set(whole.frames)
    for table in nothing.frames:
        pd.testing.assert_series_equal(nothing[table].dtypes, whole[table].dtypes)


def test_facts_join_and_a_part_has_those_it_was_given() -> None:
    one = Facts(frozenset({"stage"}), frozenset({("users", "user_id")}))
    other = Facts(frozenset({"amount"}), frozenset())
    assert one | other == Facts(frozenset({"stage", "amount"}), one.given)
    part = CrmTables({"opportunities": typed("opportunities", [deal("a", EPOCH)])}).part_of(one)
    assert part.facts == one
    assert part.gives("users", "user_id")
    assert not part.gives("opportunities", "stage")
    assert ("opportunities", "stage") in part.own_facts.given


def test_every_table_that_names_a_deal_is_one_of_deals() -> None:
    assert set(OF_DEALS) == {name for name, table in TABLES.items() if table.column("opportunity_id")}
