"""The peers' encoding uses nothing after the date."""

import numpy as np
import pandas as pd
import pytest

from benchmarks._prefix import CATEGORIES, NONE, prefixes
from crm.clock import instants
from crm.simulator import SimulatorSettings, simulate
from crm.tables import CrmTables
from tests.histories import change, crm, deal, millis

DEALS = [
    deal("a", "2024-01-01T00:00:00", amount=500.0),
    deal("b", "2024-01-03T00:00:00", amount=None),
]
CHANGES = [
    change("a", "2024-01-01T00:00:00", "stage", None, "Prospect"),
    change("a", "2024-01-05T00:00:00", "stage", "Prospect", "Qualify"),
    change("a", "2024-01-04T00:00:00", "owner_id", None, "u1"),
    change("a", "2024-01-20T00:00:00", "owner_id", "u1", "u2"),
]
ACTIVITIES = [
    {"opportunity_id": "a", "occurred_at": "2024-01-06T12:00:00", "kind": "call"},
    {"opportunity_id": "a", "occurred_at": "2024-01-02T00:00:00", "kind": "email"},
    {"opportunity_id": "a", "occurred_at": "2024-01-09T00:00:00", "kind": "call"},
    {"opportunity_id": "b", "occurred_at": "2024-01-30T00:00:00", "kind": "email"},
]


def test_counts_times_and_last_states_by_hand():
    tables = crm(DEALS, changes=CHANGES, activities=ACTIVITIES)
    ids, as_of = np.array(["b", "a", "a"], dtype=object), ["2024-01-04", "2024-01-07", "2024-01-09"]
    found = prefixes(tables).encode(tables, ids, np.array([millis(day) for day in as_of]))
    assert found["count:call"].tolist() == [0, 1, 2]
    assert found["count:email"].tolist() == [0, 1, 1]
    assert found["activities"].tolist() == [0, 2, 3]
    assert found["entered:Qualify"].tolist() == [0, 1, 1]
    assert found["days"].tolist() == [1, 6, 8]
    assert found["days_since_last"].tolist() == pytest.approx([np.nan, 0.5, 0], nan_ok=True)
    assert found["amount"].tolist() == pytest.approx([np.nan, 500, 500], nan_ok=True)
    assert found["stage"].tolist() == [NONE, "Qualify", "Qualify"]
    assert found["owner"].tolist() == [NONE, "u1", "u1"]
    assert found["last_activity"].tolist() == [NONE, "call", "call"]


@pytest.fixture(scope="module")
def tables() -> CrmTables:
    return simulate(SimulatorSettings(deals=60, seed=3)).tables


@pytest.fixture(scope="module")
def pairs(tables: CrmTables) -> tuple[np.ndarray, np.ndarray]:
    """Each deal at a random date of its first hundred days."""
    deals = tables["opportunities"]
    days = pd.to_timedelta(np.random.default_rng(0).integers(1, 100, len(deals)), unit="D")
    as_of = (deals["created_at"] + days - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)
    return deals["opportunity_id"].to_numpy(object), as_of.to_numpy(np.int64)


def mutated(tables: CrmTables, pairs: tuple[np.ndarray, np.ndarray], later: bool) -> CrmTables:
    """The same tables with all that lies behind (or before) each deal's date given another value."""
    date = pd.Series(instants(pairs[1]).to_numpy(), index=pairs[0])
    frames = {}
    for name, when, value in (("activities", "occurred_at", "kind"), ("changes", "changed_at", "new_value")):
        frame = tables[name].copy()
        behind = frame[when].to_numpy() > date.loc[frame["opportunity_id"]].to_numpy()
        frame[value] = frame[value].mask(behind if later else ~behind, frame[value].iloc[0])
        frames[name] = frame
    return tables.with_frames(**frames)


def test_what_comes_after_the_date_changes_nothing(tables, pairs):
    encoding = prefixes(tables)
    before = encoding.encode(tables, *pairs)
    after = encoding.encode(mutated(tables, pairs, later=True), *pairs)
    pd.testing.assert_frame_equal(before, after)
    assert (before["activities"] > 0).mean() > 0.5


def test_what_came_before_the_date_does_change_it(tables, pairs):
    encoding = prefixes(tables)
    other = encoding.encode(mutated(tables, pairs, later=False), *pairs)
    assert not other.equals(encoding.encode(tables, *pairs))


def test_rows_keep_their_order(tables, pairs):
    encoding, order = prefixes(tables), np.random.default_rng(1).permutation(len(pairs[0]))
    straight, mixed = encoding.encode(tables, *pairs), encoding.encode(tables, pairs[0][order], pairs[1][order])
    pd.testing.assert_frame_equal(straight.iloc[order].reset_index(drop=True), mixed)
    assert all(straight[name].map(type).eq(str).all() for name in CATEGORIES)
