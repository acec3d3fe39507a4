"""Training and scoring sets: rows, keys and groups that belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm.clock import DAY
from features.dataset import scoring_set, training_set
from features.histories import Histories
from features.settings import TimeSettings
from tests.histories import DAY_US, EPOCH, EVERYTHING, Life, change, company, crm, deal, show

UNTIL = EPOCH // 1000 + Life().days * DAY
TIME = TimeSettings(grid_days=7)


@pytest.fixture(scope="module")
def histories() -> Histories:
    return Histories(show(company(np.random.default_rng(11), complete=True)))


def test_a_training_set_has_a_row_a_snapshot_and_nothing_that_tells_nothing(histories: Histories) -> None:
    training = training_set(histories, TIME, UNTIL)
    rows = len(training.snapshots)
    frame = training.frame()
    assert rows == len(frame) == len(training.features) == len(training.group) == len(training.stage) > 0
    assert (frame["opportunity_id"] == training.ids).all()
    assert frame["as_of"].max() <= pd.Timestamp(UNTIL, unit="ms", tz="UTC")
    assert list(frame)[:6] == ["opportunity_id", "as_of", "outcome", "days", "stalled", "amount_ratio"]
    assert (training.features.nunique(dropna=False) > 1).all()
    assert not set(training.absent) & set(training.features)


def test_what_a_company_cannot_have_is_named_with_the_reason() -> None:
    histories = Histories(crm([deal("d", EPOCH), deal("e", EPOCH + 9 * DAY_US)]))
    training = training_set(histories, TIME, UNTIL)
    assert training.absent["days_in_stage"] == "the stage has no recorded history"
    assert training.absent["touches_7d"] == "there are no activities"
    assert "age_days" in training.features


def test_a_group_is_an_account_or_a_deal_without_one() -> None:
    rows = [
        deal("d", EPOCH, account_id="a"),
        deal("e", EPOCH, account_id="a"),
        deal("f", EPOCH),
        deal("g", EPOCH),
        deal("a", EPOCH),  # called like the account
    ]
    training = training_set(Histories(crm(rows)), TIME, UNTIL)
    group = dict(zip(training.ids, training.group, strict=True))
    assert group["d"] == group["e"]
    assert len({group[name] for name in "dfga"}) == 4
    again = training_set(Histories(crm(rows[::-1])), TIME, UNTIL)
    assert dict(zip(again.ids, again.group, strict=True)) == group


def test_scoring_asks_of_each_open_deal_what_training_would_have_asked(histories: Histories) -> None:
    as_of = UNTIL // DAY * DAY - 1
    training = training_set(histories, TimeSettings(grid_days=1), as_of)
    names = tuple(training.features)
    scoring = scoring_set(histories, training.vocabulary, names, as_of)
    last = training.snapshots.as_of == as_of
    assert scoring.snapshots.deal.tolist() == training.snapshots.deal[last].tolist()
    assert tuple(scoring.features) == names
    pd.testing.assert_frame_equal(scoring.features, training.features[last].reset_index(drop=True), check_exact=True)
    assert scoring.stage.tolist() == training.stage[last].tolist()


def test_a_feature_that_todays_tables_cannot_give_is_not_known(histories: Histories) -> None:
    tables = histories.tables
    poorer = Histories(tables.with_frames(activities=tables["activities"].iloc[:0]))
    scoring = scoring_set(poorer, EVERYTHING, ("touches_7d", "age_days"), UNTIL)
    assert scoring.features["touches_7d"].isna().all()
    assert scoring.features["age_days"].notna().all()


def test_the_stage_of_a_row_is_the_one_it_had_then() -> None:
    tables = crm(
        [deal("d", EPOCH, "Qualify")], changes=[change("d", EPOCH + 9 * DAY_US, "stage", "Prospect", "Qualify")]
    )
    vocabulary = EVERYTHING
    stages = [
        scoring_set(Histories(tables), vocabulary, (), (EPOCH + days * DAY_US) // 1000).stage.tolist()
        for days in (8, 9)
    ]
    assert stages == [["Prospect"], ["Qualify"]]
    assert scoring_set(Histories(crm([deal("d", EPOCH)])), vocabulary, (), UNTIL).stage.tolist() == [None]
