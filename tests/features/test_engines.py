"""The kernel answers what the plain reference answers, and says of what it cannot answer why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import DAY
from crm.periods import KINDS, WEEKDAYS, WEEKS, FiscalCalendar
from crm.tables import CrmTables
from features import engines
from features.catalogue import catalogue
from features.engines import Kernel, Prepared, Snapshots, compute, prepare
from features.histories import Histories
from features.questions import (
    AsOf,
    Constant,
    Count,
    CountAfter,
    DaysToPeriodEnd,
    First,
    Last,
    Max,
    Question,
    Since,
    SinceFirst,
    Sum,
    formula,
    known,
    least,
    log1p,
    most,
    otherwise,
    shrunken_rate,
    streams_of,
)
from features.snapshots import grid, open_deals
from tests.features.reference import Place, Reference, agree
from tests.histories import DAY_US, EPOCH, EVERYTHING, Life, change, company, crm, deal, millis, show

END = EPOCH // 1000 + Life().days * DAY
EDGES = np.array([0, -1, 1, 7 * DAY, 7 * DAY - 1, 14 * DAY, 28 * DAY, 30 * DAY, 30 * DAY + 1, 180 * DAY, 365 * DAY])
NAMES = tuple(feature.name for feature in catalogue(EVERYTHING).features)


def prepared(tables: CrmTables, calendar: FiscalCalendar = EVERYTHING.calendar) -> Prepared:
    return prepare(Histories(tables), catalogue(replace(EVERYTHING, calendar=calendar)), calendar)


def places_to_ask(rng: np.random.Generator, prepared: Prepared, count: int) -> Snapshots:
    """Snapshots at, just before and just after what happened, and where a window's edge meets it."""
    moments = [stream.at for stream in prepared.streams.values()]
    moment = rng.choice(np.concatenate([*moments, [millis("2023-01-01"), millis("2030-01-01")]]), count)
    return Snapshots(rng.integers(0, len(prepared.histories), count), moment + rng.choice(EDGES, count))


@settings(max_examples=35, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_the_kernel_agrees_with_the_plain_reference_on_every_feature(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weeks = rng.choice([None, None, *WEEKS])
    calendar = FiscalCalendar(
        str(rng.choice(KINDS)), int(rng.integers(1, 13)), weeks and str(weeks), str(rng.choice(WEEKDAYS))
    )
    ready = prepared(show(company(rng, Life(days=int(rng.choice((30, 300))))), rng), calendar)
    snapshots = places_to_ask(rng, ready, 25)
    assert differing(ready, snapshots) == []


HISTORIES = 10_000


@pytest.mark.slow
def test_they_agree_on_ten_thousand_histories() -> None:
    """Each a deal of a random company, at a random moment of it: ties, reopenings, late records, missing tables."""
    told: list[int] = []

    @settings(max_examples=75, phases=(Phase.explicit, Phase.reuse, Phase.generate), deadline=None)
    @given(seed=st.integers(0, 2**32 - 1))
    def agrees(seed: int) -> None:
        rng = np.random.default_rng(seed)
        ready = prepared(show(company(rng, Life(days=int(rng.choice((60, 300))), deals=140)), rng))
        deals = np.arange(len(ready.histories))
        snapshots = Snapshots(deals, places_to_ask(rng, ready, len(deals)).as_of)
        assert differing(ready, snapshots) == []
        told.append(len(deals))

    agrees()
    assert sum(told) >= HISTORIES


def differing(ready: Prepared, snapshots: Snapshots) -> list[str]:
    """The features on which kernel and reference do not agree."""
    kernel, reference = Kernel(ready, snapshots), Reference(ready.histories, ready.catalogue, ready.calendar)
    places = [Place(int(d), int(a)) for d, a in zip(snapshots.deal, snapshots.as_of, strict=True)]
    found = []
    for name in ready.known_features:
        question = ready.catalogue.feature(name).ask
        slow = np.array([reference.answer(question, place) for place in places])
        if not agree(kernel.answer(question), slow).all():
            found.append(name)
    return found


# What the catalogue happens not to ask, the reference is asked as well.
UNASKED = (
    First("stages", "rank", "forward"),
    SinceFirst("touches", "meeting"),
    SinceFirst("replies", "inbound"),
    First("amounts", "value"),
    First("close_dates", "day", "pushed"),
    known(First("amounts", "value", "given")),
    otherwise(SinceFirst("touches", "proposal"), -1),
    log1p(AsOf() * -1),
    CountAfter("replies", "outbound", "inbound"),
    CountAfter("touches", "email", "meeting"),
    Count("touches", "email", this_period=True),
    Max("amounts", "value"),
    Max("stages", "stayed", "forward"),
    Max("owner_load", "step"),
    least(Since("touches", "call"), Since("edits"), Since("stages", "forward")),
    most(First("amounts", "value", "given"), Last("amounts", "value")),
    Sum("owner_closings", "won", this_period=True),
)


@settings(max_examples=6, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_they_agree_on_questions_that_no_feature_asks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ready = prepared(show(company(rng, complete=True), rng))
    snapshots = places_to_ask(rng, ready, 60)
    kernel, reference = Kernel(ready, snapshots), Reference(ready.histories, ready.catalogue, ready.calendar)
    places = [Place(int(d), int(a)) for d, a in zip(snapshots.deal, snapshots.as_of, strict=True)]
    for question in UNASKED:
        slow = np.array([reference.answer(question, place) for place in places])
        assert agree(kernel.answer(question), slow).all(), question


@settings(max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_makes_no_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng)
    pd.testing.assert_frame_equal(features_now(show(ledger)), features_now(show(ledger, rng)), check_exact=True)


def features_now(tables: CrmTables) -> pd.DataFrame:
    """Every feature of the deals that are open at the end, by the deal's id."""
    ready = prepared(tables)
    snapshots = open_deals(ready.histories, END)
    ids = ready.histories.deals["opportunity_id"].to_numpy(object)[snapshots.deal]
    return compute(ready, snapshots, NAMES).set_axis(ids).sort_index()


# Blocks, cells and the order of snapshots ----------------------------------------------------------------------


@settings(max_examples=4, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_neither_blocks_nor_cells_nor_the_order_of_snapshots_change_a_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ready = prepared(show(company(rng, complete=bool(rng.random() < 0.5)), rng))
    on_the_grid = grid(ready.histories, 29, END)
    anywhere = places_to_ask(rng, ready, 40)
    for snapshots in (Snapshots(on_the_grid.deal, on_the_grid.as_of), anywhere):
        plain = compute(ready, snapshots, NAMES)
        order = rng.permutation(len(snapshots))
        shuffled = Snapshots(snapshots.deal[order], snapshots.as_of[order])
        pd.testing.assert_frame_equal(
            compute(ready, shuffled, NAMES), plain.iloc[order].reset_index(drop=True), check_exact=True
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engines, "BLOCK", 3)
            pd.testing.assert_frame_equal(compute(ready, snapshots, NAMES), plain, check_exact=True)
            pd.testing.assert_frame_equal(
                compute(ready, shuffled, NAMES), plain.iloc[order].reset_index(drop=True), check_exact=True
            )
            patch.setattr(engines._Entities, "has_cells", lambda self, entity: False)
            pd.testing.assert_frame_equal(compute(ready, snapshots, NAMES), plain, check_exact=True)


def test_entities_are_asked_through_cells_where_these_are_few_and_all_dates_end_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = prepared(show(company(np.random.default_rng(5), complete=True)))
    as_of = grid(ready.histories, 29, END).as_of

    def through_cells(at: np.ndarray) -> list[bool]:
        return [engines._Entities(ready, at).has_cells(entity) for entity in ("company", "owner", "account")]

    assert through_cells(as_of) == [True, True, True]
    assert through_cells(np.append(as_of, END + 1)) == [False, False, False]
    assert through_cells(np.array([], np.int64)) == [False, False, False]
    monkeypatch.setattr(engines, "LEAST_CELLS", 0)
    assert through_cells(as_of[:5]) == [False, False, False]


# What is absent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "families", "why"),
    [
        ("activities", {"confidence", "engagement", "order", "people"}, "no activit"),
        ("contact_roles", {"order", "people"}, "no contact role says when it was added (added_at)"),
        ("accounts", {"account"}, "there is no table of accounts"),
        ("users", {"owner"}, "no user says when they started (started_at)"),
    ],
)
def test_an_absent_table_takes_only_its_own_features_away_and_says_why(
    table: str, families: set[str], why: str
) -> None:
    tables = show(company(np.random.default_rng(5), complete=True))
    without = replace(tables, frames={name: frame for name, frame in tables.frames.items() if name != table})
    there, gone = prepared(tables), prepared(without)
    reasons = {f.name: gone.why_absent(f) for f in gone.catalogue.features}
    absent = [name for name, reason in reasons.items() if reason is not None]
    assert absent
    assert all(there.why_absent(f) is None for f in there.catalogue.features)
    assert {gone.catalogue.family_of(name) for name in absent} == families
    assert all(why in reasons[name] or "there are no activities" in reasons[name] for name in absent)
    left = [name for name in NAMES if name not in absent]
    pd.testing.assert_frame_equal(features_now(tables)[left], features_now(without)[left], check_exact=True)
    assert features_now(without)[absent].isna().all(axis=None)


def test_without_any_history_what_was_fixed_at_creation_is_left() -> None:
    rows = [
        deal("d", EPOCH, amount=5, region="North", account_id="a"),
        deal("e", EPOCH, "Closed Won", closed_at=EPOCH + DAY_US, is_won=True, region="North"),
    ]
    ready = prepared(crm(rows, fixed=["region"]))
    told = {f.name for f in ready.catalogue.features if ready.why_absent(f) is None}
    assert told == {
        *("age_days", "company_win_rate", "days_to_period_end", "region_win_rate"),
        *("account_won_before", "account_lost_before", "account_win_rate", "account_open_deals"),
        *("days_since_account_win", "days_since_account_loss", "age_against_won_cycle", "region_share"),
        "days_into_year",
    }
    reasons = {ready.why_absent(f) for f in ready.catalogue.features} - {None}
    assert "the stage has no recorded history" in reasons
    assert "the amount has no recorded history and is not declared fixed" in reasons


def test_a_company_of_one_new_deal_and_one_of_none_are_no_trouble() -> None:
    nothing = prepared(crm([]))
    assert len(compute(nothing, Snapshots(np.array([], np.int64), np.array([], np.int64)), NAMES)) == 0
    one = features_now(crm([deal("d", EPOCH)], changes=[change("d", EPOCH + 5, "stage", None, "Prospect")]))
    assert one["stage_position"].tolist() == [1]
    assert one["company_win_rate"].tolist() == [0.5]


def test_features_come_as_32_bit_numbers_in_the_order_asked_for() -> None:
    ready = prepared(show(company(np.random.default_rng(5), complete=True)))
    snapshots = open_deals(ready.histories, END)
    asked = ("touches_7d", "age_days", "amount")
    frame = compute(ready, snapshots, asked)
    assert tuple(frame) == asked
    assert set(frame.dtypes) == {np.dtype(np.float32)}
    assert len(frame) == len(snapshots)
    with pytest.raises(KeyError):
        compute(ready, snapshots, ("no such feature",))


# Arithmetic ----------------------------------------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (Constant(6) / Constant(4), 1.5),
        (Constant(6) / Constant(0), NAN),
        (Constant(0) / Constant(0), NAN),
        (Constant(2) * 3 - 1 + Constant(4), 9),
        (otherwise(Constant(NAN), 7), 7),
        (otherwise(Constant(5), 7), 5),
        (least(Constant(5), Constant(NAN), Constant(3)), 3),
        (most(Constant(NAN), Constant(5), Constant(3)), 5),
        (least(Constant(NAN), Constant(NAN)), NAN),
        (known(Constant(NAN)), 0),
        (known(Constant(0)), 1),
        (log1p(Constant(np.e - 1)), 1),
        (log1p(Constant(-5)), 0),
        (log1p(Constant(NAN)), NAN),
        (Constant(NAN) + 1, NAN),
        (shrunken_rate(Constant(0), Constant(0), Constant(0.3), 20), 0.3),
        (shrunken_rate(Constant(20), Constant(20), Constant(0.5), 20), 0.75),
        (DaysToPeriodEnd(), 1 / DAY),
        (AsOf(), 19814 - 1 / DAY),
    ],
)
def test_questions_combine_as_they_read(question: Question, answer: float) -> None:
    at = Snapshots(np.array([0]), np.array([millis("2024-03-31T23:59:59.999")]))
    kernel = Kernel(prepared(crm([deal("d", EPOCH)])), at)
    np.testing.assert_allclose(kernel.answer(question), [answer], rtol=1e-12)


def test_the_least_of_several_is_written_as_one() -> None:
    days = least(Since("a"), Since("b", "hit"), Since("c"))
    assert formula(days * 2) == "least(since(a), since(b where hit), since(c)) × 2"
    assert formula(most(Max("a", "x"), least(AsOf(), Constant(3)))) == "most(max(x of a), least(date, 3))"


def test_a_question_names_every_stream_that_it_asks() -> None:
    asked = otherwise(Count("a") / log1p(First("b", "x")), shrunken_rate(Count("c"), Count("d"), Constant(0.5), 1))
    assert streams_of(asked) == {"a", "b", "c", "d"}
    assert streams_of(AsOf() + 1) == frozenset()
