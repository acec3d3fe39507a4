"""Historical rates by hand: each deal counts once in a bin, and few deals do not make a rate of their own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.feature import Family, Feature, Unit, Wording
from features.questions import Constant
from tests.training.examples import LOST, NAN, OPEN, WON, rows_of, stages
from training.learning import Trained
from training.models.rates import STRENGTH
from training.reference import (
    FIFTHS,
    MOVED_LEAST_DEALS,
    bin_bounds,
    moved_against_stalled,
    moved_by_chance,
    reference_tables,
)
from training.rows import Rows


def feature(name: str, bins: tuple[float, ...] = (), actionable: bool = False) -> Feature:
    return Feature(name, Constant(0.0), Unit.COUNT, "group", "meaning", Wording("{value}", "{bin}"), actionable, bins)


PUSHES = feature("pushes", (0, 1, 3), actionable=True)
SIZE = feature("size")
CATALOGUE = Catalogue((Family("some", {}, (PUSHES, SIZE)),))


def tiny() -> Rows:
    """Three deals: one won after two snapshots in one bin, one lost that moved between bins, one open."""
    return replace(
        rows_of(
            [WON, WON, LOST, LOST, LOST, OPEN],
            [9.0, 2.0, 20.0, 10.0, 1.0, 4.0],
            x=[[0, 10], [0, 20], [0, 30], [1, 40], [4, 50], [NAN, 60]],
            deal=[1, 1, 2, 2, 2, 3],
            stage=stages("A", "B", "A", "A", "B", None),
            stalled=[0.0, 0.0, 1.0, 0.0, NAN, 1.0],
        ),
        names=("pushes", "size"),
    )


@pytest.fixture(scope="module")
def tables() -> dict[str, object]:
    return reference_tables(tiny(), np.full(6, NAN), CATALOGUE, {})


def test_each_deal_counts_once_in_a_bin_however_many_its_snapshots(tables: dict) -> None:
    pushes = tables["features"]["pushes"]
    assert pushes["bounds"] == [0, 1, 3]
    assert pushes["known"] == pytest.approx(5 / 6)
    none, once, often = pushes["bins"]
    assert (none["deals"], none["won"]) == (2, 1)
    assert (once["deals"], once["won"]) == (1, 0)
    assert (often["deals"], often["won"]) == (1, 0)


def test_open_deals_count_for_stalls_but_not_for_wins(tables: dict) -> None:
    missing = tables["features"]["pushes"]["missing"]
    assert missing == {"deals": 0, "won": 0, "stall_deals": 1, "stall_rate": 1.0}
    none, _, often = tables["features"]["pushes"]["bins"]
    assert (none["stall_deals"], none["stall_rate"]) == (2, pytest.approx(1 / 3))
    assert (often["stall_deals"], often["stall_rate"]) == (0, None)


def test_the_whole_company_and_its_stages(tables: dict) -> None:
    assert (tables["closed_deals"], tables["won_deals"], tables["win_rate"]) == (2, 1, 0.5)
    assert tables["stall_rate"] == pytest.approx(2 / 5)
    assert set(tables["stages"]) == {"A", "B"}
    for stage in tables["stages"].values():
        assert (stage["deals"], stage["won"]) == (2, 1)
    assert tables["stages"]["A"]["stall_rate"] == pytest.approx(1 / 3)
    assert tables["stages"]["B"]["stall_deals"] == 1


def test_bins_are_as_declared_else_fifths_of_the_data() -> None:
    assert bin_bounds(np.array([5.0, 6.0]), PUSHES).tolist() == [0, 1, 3]
    assert bin_bounds(np.arange(100.0), SIZE).tolist() == [0, 19, 39, 59, 79]
    assert bin_bounds(np.array([7.0] * 10), SIZE).tolist() == [7]
    assert bin_bounds(np.zeros(0), SIZE).tolist() == [0]


@given(st.lists(st.one_of(st.just(NAN), st.floats(-100, 100, width=32)), min_size=1, max_size=40))
def test_without_declared_bins_each_snapshot_falls_in_one_of_them_or_is_missing(values: list[float]) -> None:
    n = len(values)
    rows = replace(rows_of([WON] * n, [1.0] * n, x=np.column_stack([np.zeros(n), values])), names=("pushes", "size"))
    size = reference_tables(rows, np.full(n, NAN), CATALOGUE, {})["features"]["size"]
    assert sum(one["deals"] for one in (*size["bins"], size["missing"])) == n


def test_deals_that_moved_are_won_more_often_than_deals_that_stalled() -> None:
    rows = rows_of(
        np.repeat([WON, LOST, WON, LOST, OPEN], [30, 10, 5, 35, 20]),
        [1.0] * 100,
        stalled=np.repeat([0.0, 1.0, 0.0], [40, 40, 20]),
    )
    rates = moved_against_stalled(rows, np.ones(100, dtype=bool))
    overall = 35 / 80
    assert rates["win_rate_moved"] == pytest.approx((30 + overall * STRENGTH) / (40 + STRENGTH))
    assert rates["win_rate_stalled"] == pytest.approx((5 + overall * STRENGTH) / (40 + STRENGTH))
    assert moved_against_stalled(rows, rows.outcome == OPEN) == {"win_rate_moved": None, "win_rate_stalled": None}


def chances(n: int = 5000, cost: float = 0.25) -> tuple[np.ndarray, ...]:
    """Snapshots whose deal is won with its chance, less so where it stalled."""
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.3, 0.9, n)
    stalled = rng.integers(0, 2, n).astype(float)
    outcome = (rng.random(n) < chance - cost * stalled).astype(np.int8)
    return chance, stalled, outcome, np.arange(n)


def test_what_a_stall_costs_is_told_by_the_chance_of_the_deal() -> None:
    found = moved_by_chance(*chances())
    assert found is not None
    assert {len(values) for values in found.values()} == {FIFTHS}
    assert (np.diff(found["chance"]) > 0).all()
    np.testing.assert_allclose(found["chance"], [0.36, 0.48, 0.6, 0.72, 0.84], atol=0.02)
    np.testing.assert_allclose(found["moved"], found["chance"], atol=0.05)
    np.testing.assert_allclose(found["stalled"], np.array(found["chance"]) - 0.25, atol=0.05)


def test_where_one_kind_is_missing_its_rate_is_the_chance_itself() -> None:
    chance, _, outcome, deal = chances(500)
    found = moved_by_chance(chance, np.zeros(500), outcome, deal)
    assert found is not None
    assert found["stalled"] == pytest.approx(found["chance"])


def test_few_snapshots_hardly_move_the_rate_from_the_chance() -> None:
    chance, *_ = chances(1000)
    deal = np.arange(1000) % MOVED_LEAST_DEALS
    only_one_stalled = np.where(np.arange(1000) == 0, 1.0, 0.0)
    found = moved_by_chance(chance, only_one_stalled, np.zeros(1000, np.int8), deal)
    assert found is not None
    drop = np.array(found["chance"]) - np.array(found["stalled"])
    fell = drop[drop > 1e-9]
    assert len(fell) == 1  # the fifth in which the only stall lies
    assert fell[0] < 1 / (1 + STRENGTH)


def test_too_few_known_deals_tell_nothing_of_stalls() -> None:
    chance, stalled, outcome, deal = chances(1000)
    assert moved_by_chance(chance, stalled, outcome, deal % (MOVED_LEAST_DEALS - 1)) is None
    assert moved_by_chance(chance, np.full(1000, NAN), outcome, deal) is None
    assert moved_by_chance(chance, stalled, np.full(1000, OPEN), deal) is None


def test_the_tables_of_a_trained_model_add_up(trained: Trained) -> None:
    reference = trained.model.facts["reference"]
    data = trained.model.facts["data"]
    assert json.loads(json.dumps(reference)).keys() == reference.keys()
    assert reference["won_deals"] == data["won"]
    # A deal that was reopened may have been both lost and won; it is one closed deal.
    assert data["deals"] > reference["closed_deals"] > 0.99 * (data["won"] + data["lost"])
    assert set(reference["features"]) == set(trained.model.names)
    for table in reference["features"].values():
        for one in (*table["bins"], table["missing"]):
            assert 0 <= one["won"] <= one["deals"] <= reference["closed_deals"]
            assert one["stall_rate"] is None or 0 <= one["stall_rate"] <= 1
    stages = reference["playbook"]["stages"]
    assert set(stages) == set(reference["stages"])
    assert sum(page["tried"] for page in stages.values()) > 50
    by_chance = reference["moved_by_chance"]
    assert sum(by_chance["moved"]) > sum(by_chance["stalled"])


def test_every_value_of_a_trained_feature_falls_in_a_bin(trained: Trained) -> None:
    """A value below the lowest declared bound would have no historical rate to show."""
    for column, name in enumerate(trained.rows.names):
        lowest = trained.model.facts["reference"]["features"][name]["bounds"][0]
        assert np.nanmin(trained.rows.x[:, column]) >= lowest, name
