"""SHAP values of many rows: those that shap itself gives, whichever way they are computed."""

import lightgbm as lgb
import numpy as np
import pytest
import shap

from training.models import boosting, tree_shap

FEATURES = 12
COMPLETE = 4  # of which every value was known when the trees were grown


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Numbers, counts, flags and unknown values, as deals have them."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(6_000, FEATURES))
    x[:, 2:6] = np.floor(np.abs(x[:, 2:6]) * 3)
    x[:, 6] = x[:, 6] > 0
    unknown = rng.random(x.shape) < 0.2
    unknown[:, :COMPLETE] = False
    return np.where(unknown, np.nan, x).astype(np.float32)


@pytest.fixture(scope="module", params=[8, 31, 63])
def trees(request: pytest.FixtureRequest, rows: np.ndarray) -> lgb.Booster:
    rng = np.random.default_rng(12)
    margin = rows[:, 0] - 0.5 * np.nan_to_num(rows[:, 4], nan=3.0) + np.nan_to_num(rows[:, 6] * rows[:, 1])
    target = 1 / (1 + np.exp(-margin + rng.normal(size=len(rows))))
    parameters = {"objective": "cross_entropy", "num_leaves": request.param, "verbosity": -1, "num_threads": 1}
    return lgb.train(parameters, lgb.Dataset(rows, target, params={"verbosity": -1}), num_boost_round=30)


def many(rows: np.ndarray) -> np.ndarray:
    assert len(rows) > tree_shap.FEW_ROWS
    return rows


def test_they_are_those_of_shap(trees: lgb.Booster, rows: np.ndarray) -> None:
    found = tree_shap.contributions(trees, many(rows))[:500]
    explainer = shap.TreeExplainer(trees)
    explainer.model.model_type = "internal"  # shap's own algorithm; it would ask LightGBM otherwise
    np.testing.assert_allclose(found[:, :-1], explainer.shap_values(rows[:500].astype(float)), atol=1e-4)
    assert found[:, -1] == pytest.approx(float(np.ravel(explainer.expected_value)[-1]), abs=1e-4)


def test_they_are_those_of_lightgbm_also_where_something_is_unknown_that_never_was(
    trees: lgb.Booster, rows: np.ndarray
) -> None:
    fewer = many(rows).copy()
    fewer[::3, :COMPLETE] = np.nan
    fewer[1::7] = np.nan
    fewer[2::7] = 0.0
    np.testing.assert_allclose(tree_shap.contributions(trees, fewer), tree_shap.by_lightgbm(trees, fewer), atol=1e-5)


def test_they_sum_to_the_margin(trees: lgb.Booster, rows: np.ndarray) -> None:
    for some in (many(rows), rows[:200], rows[:1]):
        found = tree_shap.contributions(trees, some)
        assert found.shape == (len(some), FEATURES + 1)
        np.testing.assert_allclose(found.sum(axis=1), boosting.margin(trees, some), atol=1e-4)


def test_a_block_at_a_time_gives_the_same(
    trees: lgb.Booster, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tree_shap.contributions(trees, many(rows))
    monkeypatch.setattr(tree_shap, "ROWS_AT_ONCE", 1_111)
    np.testing.assert_allclose(tree_shap.contributions(trees, rows), whole, atol=1e-5)


def test_trees_that_never_split_say_the_same_of_all(rows: np.ndarray) -> None:
    alike = lgb.Dataset(rows, np.full(len(rows), 0.3), params={"verbosity": -1})
    stumps = lgb.train({"objective": "cross_entropy", "verbosity": -1}, alike, num_boost_round=3)
    found = tree_shap.contributions(stumps, many(rows))
    np.testing.assert_allclose(found[:, :-1], 0)
    np.testing.assert_allclose(found[:, -1], boosting.margin(stumps, rows), atol=1e-6)
