"""What is learned of a company once, at training: its own kinds, segments, account facts, its seasons."""

from __future__ import annotations

import pytest

from crm.periods import FiscalCalendar
from crm.tables import CrmTables
from features.feature import Vocabulary
from features.histories import Histories
from features.vocabulary import MOST_KINDS, learn
from tests.histories import DAY_US, EPOCH, Row, change, crm, deal

QUARTERS = FiscalCalendar()


def learned(tables: CrmTables, calendar: FiscalCalendar = QUARTERS) -> Vocabulary:
    return learn(Histories(tables), calendar)


def touch(of: str, kind: str) -> Row:
    return {"opportunity_id": of, "occurred_at": EPOCH, "kind": kind}


def with_kinds(kinds: dict[str, int], deals: int = 40) -> CrmTables:
    """Each kind on so many of the deals, twice each."""
    rows = [touch(f"d{i}", kind) for kind, count in kinds.items() for i in range(count) for _ in range(2)]
    return crm([deal(f"d{i}", EPOCH) for i in range(deals)], activities=rows)


def test_an_own_kind_counts_from_one_deal_in_twenty_the_commonest_first() -> None:
    kinds = {"Workshop": 2, "Offer:sent": 9, "Rare": 1, "Audit": 9}
    assert learned(with_kinds(kinds)).kinds == ("Audit", "Offer:sent", "Workshop")


def test_the_kinds_that_have_features_by_name_are_no_own_kinds() -> None:
    assert learned(with_kinds({"Email": 40, "MEETING": 40, "proposal": 40, "Webinar": 40})).kinds == ("Webinar",)


def test_of_very_many_kinds_the_commonest_get_features() -> None:
    kinds = {f"kind {i:02}": 40 - i for i in range(MOST_KINDS + 5)}
    assert learned(with_kinds(kinds)).kinds == tuple(kinds)[:MOST_KINDS]


def test_a_company_without_activities_has_no_kinds() -> None:
    assert learned(crm([deal("d", EPOCH)])).kinds == ()


@pytest.mark.parametrize(
    ("regions", "fixed", "segments"),
    [
        (("North", "South"), ("region",), ("region",)),
        (("North", "North"), ("region",), ()),  # one level only
        (("North", "South"), (), ()),  # today's value: what it was is not known
        ((None, None), ("region",), ()),
    ],
)
def test_a_field_is_a_segment_where_its_past_is_known_and_it_tells_deals_apart(
    regions: tuple[str | None, ...], fixed: tuple[str, ...], segments: tuple[str, ...]
) -> None:
    rows = [deal(f"d{i}", EPOCH, region=region) for i, region in enumerate(regions)]
    assert learned(crm(rows, fixed=fixed)).segments == segments


def test_a_tracked_field_is_a_segment_by_all_the_levels_it_ever_had() -> None:
    tables = crm([deal("d", EPOCH, type="New")], changes=[change("d", EPOCH + DAY_US, "type", "Renewal", "New")])
    assert learned(tables).segments == ("type",)


def test_a_field_with_a_level_for_nearly_every_deal_is_no_segment() -> None:
    rows = [deal(f"d{i}", EPOCH, product=f"p{i}") for i in range(501)]
    assert learned(crm(rows, fixed=["product"])).segments == ()
    assert learned(crm(rows[:500], fixed=["product"])).segments == ("product",)


@pytest.mark.parametrize(
    ("account", "fixed", "facts"),
    [
        ({"created_at": EPOCH, "employees": 5}, (), ("created_at",)),
        ({"employees": 5, "annual_revenue": 9}, ("accounts.employees",), ("employees",)),
        ({"employees": None}, ("accounts.employees",), ()),
        ({}, (), ()),
    ],
)
def test_an_accounts_facts_count_where_they_are_declared_fixed(
    account: Row, fixed: tuple[str, ...], facts: tuple[str, ...]
) -> None:
    tables = crm([deal("d", EPOCH, account_id="a")], accounts=[{"account_id": "a", **account}], fixed=fixed)
    assert learned(tables).account_fields == facts


@pytest.mark.parametrize(("days", "seasoned"), [(0, False), (300, False), (540, True)])
def test_a_company_is_seasoned_once_it_has_seen_several_whole_periods(days: int, seasoned: bool) -> None:
    tables = crm([deal("d", EPOCH), deal("e", EPOCH + days * DAY_US)])
    assert learned(tables).seasoned is seasoned
    assert learned(tables, FiscalCalendar("week")).seasoned is (days > 0)


def test_a_company_without_deals_has_no_seasons_and_the_calendar_is_kept() -> None:
    calendar = FiscalCalendar("month", 4)
    vocabulary = learned(crm([]), calendar)
    assert not vocabulary.seasoned
    assert vocabulary.calendar == calendar
