"""What is learned of a company once, at training: its own kinds, segments, account facts, its seasons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

import pytest

from crm.periods import FiscalCalendar
from crm.tables import OWN_KINDS, CrmTables, OwnColumn, Wishes
from features.feature import OwnField, Vocabulary, vocabulary_from
from features.histories import Histories
from features.vocabulary import COMMON_LEVELS, MOST_KINDS, learn
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


def test_kinds_that_the_configuration_names_get_features_however_rare() -> None:
    tables = replace(with_kinds({"Rare": 1, "Offer:sent": 9}), wishes=Wishes(activity_kinds=("Rare", "never")))
    assert learned(tables).kinds == ("Rare", "never", "Offer:sent")
    of_common = replace(with_kinds({"Rare": 1, "Offer:sent": 9}), wishes=Wishes(activity_kinds=("Offer:sent",)))
    assert learned(of_common).kinds == ("Offer:sent",)


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


@pytest.mark.parametrize(
    ("industries", "fixed", "fields"),
    [
        (("Mining", "Retail"), ("accounts.industry",), ("industry",)),
        (("Mining", "Retail"), (), ()),  # it may have been another
        (("Mining", "Mining", None), ("accounts.industry",), ()),  # one level only
        ((None, None), ("accounts.industry",), ()),
        ([f"i{i}" for i in range(500)], ("accounts.industry",), ("industry",)),
        ([f"i{i}" for i in range(501)], ("accounts.industry",), ()),
    ],
)
def test_a_text_field_of_accounts_counts_where_it_tells_deals_apart(
    industries: Sequence[str | None], fixed: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    accounts = [{"account_id": f"a{i}", "industry": industry} for i, industry in enumerate(industries)]
    deals = [deal(f"d{i}", EPOCH, account_id=f"a{i}") for i in range(len(industries))]
    assert learned(crm(deals, accounts=accounts, fixed=fixed)).account_fields == fields
    # A level is one that a deal has: accounts alone tell nothing apart.
    assert learned(crm(deals[:1], accounts=accounts, fixed=fixed)).account_fields == ()


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


# Columns of its own ---------------------------------------------------------------------------------------------


def with_rivals(rivals: Iterable[str | None], meant: str = "category", fixed: Iterable[str] = ("rival",)) -> CrmTables:
    """A deal with each rival."""
    rows = [deal(f"d{i}", EPOCH, rival=rival) for i, rival in enumerate(rivals)]
    tables = crm(rows, own={"rival": OWN_KINDS[meant]}, fixed=fixed)
    return replace(tables, wishes=Wishes((OwnColumn("rival", meant, "main rival", True),)))


def test_a_declared_column_is_learned_with_its_common_levels_the_commonest_first() -> None:
    rivals = ["B"] * 40 + ["A"] * 40 + ["C"] * 50 + ["D"] * 4 + ["E"] * 3 + [None] * 63
    assert learned(with_rivals(rivals)).fields == (
        OwnField("rival", "category", "main rival", True, ("C", "A", "B", "D")),  # E is on less than 2 % of 200
    )


def test_of_very_many_levels_the_commonest_get_features() -> None:
    rivals = [f"r{i:02}" for i in range(20) for _ in range(30 - i)]
    assert learned(with_rivals(rivals)).fields[0].levels == tuple(f"r{i:02}" for i in range(COMMON_LEVELS))


def test_a_level_counts_for_every_deal_that_ever_had_it_once() -> None:
    rows = [deal("d", EPOCH, rival="A"), *(deal(f"e{i}", EPOCH, rival="B") for i in range(60))]
    moves = [change("d", EPOCH + i * DAY_US, "rival", *("AC" if i % 2 else "CA")) for i in range(1, 5)]
    tables = crm(rows, own={"rival": OWN_KINDS["category"]}, changes=moves)
    wishes = Wishes((OwnColumn("rival", "category", "rival"),))
    assert learned(replace(tables, wishes=wishes)).fields[0].levels == ("B",)
    fewer = crm(rows[:40], own={"rival": OWN_KINDS["category"]}, changes=moves)
    assert learned(replace(fewer, wishes=wishes)).fields[0].levels == ("B", "A", "C")


def test_a_column_whose_past_is_not_known_is_declared_all_the_same_so_that_its_absence_is_told() -> None:
    assert learned(with_rivals(["A", "B"], fixed=())).fields == (OwnField("rival", "category", "main rival", True),)


@pytest.mark.parametrize("meant", [meant for meant in OWN_KINDS if meant != "category"])
def test_only_categories_have_levels(meant: str) -> None:
    assert learned(with_rivals(["1", "2"], meant)).fields == (OwnField("rival", meant, "main rival", True),)


def test_nothing_is_learned_of_columns_that_are_not_declared() -> None:
    tables = crm([deal("d", EPOCH, rival="A")], own={"rival": OWN_KINDS["category"]}, fixed=["rival"])
    assert learned(tables).fields == ()


@pytest.mark.parametrize(("days", "yearly"), [(0, False), (700, False), (730, True)])
def test_a_season_is_one_once_it_has_come_twice(days: int, yearly: bool) -> None:
    tables = crm([deal("d", EPOCH), deal("e", EPOCH + days * DAY_US)])
    assert learned(tables).yearly is yearly


def test_the_fields_that_a_deal_should_have_are_those_whose_past_is_known() -> None:
    rows = [deal("d", EPOCH, amount=5, next_step="call", region="North"), deal("e", EPOCH, region="South")]
    tables = crm(rows, fixed=["region", "type"], changes=[change("d", EPOCH + DAY_US, "amount", 4, 5)])
    assert learned(tables).key_fields == ("amount", "region")
    assert learned(crm([deal("d", EPOCH)])).key_fields == ()


def test_steps_that_people_take_are_mostly_taken_once_not_by_the_buyer_and_no_stage() -> None:
    names = [f"d{i}" for i in range(20)]
    rows = [
        *(touch(name, "Review") for name in names),
        *(touch(name, "Report") for name in names for _ in range(3)),
        *({**touch(name, "Site visit"), "direction": "inbound"} for name in names),
        *(touch(name, "Qualify") for name in names),
        touch("d0", "Review"),
    ]
    found = learned(crm([deal(name, EPOCH) for name in names], activities=rows))
    assert set(found.kinds) == {"Review", "Report", "Site visit", "Qualify"}
    assert found.deeds == ("Review",)
    assert vocabulary_from(json.loads(json.dumps(asdict(found)))) == found
