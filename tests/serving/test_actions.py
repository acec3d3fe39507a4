"""Actions: each adds what it says, to deals for which it can be done, and time never runs back."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import serving.actions.catalogue as found_by_being_there
from crm.clock import DAY
from crm.history import known_by
from features.catalogue import catalogue
from features.dataset import scoring_set
from features.histories import Histories
from features.hypothetical import COPY, features_with
from features.questions import Count, CountAfter, Distinct, Since, Sum
from serving.actions.action import open_deals
from serving.actions.catalogue import actions
from tests.features.test_partitions import a_date
from tests.histories import EVERYTHING, Life, company, crm, deal, millis, show
from tests.serving.companies import activity

KNOWN = catalogue(EVERYTHING)
NAMES = tuple(feature.name for feature in KNOWN.features)
ACTIONS = {action.name: action for action in actions(EVERYTHING)}
NEVER_MOVED = (
    *("days_since_inbound", "inbound_7d", "inbound_30d", "inbound_90d", "contacts_heard", "buyer_weeks_90d"),
    *("stage_position", "stage_visits", "days_in_stage", "moves_forward", "amount", "age_days", "owner_win_rate"),
    *("days_since_forward", "account_win_rate", "crm_probability", "forecast_category_rank", "reopened"),
)
"""What the buyer does, what is an outcome, and what time alone moves."""


def deals_of(tables, as_of):
    scoring = scoring_set(Histories(tables), EVERYTHING, NAMES, as_of)
    expected = np.full(len(scoring.snapshots), np.floor(as_of / DAY) + 30.0)
    here = open_deals(scoring.prepared.histories, scoring.snapshots.deal, as_of, scoring.features, expected)
    return scoring, here


def done(scoring, here, tried):
    """Of each action, the deals for which it can be done, and their features had it been."""
    rows = [np.flatnonzero(action.open_to(here)) for action in tried]
    begins = np.cumsum([0, *map(len, rows)])
    added = {}
    for action, mine, begin in zip(tried, rows, begins, strict=False):
        for table, row in action.adds(here.take(mine)).items():
            added.setdefault(table, []).append(pd.DataFrame({COPY: begin + np.arange(len(mine)), **row}))
    together = {table: pd.concat(parts, ignore_index=True) for table, parts in added.items()}
    copies = scoring.snapshots.deal[np.concatenate(rows)]
    features = features_with(scoring.prepared, copies, scoring.as_of, together, NAMES)
    return [(mine, features[begin : begin + len(mine)]) for mine, begin in zip(rows, begins, strict=False)]


def test_every_action_there_is_has_a_name_of_its_own_and_features_that_tell_of_it():
    assert {"meeting", "meeting_booked", "demo", "proposal", "new_contact", "decision_maker"} <= set(ACTIONS)
    assert {"answer", "next_step", "close_date"} <= set(ACTIONS)
    for action in ACTIONS.values():
        assert set(action.asks) <= set(NAMES)


def test_two_actions_of_one_name_are_a_mistake(monkeypatch):
    twice = SimpleNamespace(declare=lambda vocabulary: (ACTIONS["demo"], ACTIONS["demo"]))
    monkeypatch.setattr(found_by_being_there, "import_module", lambda name: twice)
    with pytest.raises(ValueError, match="two declarations of the action demo"):
        actions(EVERYTHING)


@settings(max_examples=6, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_each_moves_the_deal_on_and_turns_no_time_back(seed):
    """On random companies that have everything: counts do not fall, days since do not rise, the buyer does nothing."""
    rng = np.random.default_rng(seed)
    tables = show(company(rng, Life(deals=40), complete=True), rng)
    as_of = a_date(rng, tables)
    scoring, here = deals_of(known_by(tables, as_of), as_of)
    known = set(scoring.prepared.known_features)
    tried = [action for action in ACTIONS.values() if set(action.asks) <= known]
    for action, (rows, after) in zip(tried, done(scoring, here, tried), strict=True):
        before = scoring.features.take(rows)
        assert (action.state(after) > action.state(before)).all(), action.name
        for feature in KNOWN.features:
            was, now = before[feature.name].to_numpy(float), after[feature.name].to_numpy(float)
            assert moves_rightly(feature, was, now), (action.name, feature.name)


def moves_rightly(feature, was, now):
    """Whether what is known of deals has stayed, or changed as time and what is done let it."""
    moved = ~((was == now) | (np.isnan(was) & np.isnan(now)))
    if feature.name in NEVER_MOVED:
        return not moved.any()
    if isinstance(feature.ask, Count | Distinct | Sum):
        return bool((now > was)[moved].all())
    if isinstance(feature.ask, Since):
        return bool((now == 0)[moved].all())
    if isinstance(feature.ask, CountAfter):
        return bool(((now == 0) | (now == was + 1))[moved].all())
    return True


def test_what_would_move_wrongly_is_found():
    counts, since = KNOWN.feature("touches_total"), KNOWN.feature("days_since_touch")
    one, two = np.array([1.0]), np.array([2.0])
    assert moves_rightly(counts, one, two)
    assert not moves_rightly(counts, two, one)
    assert not moves_rightly(since, one, two)
    assert not moves_rightly(KNOWN.feature("days_since_inbound"), one, np.array([0.0]))


def company_with(*activities, **more):
    """One open deal, and others so that the company has every kind of activity."""
    deals = [deal("D1", "2026-06-01", owner_id="u1", close_date="2026-09-01"), deal("D2", "2026-06-01", owner_id="u2")]
    kinds = [activity("D2", f"2026-06-1{n}", kind, contact_id=f"c{n}") for n, kind in enumerate(("Meeting", "demo"))]
    inbound = activity("D2", "2026-06-20", direction="inbound")
    return crm(deals, activities=[*kinds, inbound, *activities], fixed=("owner_id",), **more)


def can(tables, name):
    """Whether it can be done on the first deal."""
    _, here = deals_of(tables, millis("2026-08-14"))
    return bool(ACTIONS[name].open_to(here)[0])


@pytest.mark.parametrize(
    ("name", "already"),
    [
        ("demo", activity("D1", "2026-06-10", "DEMO")),
        ("proposal", activity("D1", "2026-06-10", "proposal")),
        ("meeting", activity("D1", "2026-08-01", "meeting")),
        ("meeting", activity("D1", "2026-08-20", "meeting", recorded_at="2026-08-01")),
        ("meeting_booked", activity("D1", "2026-08-20", "meeting", recorded_at="2026-08-01")),
        ("new_contact", activity("D1", "2026-08-01", contact_id="c9")),
    ],
)
def test_what_is_done_already_cannot_be_done(name, already):
    assert can(company_with(), name)
    assert not can(company_with(already), name)


def test_only_a_buyer_who_waits_can_be_answered():
    asks = activity("D1", "2026-08-01", direction="inbound")
    assert not can(company_with(), "answer")
    assert can(company_with(asks), "answer")
    assert not can(company_with(asks, activity("D1", "2026-08-02")), "answer")


def test_a_close_date_is_moved_only_once_it_has_passed_and_where_dates_are_tracked():
    moved = {"opportunity_id": "D2", "changed_at": "2026-06-02", "field": "close_date", "new_value": "2026-07-01"}
    passed = company_with(changes=[moved, {**moved, "opportunity_id": "D1"}])
    ahead = company_with(changes=[moved])
    assert can(passed, "close_date")
    assert not can(ahead, "close_date")
    fixed = crm([deal("D1", "2026-06-01", close_date="2026-07-01")], fixed=("close_date",))
    assert not can(fixed, "close_date")


def test_an_activity_is_logged_as_the_company_logs_it():
    """Its own word, direction and length; with whom and by whom the deal was last worked on; known at the date."""
    tables = company_with(activity("D1", "2026-07-01", contact_id="c5", owner_id="u7"))
    _, here = deals_of(tables, millis("2026-08-14"))
    row = ACTIONS["meeting_booked"].adds(here)["activities"]
    assert (row["kind"], row["direction"], row["duration_minutes"]) == ("Meeting", "outbound", 30.0)
    assert list(row["contact_id"]) == ["c5", "c1"]
    assert list(row["owner_id"]) == ["u7", "u1"]
    assert (row["recorded_at"], row["occurred_at"]) == (
        pd.Timestamp("2026-08-14", tz="UTC"),
        pd.Timestamp("2026-08-21", tz="UTC"),
    )


def test_nobody_is_said_to_be_reached_by_what_comes_from_the_buyer():
    tables = company_with(activity("D2", "2026-06-11", "proposal", direction="inbound"))
    _, here = deals_of(tables, millis("2026-08-14"))
    assert ACTIONS["proposal"].adds(here)["activities"]["direction"] is None
    assert ACTIONS["new_contact"].adds(here)["activities"]["direction"] == "outbound"


def test_a_companys_own_flag_that_a_rep_can_set_is_an_action():
    (approved,) = (field for field in EVERYTHING.fields if field.name == "approved")
    assert "field:approved" not in ACTIONS  # it is not declared as something to act on
    declared = EVERYTHING.__class__(fields=(approved.__class__("approved", "flag", "approval", actionable=True),))
    assert "field:approved" in {action.name for action in actions(declared)}
