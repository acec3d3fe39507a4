"""For how much deals are won: quantiles by stage, drawn towards all stages where few."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from training.models.amount import LEAST_RATIO, LEVELS, MOST_RATIO, STRENGTH, AmountModel, fit_amount

NAN = float("nan")


def stages(*names: str | None) -> np.ndarray:
    return np.array(names, dtype=object)


def test_quantiles_are_those_of_the_deals_won_from_the_stage() -> None:
    rng = np.random.default_rng(0)
    early, late = np.exp(rng.normal(-0.2, 0.3, 20_000)), np.exp(rng.normal(0, 0.05, 20_000))
    model = fit_amount(np.append(early, late), np.repeat(stages("early", "late"), 20_000), np.arange(40_000))
    for name, sample in (("early", early), ("late", late)):
        for level in (0.05, 0.1, 0.5, 0.9):
            assert model.quantile(stages(name), level)[0] == pytest.approx(np.quantile(sample, level), rel=0.02)
        assert model.mean(stages(name))[0] == pytest.approx(sample.mean(), rel=0.01)
    assert model.deals == {"early": 20_000, "late": 20_000}


def test_quantiles_rise_with_their_level_and_end_with_those_kept() -> None:
    model = fit_amount(np.array([0.5, 1, 1, 2.0]), stages("a", "a", "b", "b"), np.arange(4))
    level = np.linspace(0.001, 0.999, 500)
    found = model.quantile(np.full(500, "a", dtype=object), level)
    assert (np.diff(found) >= 0).all()
    assert found[[0, -1]].tolist() == model.quantiles(stages("a"))[0, [0, -1]].tolist()
    assert model.quantile(stages("a", "b"), np.array(LEVELS[3:5])).tolist() == [
        model.quantiles(stages("a"))[0, 3],
        model.quantiles(stages("b"))[0, 4],
    ]


def test_a_stage_with_few_deals_is_drawn_towards_all_stages() -> None:
    many, few = np.full(1000, 1.0), np.full(5, 0.5)
    model = fit_amount(np.append(many, few), np.repeat(stages("many", "few"), [1000, 5]), np.arange(1005))
    everywhere = np.mean(model.everywhere)
    expected = (5 * 0.5 + STRENGTH * everywhere) / (5 + STRENGTH)
    assert model.mean(stages("few"))[0] == pytest.approx(expected, abs=0.02)
    assert model.mean(stages("many"))[0] == pytest.approx(1.0, abs=0.001)


def test_each_deal_counts_the_same_however_many_snapshots_it_has() -> None:
    ratio, deal = np.append(np.full(96, 2.0), [1.0] * 4), np.append(np.zeros(96), [1, 2, 3, 4])
    model = fit_amount(ratio, np.full(100, "a", dtype=object), deal.astype(int))
    assert model.quantile(stages(None), 0.75)[0] == 1.0
    assert model.quantile(stages(None), 0.85)[0] == 2.0


def test_a_new_stage_and_one_not_known_are_answered_by_all() -> None:
    model = fit_amount(np.array([0.8, 1.2]), stages("a", None), np.arange(2))
    assert model.quantiles(stages("new", None)).tolist() == [list(model.everywhere)] * 2
    assert set(model.by_stage) == {"a"}


def test_without_won_deals_amounts_stay_as_they_stand() -> None:
    model = fit_amount(np.array([NAN, NAN]), stages("a", "a"), np.arange(2))
    assert model == AmountModel()
    assert model.mean(stages("a", None)).tolist() == [1.0, 1.0]
    assert model.quantile(stages("a"), 0.1).tolist() == [1.0]
    assert model.mean(stages()).shape == (0,)


def test_typing_errors_are_cut_and_it_survives_json() -> None:
    model = fit_amount(np.array([1e-9, 1e9]), stages("a", "a"), np.arange(2))
    found = model.quantiles(stages("a"))
    assert found.min() == LEAST_RATIO
    assert found.max() == MOST_RATIO
    again = AmountModel(**json.loads(json.dumps(asdict(model))))
    assert again.quantiles(stages("a", None)).tolist() == model.quantiles(stages("a", None)).tolist()
