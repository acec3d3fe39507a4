"""The champion and what would have been its challenger: the same recipe from the same knowledge says the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crm.clock import DAY
from features.dataset import TrainingSet
from tests.training.examples import HASTY, Learned
from training.calibration import Calibrator
from training.deal_model import DealModel, fit_boosters
from training.equal_terms import challenger_then, champion_says
from training.models.win_curve import timing_of
from training.rows import Rows, known_at

OF_THEN = replace(HASTY, most_rounds=20)


@pytest.fixture(scope="module")
def then(learned: Learned) -> int:
    return learned.cuts.fit


@pytest.fixture(scope="module")
def late(learned: Learned) -> Rows:
    rows = learned.judged.rows
    return rows.where(rows.as_of > learned.cuts.calibrate)


@pytest.fixture(scope="module")
def champion(rows: Rows, training: TrainingSet, then: int) -> DealModel:
    """Trained on what was known then, and not calibrated, as nothing had been judged yet."""
    seen = known_at(rows, then, training.time.stall_days)
    boosters = fit_boosters(seen, timing_of(seen, training.time), OF_THEN)
    facts = {"data": {"until_millis": then}}
    return DealModel(boosters, Calibrator(), Calibrator(), rows.names, training.vocabulary, training.time, facts)


def said(champion: DealModel, rows: Rows, learned: Learned, late: Rows, training: TrainingSet) -> np.ndarray | None:
    time = training.time
    return challenger_then(champion, rows, learned.judged, late, OF_THEN, time)


def test_the_same_recipe_is_as_good_as_itself(
    champion: DealModel, rows: Rows, learned: Learned, late: Rows, training: TrainingSet
) -> None:
    found = said(champion, rows, learned, late, training)
    assert found is not None
    np.testing.assert_allclose(found, champion_says(champion, late), atol=1e-9)


def test_what_became_known_later_has_no_say(
    champion: DealModel, rows: Rows, learned: Learned, late: Rows, training: TrainingSet, then: int
) -> None:
    known = (rows.outcome >= 0) & (rows.days <= (then - rows.as_of) / DAY)
    turned = np.where((rows.outcome >= 0) & ~known, 1 - rows.outcome, rows.outcome).astype(np.int8)
    assert (turned != rows.outcome).any()
    found = said(champion, replace(rows, outcome=turned), learned, late, training)
    np.testing.assert_array_equal(found, said(champion, rows, learned, late, training))


def test_only_rows_behind_the_champions_training_are_answered(
    champion: DealModel, rows: Rows, learned: Learned, late: Rows, training: TrainingSet
) -> None:
    middle = int(np.median(late.as_of))
    later = replace(champion, facts={"data": {"until_millis": middle}})
    found = said(later, rows, learned, late, training)
    assert found is not None
    np.testing.assert_array_equal(np.isnan(found), late.as_of <= middle)
    np.testing.assert_array_equal(np.isnan(champion_says(later, late)), late.as_of <= middle)


def test_where_nothing_had_closed_yet_there_is_no_challenger(
    champion: DealModel, rows: Rows, learned: Learned, late: Rows, training: TrainingSet
) -> None:
    first = replace(champion, facts={"data": {"until_millis": int(rows.as_of.min())}})
    assert said(first, rows, learned, late, training) is None
    last = replace(champion, facts={"data": {"until_millis": int(late.as_of.max())}})
    assert said(last, rows, learned, late, training) is None
