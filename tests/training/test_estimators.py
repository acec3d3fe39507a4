"""The classifier keeps scikit-learn's conventions, and learns from deals that are still open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from training.estimators import WinClassifier
from training.scores import auc


def checks() -> list[Any]:
    """The checks of scikit-learn for what the classifier's tags say it can do; it takes no array but NumPy's."""
    models = (WinClassifier(most_rounds=60, min_data_in_leaf=5), WinClassifier(calibrate=False))
    pairs = [pair for model in models for pair in estimator_checks_generator(model, mark=None)]
    return [pytest.param(*pair, id=_name(*pair)) for pair in pairs if "array_api" not in _name(*pair)]


def _name(estimator: Any, check: Any) -> str:
    return f"{estimator!r}-{getattr(check, 'func', check).__name__}"


@pytest.mark.parametrize(("estimator", "check"), checks())
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def deals(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Features, chance of winning, days to the closing; the likelier the win, the longer it takes."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "noise"])
    chance = 1 / (1 + np.exp(-(1.5 * frame["a"] - frame["b"]).to_numpy()))
    won = rng.random(n) < chance
    return frame, won, rng.exponential(np.where(won, 60.0, 15.0))


def test_labels_may_be_text_and_frames_are_known_by_their_columns() -> None:
    x, won, _ = deals(1500)
    fitted = WinClassifier(most_rounds=100).fit(x, np.where(won, "won", "lost"))
    assert fitted.classes_.tolist() == ["lost", "won"]
    assert list(fitted.feature_names_in_) == ["a", "b", "noise"]
    later, truth, _ = deals(1500, seed=1)
    said = fitted.predict_proba(later)
    assert auc(truth.astype(float), said[:, 1]) > 0.8
    assert set(fitted.predict(later)) == {"lost", "won"}
    assert abs(said[:, 1].mean() - truth.mean()) < 0.05
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict_proba(later.rename(columns={"a": "z"}))


def test_deals_still_open_are_not_counted_as_lost_nor_forgotten() -> None:
    """Wins take four times as long as losses; after a month or two, most of what has closed is lost."""
    x, won, days = deals(4000)
    followed = np.random.default_rng(2).uniform(5, 150, len(x))
    still_open = days > followed
    seen = np.minimum(days, followed)
    label = np.where(still_open, False, won)
    aware = WinClassifier(most_rounds=150).fit(x, label, days=seen, still_open=still_open)
    closed = WinClassifier(most_rounds=150).fit(x[~still_open], won[~still_open])
    as_lost = WinClassifier(most_rounds=150).fit(x, label)
    later, truth, _ = deals(4000, seed=3)
    off = {
        name: abs(model.predict_proba(later)[:, 1].mean() - truth.mean())
        for name, model in {"aware": aware, "closed": closed, "as lost": as_lost}.items()
    }
    assert off["aware"] < 0.06
    assert off["aware"] < off["closed"] / 2
    assert off["aware"] < off["as lost"] / 2
    curve = aware.predict_curve(later)
    assert (np.diff(curve.won, axis=1) >= 0).all()
    assert curve.won_within(30.0).mean() < curve.ever_won.mean()


def test_the_same_data_give_the_same_model_and_clones_are_unfitted_twins() -> None:
    x, won, days = deals(800)
    groups = np.arange(len(x)) // 3
    first = WinClassifier(most_rounds=50, random_state=3).fit(x, won, days=days, groups=groups)
    twin = clone(first)
    assert not hasattr(twin, "blend_")
    assert twin.get_params() == first.get_params()
    twin.fit(x, won, days=days, groups=groups)
    assert twin.blend_.trees.model_to_string() == first.blend_.trees.model_to_string()
    assert twin.blend_.line == first.blend_.line
    assert twin.calibrator_ == first.calibrator_


def test_it_stands_in_pipelines_and_cross_validation() -> None:
    x, won, _ = deals(900)
    groups = np.arange(len(x)) // 2
    pipeline = make_pipeline(FunctionTransformer(), WinClassifier(most_rounds=60))
    said = cross_val_predict(pipeline, x, won, groups=groups, cv=GroupKFold(3), method="predict_proba")
    assert auc(won.astype(float), said[:, 1]) > 0.75


def test_what_cannot_be_is_said() -> None:
    x, won, days = deals(50)
    model = WinClassifier(most_rounds=10)
    with pytest.raises(ValueError, match="still_open needs days"):
        model.fit(x, won, still_open=np.arange(50) < 5)
    with pytest.raises(ValueError, match="the closed deals have 1 class"):
        model.fit(x, won, days=days, still_open=~won)
    with pytest.raises(ValueError, match=r"groups has the shape \(3,\), X has 50 rows"):
        model.fit(x, won, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="days must be known"):
        model.fit(x, won, days=np.where(won, np.nan, 1.0))
    with pytest.raises(ValueError, match="there is no win curve"):
        model.fit(x, won).predict_curve(x)
