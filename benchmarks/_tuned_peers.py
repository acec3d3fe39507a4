"""CatBoost, XGBoost and logistic regression, tuned by a small random search on a time-split within what was known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import catboost
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks._prefix import CATEGORIES
from benchmarks._questions import Sample
from training.scores import log_losses

TRIALS = 12
MOST_ROUNDS = 500
PATIENCE = 30
THREADS = 2


class Fitted(Protocol):
    """A fitted peer; `rounds` is how many trees it has, where it has any."""

    @property
    def rounds(self) -> int:
        """Trees up to the best round on the validation sample, or all."""

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        """Shape (n,)."""


def tuned(kind: type[Peer], early: Sample, late: Sample, whole: Sample, seed: int = 0) -> Fitted:
    """Fitted on `whole` with what does best on `late` when fitted on `early`, of TRIALS random settings.

    One of the settings is whether deals that close slowly are weighted to count in full.
    """
    rng = np.random.default_rng(seed)
    best, chosen = np.inf, None
    for _ in range(TRIALS):
        settings, weighted = kind.drawn(rng), bool(rng.integers(2))
        fitted = kind.fit(_weighted(early, weighted), settings, MOST_ROUNDS, late)
        loss = float(np.average(log_losses(late.y, fitted.probability(late.x)), weights=late.weight))
        if loss < best:
            best, chosen = loss, (settings, weighted, fitted.rounds)
    assert chosen is not None
    settings, weighted, rounds = chosen
    return kind.fit(_weighted(whole, weighted), settings, rounds)


def _weighted(sample: Sample, weighted: bool) -> Sample:
    return sample if weighted else Sample(sample.x, sample.y, np.ones(len(sample.y)))


class Peer(Protocol):
    """A way of learning: how its settings are drawn, and how it is fitted."""

    @staticmethod
    def drawn(rng: np.random.Generator) -> dict[str, Any]:
        """Random settings."""

    @staticmethod
    def fit(sample: Sample, settings: Mapping[str, Any], rounds: int, late: Sample | None = None) -> Fitted:
        """So many rounds at most; with `late`, those that do best on it."""


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


@dataclass(frozen=True)
class CatBoost:
    """CatBoost, categories its own way."""

    model: catboost.CatBoostClassifier
    name = "CatBoost"

    @staticmethod
    def drawn(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "learning_rate": _log_uniform(rng, 0.02, 0.2),
            "depth": int(rng.integers(3, 8)),
            "l2_leaf_reg": _log_uniform(rng, 1, 100),
            "subsample": float(rng.uniform(0.5, 1)),
            "rsm": float(rng.uniform(0.3, 1)),
            "min_data_in_leaf": int(_log_uniform(rng, 1, 100)),
        }

    @staticmethod
    def fit(sample: Sample, settings: Mapping[str, Any], rounds: int, late: Sample | None = None) -> CatBoost:
        model = catboost.CatBoostClassifier(
            iterations=rounds,
            bootstrap_type="Bernoulli",
            cat_features=list(CATEGORIES),
            random_seed=7,
            thread_count=THREADS,
            allow_writing_files=False,
            logging_level="Silent",
            **settings,
        )
        judge = None if late is None else catboost.Pool(late.x, late.y, list(CATEGORIES), weight=late.weight)
        stop = {} if late is None else {"early_stopping_rounds": PATIENCE}
        model.fit(sample.x, sample.y, sample_weight=sample.weight, eval_set=judge, **stop)
        return CatBoost(model)

    @property
    def rounds(self) -> int:
        return int(self.model.tree_count_)

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict_proba(x)[:, 1])


@dataclass(frozen=True)
class XGBoost:
    """XGBoost, with the levels of categories that it was fitted on."""

    model: xgboost.Booster
    levels: Mapping[str, pd.Index]
    rounds: int
    name = "XGBoost"

    @staticmethod
    def drawn(rng: np.random.Generator) -> dict[str, Any]:
        return {
            "learning_rate": _log_uniform(rng, 0.02, 0.2),
            "max_depth": int(rng.integers(2, 9)),
            "min_child_weight": _log_uniform(rng, 1, 100),
            "subsample": float(rng.uniform(0.5, 1)),
            "colsample_bytree": float(rng.uniform(0.3, 1)),
            "lambda": _log_uniform(rng, 0.1, 100),
        }

    @staticmethod
    def fit(sample: Sample, settings: Mapping[str, Any], rounds: int, late: Sample | None = None) -> XGBoost:
        levels = {name: pd.Index(sorted(set(sample.x[name]))) for name in CATEGORIES}
        model = xgboost.train(
            {"objective": "binary:logistic", "nthread": THREADS, "seed": 7, "verbosity": 0, **settings},
            _matrix(sample, levels),
            num_boost_round=rounds,
            evals=[] if late is None else [(_matrix(late, levels), "late")],
            early_stopping_rounds=None if late is None else PATIENCE,
            verbose_eval=False,
        )
        return XGBoost(model, levels, rounds if late is None else model.best_iteration + 1)

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        nothing = np.zeros(len(x))
        matrix = _matrix(Sample(x, nothing, nothing + 1), self.levels)
        return np.asarray(self.model.predict(matrix, iteration_range=(0, self.rounds)), dtype=float)


def _matrix(sample: Sample, levels: Mapping[str, pd.Index]) -> xgboost.DMatrix:
    """Numbers, categories as their level's; a level that was not seen is missing."""
    x = sample.x.copy()
    for name, known in levels.items():
        code = known.get_indexer(x[name]).astype(float)
        x[name] = np.where(code >= 0, code, np.nan)
    kinds = ["c" if name in levels else "q" for name in x]
    return xgboost.DMatrix(
        x.to_numpy(float), sample.y, weight=sample.weight, feature_types=kinds, enable_categorical=True
    )


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on standardised numbers and a column a category's level."""

    model: Pipeline
    rounds: int = 0
    name = "logistic regression"

    @staticmethod
    def drawn(rng: np.random.Generator) -> dict[str, Any]:
        return {"C": _log_uniform(rng, 1e-4, 1)}

    @staticmethod
    def fit(  # one protocol for all peers; this one has no rounds to choose
        sample: Sample,
        settings: Mapping[str, Any],
        rounds: int,  # noqa: ARG004 (see above)
        late: Sample | None = None,  # noqa: ARG004 (see above)
    ) -> Logistic:
        numbers = [name for name in sample.x if name not in CATEGORIES]
        encoded = make_column_transformer(
            (make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=50), list(CATEGORIES)),
            sparse_threshold=0,
        )
        model = make_pipeline(encoded, LogisticRegression(solver="newton-cholesky", **settings))
        model.fit(sample.x, sample.y, logisticregression__sample_weight=sample.weight)
        return Logistic(model)

    def probability(self, x: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict_proba(x)[:, 1])


def versions() -> str:
    """What was run."""
    return f"CatBoost {catboost.__version__}, XGBoost {xgboost.__version__}"
