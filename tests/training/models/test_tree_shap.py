"""SHAP values of many rows: those that shap itself gives, whichever way they are computed."""

from itertools import permutations

import lightgbm as lgb
import numpy as np
import pytest
import shap

from training.models import boosting, tree_shap

FEATURES = 12
COMPLETE = 4  # of which every value was known when the trees were grown
LEAVES = (3, 8, 12, 13, 31, 127)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Numbers, counts, flags and unknown values, as deals have them."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(3_000, FEATURES))
    x[:, 2:6] = np.floor(np.abs(x[:, 2:6]) * 3)
    x[:, 6] = x[:, 6] > 0
    unknown = rng.random(x.shape) < 0.2
    unknown[:, :COMPLETE] = False
    return np.where(unknown, np.nan, x).astype(np.float32)


def grown(x: np.ndarray, leaves: int, rounds: int = 30, **parameters: object) -> lgb.Booster:
    rng = np.random.default_rng(12)
    margin = x[:, 0] - 0.5 * np.nan_to_num(x[:, 4], nan=3.0) + np.nan_to_num(x[:, 6] * x[:, 1])
    target = 1 / (1 + np.exp(-margin + rng.normal(size=len(x))))
    given = {"objective": "cross_entropy", "num_leaves": leaves, "verbosity": -1, "num_threads": 1, **parameters}
    return lgb.train(given, lgb.Dataset(x, target, params={"verbosity": -1, **parameters}), num_boost_round=rounds)


@pytest.fixture(scope="module", params=LEAVES)
def trees(request: pytest.FixtureRequest, rows: np.ndarray) -> lgb.Booster:
    return grown(rows, request.param)


def many(rows: np.ndarray) -> np.ndarray:
    assert len(rows) > tree_shap.FEW_ROWS
    return rows


def test_they_are_those_of_shap(trees: lgb.Booster, rows: np.ndarray) -> None:
    found = tree_shap.contributions(trees, many(rows))[:400]
    explainer = shap.TreeExplainer(trees)
    explainer.model.model_type = "internal"  # shap's own algorithm; it would ask LightGBM otherwise
    np.testing.assert_allclose(found[:, :-1], explainer.shap_values(rows[:400].astype(float)), atol=1e-4)
    assert found[:, -1] == pytest.approx(float(np.ravel(explainer.expected_value)[-1]), abs=1e-4)


@pytest.mark.parametrize("leaves", LEAVES)
def test_they_are_those_of_lightgbm_also_where_something_is_unknown_that_never_was(
    rows: np.ndarray, leaves: int
) -> None:
    trees, fewer = grown(rows, leaves), many(rows).copy()
    fewer[::3, :COMPLETE] = np.nan
    fewer[1::7] = np.nan
    fewer[2::7] = 0.0
    expected = tree_shap.by_lightgbm(trees, fewer)
    np.testing.assert_allclose(tree_shap.contributions(trees, fewer), expected, atol=1e-12)


@pytest.mark.parametrize("leaves", [8, 63])
def test_values_next_to_each_other_are_told_apart(leaves: int) -> None:
    """A threshold lies between neighbouring numbers of 32 bits and must not be rounded to one of them."""
    rng = np.random.default_rng(13)
    x = (1 + rng.integers(0, 40, (3_000, FEATURES)) * np.finfo(np.float32).eps).astype(np.float32)
    trees = grown((x - 1) / np.finfo(np.float32).eps, leaves)
    near = grown(x, leaves, zero_as_missing=False)
    for booster, values in ((trees, (x - 1) / np.finfo(np.float32).eps), (near, x)):
        found, expected = tree_shap.contributions(booster, many(values)), tree_shap.by_lightgbm(booster, values)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_what_is_not_read_here_lightgbm_walks_itself(rows: np.ndarray) -> None:
    """Zeros taken for unknown: another meaning of a split."""
    trees = grown(rows, 8, zero_as_missing=True)
    assert '"missing_type": "Zero"' in str(trees.dump_model()).replace("'", '"')
    found = tree_shap.contributions(trees, many(rows))
    np.testing.assert_allclose(found, tree_shap.by_lightgbm(trees, rows), atol=1e-12)


def test_a_large_tree_is_the_sum_of_its_pieces_and_a_deep_one_has_none(rows: np.ndarray) -> None:
    wide = tree_shap.read(grown(rows, 31, 1, max_depth=6).dump_model()["tree_info"][0]["tree_structure"])
    assert wide is not None
    pieces = tree_shap.in_pieces(wide)
    assert pieces is not None
    assert len(pieces) > 2
    assert sum(len(piece.leaves) for piece in pieces) == len(wide.leaves) == 31
    assert all(len(piece.splits) <= tree_shap.MOST_SPLITS for piece in pieces)
    deep = tree_shap.read(grown(rows, 500, 1, min_data_in_leaf=1).dump_model()["tree_info"][0]["tree_structure"])
    assert deep is not None
    assert tree_shap.in_pieces(deep) is None


def test_the_values_of_a_leaf_are_shapleys() -> None:
    """By the definition: over all orders in which features come to be known (Shapley 1953)."""
    share = np.array([0.2, 0.5, 0.9])
    found = tree_shap.shapley(share[None])[0]
    for way in range(8):
        follows = [way >> place & 1 for place in range(3)]
        for player in range(3):
            gains = []
            for order in permutations(range(3)):
                known = set(order[: order.index(player)])
                worth = [
                    np.prod([follows[i] if i in some else share[i] for i in range(3)])
                    for some in (known, known | {player})
                ]
                gains.append(worth[1] - worth[0])
            assert found[way, player] == pytest.approx(np.mean(gains))


def test_they_sum_to_the_margin(trees: lgb.Booster, rows: np.ndarray) -> None:
    for some in (many(rows), rows[:200], rows[:1]):
        found = tree_shap.contributions(trees, some)
        assert found.shape == (len(some), FEATURES + 1)
        np.testing.assert_allclose(found.sum(axis=1), boosting.margin(trees, some), atol=1e-4)


def test_a_block_at_a_time_gives_the_same(
    trees: lgb.Booster, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tree_shap.contributions(trees, many(rows))
    monkeypatch.setattr(tree_shap, "ROWS_IN_CACHE", 777)
    monkeypatch.setattr(tree_shap, "MOST_NUMBERS", 5_000)
    np.testing.assert_allclose(tree_shap.contributions(trees, rows), whole, atol=1e-12)


def test_trees_that_never_split_say_the_same_of_all(rows: np.ndarray) -> None:
    alike = lgb.Dataset(rows, np.full(len(rows), 0.3), params={"verbosity": -1})
    stumps = lgb.train({"objective": "cross_entropy", "verbosity": -1}, alike, num_boost_round=3)
    found = tree_shap.contributions(stumps, many(rows))
    np.testing.assert_allclose(found[:, :-1], 0)
    np.testing.assert_allclose(found[:, -1], boosting.margin(stumps, rows), atol=1e-6)
