"""The run before, asked again: with the same model, with another, with a deal that was not there."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crm.clock import DAY
from features.dataset import scoring_set
from serving.earlier import then
from serving.movement import movements
from serving.runs import EarlierRun
from serving.scoring import explain_all, teller, texts
from training.calibration import Calibrator


@pytest.fixture(scope="module")
def before(answering):
    """The same deals' features ten days earlier."""
    model, scoring = answering.model, answering.scoring
    return scoring_set(scoring.prepared.histories, model.vocabulary, model.names, scoring.as_of - 10 * DAY)


@pytest.fixture(scope="module")
def run(answering, before):
    """What the model said then, kept by id."""
    win = answering.model.answer(before.features).win
    ids = before.prepared.histories.deals["opportunity_id"].to_numpy(object)[before.snapshots.deal]
    return EarlierRun("score-1", before.as_of, "1", pd.Series(win, index=ids))


def change_of(answering, earlier):
    model, scoring = answering.model, answering.scoring
    shap = model.boosters.win.contributions(answering.x)
    return movements(teller(scoring, model), answering.x, shap, model.win_calibrator, earlier, texts(scoring))


def test_with_the_same_model_nothing_but_facts_moved(answering, run):
    found = change_of(answering, then(run, answering.scoring, answering.model, answering.model))
    win = answering.model.answer(answering.scoring.features).win
    ids = answering.scoring.prepared.histories.deals["opportunity_id"].to_numpy(object)
    there = [place for place, one in enumerate(found) if one is not None]
    assert 20 < len(there) < len(found)
    for place in there:
        one, opportunity = found[place], ids[answering.scoring.snapshots.deal[place]]
        assert one.start == pytest.approx(run.probabilities[opportunity])
        assert one.end == pytest.approx(win[place], abs=1e-6)
        assert one.late == pytest.approx(0, abs=1e-6)
        assert one.model == 0
    created = answering.scoring.prepared.histories.created[answering.scoring.snapshots.deal]
    new = [one is None for one in found]
    assert all(created[place] > run.as_of or place not in there for place in np.flatnonzero(new))


def test_another_model_takes_its_own_part(answering, run):
    """One that was too sure by a tenth: what it said then, less what today's says of then, is the model's part."""
    model = answering.model
    surer = replace(model, win_calibrator=Calibrator(model.win_calibrator.intercept + 0.5, model.win_calibrator.slope))
    histories, names = answering.scoring.prepared.histories, model.names
    old = scoring_set(histories, model.vocabulary, names, run.as_of)
    said = pd.Series(surer.answer(old.features).win, index=run.probabilities.index)
    found = change_of(answering, then(replace(run, probabilities=said), answering.scoring, model, surer))
    for one in found:
        if one is not None:
            assert one.late == pytest.approx(0, abs=1e-6)
            assert one.model < 0
            parts = sum(move.points for move in one.moves) + one.rest + one.late + one.model
            assert one.end - one.start == pytest.approx(parts)


def test_a_deal_that_was_not_scored_then_has_not_moved(answering, run):
    fewer = replace(run, probabilities=run.probabilities.iloc[:5])
    found = change_of(answering, then(fewer, answering.scoring, answering.model, answering.model))
    assert sum(one is not None for one in found) <= 5


def test_before_there_were_deals_nothing_moved(answering, run):
    long_ago = replace(run, as_of=int(answering.scoring.prepared.histories.created.min()) - DAY)
    for its_model in (answering.model, None):
        found = change_of(answering, then(long_ago, answering.scoring, answering.model, its_model))
        assert found == [None] * len(answering.x)


def test_it_is_told_with_the_reasons(answering, run):
    told = then(run, answering.scoring, answering.model, answering.model)
    reasons = explain_all(answering.scoring, answering.model, then=told).reasons
    assert sum('"moved": {"since": "' in text for text in reasons) == sum(
        one is not None for one in change_of(answering, told)
    )
