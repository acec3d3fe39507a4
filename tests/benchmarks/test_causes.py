"""Causes injected into open deals: what is injected is what the features then tell, and reasons point its way."""

import numpy as np
import pytest

from benchmarks._causes import CAUSES, LEAST_EFFECT, injected
from crm.clock import instants, parse_as_of
from crm.simulator.dynamics import QUIET
from features.dataset import scoring_set
from features.histories import Histories
from serving.store import Store
from tests.acceptance import worlds
from training.deal_model import DealModel, load

AS_OF = parse_as_of(worlds.LAST_DAY)
STRONG = {"the buyer silent for 45 days", "the buyer eager for 45 days", "moved on to the next stage", "a renewal"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> DealModel:
    home = worlds.trained(tmp_path_factory.getbasetemp()).home
    row = Store.under(home).champion()
    return load(home / "models" / row["folder"], row["sha256"])


@pytest.fixture(scope="module")
def found(model):
    return {cause.name: injected(worlds.simulation(), model, AS_OF, cause) for cause in CAUSES}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_the_true_effect_is_told_and_large_enough_to_matter(found, cause):
    found = found[cause.name]
    assert len(found.truth) > 20
    assert (np.abs(found.truth) >= LEAST_EFFECT).all()
    assert len(found.deal) == len(found.told) == len(found.change) == len(found.first) == len(found.truth)


@pytest.mark.parametrize("name", sorted(STRONG))
def test_reasons_point_the_way_of_strong_causes(found, name):
    """Of few deals and few trees; the benchmark has the figure of a whole training."""
    assert (np.sign(found[name].told) == np.sign(found[name].truth)).mean() >= 0.8


def test_silence_leaves_nothing_of_the_buyers_in_the_features(model):
    company = worlds.simulation()
    cause = next(one for one in CAUSES if one.otherwise == {"mood": QUIET})
    names = ("inbound_30d", "meetings_30d", "outbound_30d")
    before = scoring_set(Histories(company.tables), model.vocabulary, names, AS_OF)
    ids = before.prepared.histories.deals["opportunity_id"].to_numpy(object)[before.snapshots.deal]
    tables = cause.alters(company.tables, ids[:50], instants(np.array([AS_OF]))[0])
    after = scoring_set(Histories(tables), model.vocabulary, names, AS_OF)
    assert before.features["inbound_30d"][:50].sum() > 0
    assert after.features["inbound_30d"][:50].sum() == after.features["meetings_30d"][:50].sum() == 0
    assert after.features["inbound_30d"][50:].equals(before.features["inbound_30d"][50:])


def test_the_next_stage_is_one_further_on(model):
    company = worlds.simulation()
    before = scoring_set(Histories(company.tables), model.vocabulary, ("stage_position",), AS_OF)
    ids = before.prepared.histories.deals["opportunity_id"].to_numpy(object)[before.snapshots.deal]
    here = before.features["stage_position"].to_numpy() < 5
    tables = CAUSES[0].alters(company.tables, ids[here], instants(np.array([AS_OF]))[0])
    after = scoring_set(Histories(tables), model.vocabulary, ("stage_position",), AS_OF)
    moved = after.features["stage_position"].to_numpy() - before.features["stage_position"].to_numpy()
    np.testing.assert_array_equal(moved, here.astype(float))
