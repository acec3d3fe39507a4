"""The win model as a scikit-learn classifier: for notebooks, pipelines and cross-validation of one's own."""

from __future__ import annotations

import zlib
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from training.calibration import Calibrator, fit_calibrator
from training.deal_model import soft_outcome
from training.models.blend import Blend, fit_blend
from training.models.win_curve import Curve, Timing, WinCurve, fit_win_curve, interval_edges
from training.rows import Rows
from training.settings import BoostingSettings

FOLDS = 3


class WinClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Probability of being won, fitted also on deals that are still open; explained exactly by what answers.

    Missing values are NaN. Deals that have not closed are neither dropped nor counted as lost: a hazard over the days
    ahead says with which probability they will be won, and the model that answers learns from that.

    :param calibrate: whether probabilities are recalibrated on out-of-fold predictions (folds of `groups`).
    :param random_state: seed; the same data and parameters give the same model.

    The other parameters are those of :class:`training.settings.BoostingSettings`. After `fit`: `classes_` (lost, won),
    `blend_` (a line and LightGBM's trees: `margin` and exact `contributions` in log-odds), `calibrator_`, `win_curve_`
    (None without `days`), `n_features_in_` and, of a frame, `feature_names_in_`.
    """

    def __init__(  # noqa: PLR0913 # by scikit-learn's convention a parameter each
        self,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 8,
        min_data_in_leaf: int = 100,
        feature_fraction: float = 0.5,
        lambda_l2: float = 10.0,
        line_strength: float = 0.01,
        max_bin: int = 127,
        most_rounds: int = 400,
        patience: int = 25,
        calibrate: bool = True,
        random_state: int = 7,
    ) -> None:
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.lambda_l2 = lambda_l2
        self.line_strength = line_strength
        self.max_bin = max_bin
        self.most_rounds = most_rounds
        self.patience = patience
        self.calibrate = calibrate
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike,
        *,
        days: ArrayLike | None = None,
        still_open: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on n snapshots.

        :param X: (n, features), numbers or NaN.
        :param y: (n,), two labels; the one that sorts last is "won". Ignored where `still_open`.
        :param days: (n,), days from the snapshot to the closing, or for how many days it is known to have stayed open;
            with it there is a win curve.
        :param still_open: (n,) boolean, snapshots of deals that have not closed; needs `days`.
        :param groups: (n,) whole numbers or text; rows of one group never help to judge each other.

        Raises ValueError where there are not exactly two labels, or `still_open` comes without `days`.
        """
        x, label = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        open_ = np.zeros(len(x), dtype=bool) if still_open is None else np.asarray(still_open, dtype=bool)
        if open_.any() and days is None:
            raise ValueError("still_open needs days: for how long each of these deals is known to have stayed open")
        check_classification_targets(label[~open_])
        self.classes_ = np.unique(label[~open_])
        if len(self.classes_) != 2:
            raise ValueError(f"Only binary classification is supported; the closed deals have {_said(self.classes_)}")
        rows = _rows(x, np.where(open_, -1, label == self.classes_[1]), days, groups)
        self.win_curve_, self.blend_, target = self._fitted(rows, days is not None)
        self.calibrator_ = self._calibrator(rows, target) if self.calibrate else Calibrator()
        return self

    def decision_function(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Calibrated log-odds of having been won; shape (n,)."""
        margin = self.margin(X)
        return self.calibrator_.intercept + self.calibrator_.slope * margin

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Probabilities of lost and won; shape (n, 2)."""
        won = expit(self.decision_function(X))
        return np.column_stack([1 - won, won])

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """The likelier label of each row; shape (n,)."""
        likelier = (self.decision_function(X) > 0).astype(int)
        return np.asarray(self.classes_[likelier])

    def margin(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """The log-odds before calibration, of which SHAP values are the parts; shape (n,)."""
        check_is_fitted(self)
        return self.blend_.margin(self._matrix(X))

    def predict_curve(self, X: ArrayLike | pd.DataFrame) -> Curve:
        """Won, lost and still open by days ahead. Raises ValueError where it was fitted without `days`."""
        check_is_fitted(self)
        if self.win_curve_ is None:
            raise ValueError("there is no win curve: fit with days, from each snapshot to its closing")
        return self.win_curve_.curve(self._matrix(X))

    def _matrix(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        found = validate_data(self, X, dtype=np.float32, ensure_all_finite="allow-nan", reset=False)
        return np.asarray(found)

    def _settings(self) -> BoostingSettings:
        parameters = self.get_params()
        seed = int(parameters.pop("random_state"))
        parameters.pop("calibrate")
        return BoostingSettings(**parameters, seed=seed)

    def _fitted(self, rows: Rows, has_days: bool) -> tuple[WinCurve | None, Blend, np.ndarray]:
        settings, curve = self._settings(), None
        target = (rows.outcome == 1).astype(float)
        if has_days:
            cycle = float(np.median(rows.days[rows.outcome >= 0]))
            curve = fit_win_curve(rows, Timing(interval_edges(rows, cycle)), settings)
            target = soft_outcome(rows, curve)
        return curve, fit_blend(rows.x, target, rows.group, rows.deal, settings), target

    def _calibrator(self, rows: Rows, target: np.ndarray) -> Calibrator:
        """Fitted on the answers of boosters that had not seen the answered rows' groups."""
        fold, rounds = (rows.group // 3) % FOLDS, self.blend_.rounds
        margin = np.zeros(len(rows))
        for k in range(FOLDS):
            inside, rest = fold == k, fold != k
            if not (inside.any() and rest.any()):
                return Calibrator()
            seen = rows.where(rest)
            fitted = fit_blend(seen.x, target[rest], seen.group, seen.deal, self._settings(), rounds)
            margin[inside] = fitted.margin(rows.x[inside])
        return fit_calibrator(margin, target)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def _rows(x: np.ndarray, outcome: np.ndarray, days: ArrayLike | None, groups: ArrayLike | None) -> Rows:
    n = len(x)
    known = np.zeros(n) if days is None else np.asarray(days, dtype=float)
    group = np.arange(n) if groups is None else _numbered(groups)
    for name, column in (("days", known), ("groups", group)):
        if column.shape != (n,):
            raise ValueError(f"{name} has the shape {column.shape}, X has {n} rows")
    if not np.isfinite(known).all() or (known < 0).any():
        raise ValueError("days must be known and not negative")
    nothing = np.full(n, np.nan)
    names = tuple(f"f{column}" for column in range(x.shape[1]))
    at, stage = np.zeros(n, dtype=np.int64), np.full(n, None, dtype=object)
    return Rows(x, names, outcome.astype(np.int8), known, nothing, at, group, np.arange(n), stage)


def _numbered(groups: ArrayLike) -> np.ndarray:
    """A number for each group that does not depend on which others there are."""
    return np.array([zlib.crc32(str(group).encode()) for group in np.asarray(groups).tolist()], dtype=np.int64)


def _said(classes: np.ndarray) -> str:
    return f"{len(classes)} class{'' if len(classes) == 1 else 'es'}"
