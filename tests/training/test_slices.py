"""The judged rows in parts: every row in one fold, one span and at most one stage, scored as the whole is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from crm.clock import DAY
from tests.training.examples import judged_of, stages
from training.learning import Trained
from training.scorecard import JudgedRows
from training.slices import slices


@pytest.fixture
def judged() -> JudgedRows:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 600)
    some = judged_of((rng.random(600) < p).astype(float), stage=stages(*(["Propose", None] * 300)), model=p)
    return replace(some, as_of=np.sort(rng.integers(0, 90, 600)) * DAY, weight=rng.uniform(1, 2, 600))


def of_kind(found: list[dict], kind: str) -> list[dict]:
    return [one for one in found if one["kind"] == kind]


def test_folds_and_spans_hold_every_row_once(judged: JudgedRows) -> None:
    found = slices(judged, np.arange(600) % 3, 3)
    assert [one["name"] for one in of_kind(found, "fold")] == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3"]
    for kind in ("fold", "dates"):
        assert sum(one["rows"] for one in of_kind(found, kind)) == 600
    spans = of_kind(found, "dates")
    assert len(spans) == 3
    days = [day for one in spans for day in (one["first_day"], one["last_day"])]
    assert days == sorted(days)
    assert all(one["last_day"] < after["first_day"] for one, after in itertools.pairwise(spans))


def test_the_parts_scores_average_to_the_whole(trained: Trained) -> None:
    whole = trained.cards[0]
    for kind in ("fold", "dates"):
        parts = of_kind(trained.model.facts["slices"], kind)
        assert sum(one["rows"] for one in parts) == whole.rows
    folds = of_kind(trained.model.facts["slices"], "fold")
    losses = [one["scores"]["model"]["log_loss"] for one in folds]
    assert min(losses) <= whole.model.log_loss.value <= max(losses)


def test_a_part_with_one_outcome_only_is_left_out(judged: JudgedRows) -> None:
    one_sided = replace(judged, y=np.where(np.arange(600) % 3 == 0, 1.0, judged.y))
    assert [one["name"] for one in of_kind(slices(one_sided, np.arange(600) % 3, 3), "fold")] == [
        "fold 2 of 3",
        "fold 3 of 3",
    ]


def test_no_row_no_part(judged: JudgedRows) -> None:
    none = replace(judged, **{name: getattr(judged, name)[:0] for name in ("y", "weight", "deal", "stage", "as_of")})
    assert slices(replace(none, probabilities={"model": np.zeros(0)}), np.zeros(0), 3) == []
