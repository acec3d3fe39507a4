"""What would be known of deals had something happened: as it is where nothing is added, and no more than is added."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import instants
from crm.history import known_by
from features import hypothetical
from features.catalogue import catalogue
from features.dataset import scoring_set
from features.histories import Histories
from features.hypothetical import features_with
from tests.features.test_partitions import a_date
from tests.histories import EVERYTHING, Life, company, crm, deal, millis, show

AS_OF = millis("2026-08-14")
NAMES = tuple(feature.name for feature in catalogue(EVERYTHING).features)


def scoring_of(tables, as_of=AS_OF):
    return scoring_set(Histories(known_by(tables, as_of)), EVERYTHING, NAMES, as_of)


def with_added(scoring, deal_rows, **added):
    return features_with(scoring.prepared, np.asarray(deal_rows), scoring.as_of, added, NAMES)


@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_copies_without_anything_added_have_the_features_of_their_deals(seed):
    """Every feature to the bit, of whatever company, owners' and segments' among them; a deal may be copied often."""
    rng = np.random.default_rng(seed)
    tables = show(company(rng, Life(deals=25)), rng)
    scoring = scoring_of(tables, a_date(rng, tables))
    if not len(scoring.snapshots):
        return
    chosen = rng.integers(0, len(scoring.snapshots), 2 * len(scoring.snapshots))
    found = with_added(scoring, scoring.snapshots.deal[chosen])
    pd.testing.assert_frame_equal(found, scoring.features.take(chosen).reset_index(drop=True))


def small_company():
    """Three open deals with a little history each, and an activity of every recognised kind."""
    deals = [deal(name, "2026-06-01", owner_id="u1", account_id="a1") for name in ("D1", "D2", "D3")]
    rows = [
        {
            "opportunity_id": name,
            "occurred_at": f"2026-07-{day:02}",
            "recorded_at": f"2026-07-{day:02}",
            "kind": kind,
            "direction": direction,
            "contact_id": "c1",
            "owner_id": "u1",
            "duration_minutes": 30.0,
        }
        for name in ("D1", "D2", "D3")
        for day, (kind, direction) in enumerate([("email", "inbound"), ("email", "outbound"), ("call", "outbound")], 1)
    ]
    return crm(deals, activities=rows, accounts=[{"account_id": "a1"}], fixed=("owner_id",))


def a_meeting(*copies):
    now = instants(np.array([AS_OF]))[0]
    return pd.DataFrame(
        {"copy": list(copies), "kind": "meeting", "occurred_at": now, "recorded_at": now, "contact_id": "c1"}
    )


def test_what_is_added_moves_what_it_says_and_nothing_else():
    scoring = scoring_of(small_company())
    found = with_added(scoring, [0, 0, 1], activities=a_meeting(1))
    before, without, after, other = scoring.features.iloc[0], found.iloc[0], found.iloc[1], found.iloc[2]
    pd.testing.assert_series_equal(without, before)
    pd.testing.assert_series_equal(other, scoring.features.iloc[1], check_names=False)
    assert (before["meetings"], after["meetings"]) == (0, 1)
    assert after["days_since_meeting"] == 0
    assert after["touches_total"] == before["touches_total"] + 1
    assert after["contacts_reached"] == before["contacts_reached"] == 1
    same = ["days_since_inbound", "days_since_outbound", "age_days", "calls_30d", "demos", "sellers_involved"]
    pd.testing.assert_series_equal(after[same], before[same], check_names=False)


def test_of_a_table_that_the_company_has_not_nothing_is_known():
    tables = crm([deal("D1", "2026-06-01")])
    scoring = scoring_of(tables)
    found = with_added(scoring, [0], activities=a_meeting(0))
    assert np.isnan(found["meetings"].iloc[0])


def test_copies_are_worked_off_in_portions_as_in_one(monkeypatch):
    scoring = scoring_of(small_company())
    whole = with_added(scoring, [0, 1, 2, 2, 1], activities=a_meeting(1, 4))
    monkeypatch.setattr(hypothetical, "MOST_COPIES", 2)
    pd.testing.assert_frame_equal(with_added(scoring, [0, 1, 2, 2, 1], activities=a_meeting(1, 4)), whole)


def test_of_no_copies_there_are_no_rows():
    scoring = scoring_of(small_company())
    found = with_added(scoring, np.zeros(0, dtype=np.int64))
    assert list(found.columns) == list(NAMES)
    assert len(found) == 0


@pytest.mark.parametrize("days", [1, 30])
def test_a_change_begins_at_the_value_that_the_deal_has(days):
    """The history before it stays as it was: what was planned first, and by how much it has been moved."""
    first, later = "2026-09-01", str(np.datetime64("2026-09-01") + days)
    deals = [deal("D1", "2026-06-01", close_date=first), deal("D2", "2026-06-01", close_date="2026-10-01")]
    moved = [
        {"opportunity_id": "D2", "changed_at": "2026-07-01", "field": "close_date", "old_value": "2026-09-15",
         "new_value": "2026-10-01"}
    ]  # fmt: skip
    scoring = scoring_of(crm(deals, changes=moved))
    now = instants(np.array([AS_OF]))[0]
    change = pd.DataFrame(
        {"copy": [0], "changed_at": now, "field": "close_date", "old_value": first, "new_value": later}
    )
    after, before = with_added(scoring, [0], changes=change).iloc[0], scoring.features.iloc[0]
    assert after["days_to_close_date"] == before["days_to_close_date"] + days
    assert after["planned_days"] == before["planned_days"]
    assert after["pushes"] == before["pushes"] + 1
    assert after["days_since_edit"] == 0
