"""Snapshots × features (+ labels): the training set and the scoring set."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import instants
from features.catalogue import catalogue
from features.engines import Prepared, compute, prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.labels import Labels, label
from features.settings import TimeSettings
from features.snapshots import EpisodeSnapshots, grid, open_deals
from features.vocabulary import learn


@dataclass(frozen=True)
class TrainingSet:
    """Rows of (deal, as-of date) while open, what was known then, and what came of it.

    :param features: float32, one column a feature, one row a snapshot.
    :param group: rows of one group (an account, else a deal) must never stand on both sides of a split.
    :param stage: the stage's text at the snapshot (None where not known).
    :param absent: feature name → why it could not be had.
    :param until: the end of the data, milliseconds.
    """

    snapshots: EpisodeSnapshots
    features: pd.DataFrame
    labels: Labels
    group: np.ndarray
    stage: np.ndarray
    ids: np.ndarray
    absent: dict[str, str]
    vocabulary: Vocabulary
    time: TimeSettings
    until: int

    def frame(self) -> pd.DataFrame:
        """Everything in one table, as written to Parquet."""
        keys = pd.DataFrame(
            {
                "opportunity_id": self.ids,
                "as_of": instants(self.snapshots.as_of),
                "outcome": self.labels.outcome,
                "days": self.labels.days,
                "stalled": self.labels.stalled,
                "amount_ratio": self.labels.amount_ratio,
            }
        )
        return pd.concat([keys, self.features], axis=1)


@dataclass(frozen=True)
class SnapshotFeatures:
    """Snapshots of deals while open, and what was known of them; `features` has a float32 column a feature."""

    snapshots: EpisodeSnapshots
    features: pd.DataFrame
    stage: np.ndarray
    ids: np.ndarray


def rows_at(prepared: Prepared, snapshots: EpisodeSnapshots, names: tuple[str, ...]) -> SnapshotFeatures:
    """The named features of the snapshots."""
    return SnapshotFeatures(
        snapshots=snapshots,
        features=compute(prepared, snapshots, names),
        stage=stage_at(prepared, snapshots),
        ids=prepared.histories.deals["opportunity_id"].to_numpy(object)[snapshots.deal],
    )


def training_set(histories: Histories, time: TimeSettings, until: int) -> TrainingSet:
    """All snapshots on the grid up to `until` (milliseconds), their features and labels as known then."""
    vocabulary = learn(histories, time.calendar)
    prepared = prepare(histories, catalogue(vocabulary), time.calendar)
    reasons = {f.name: prepared.why_absent(f) for f in prepared.catalogue.features}
    rows = rows_at(prepared, grid(histories, time.grid_days, until), prepared.known_features)
    # A feature that is never known, or always the same, asks nothing of a deal.
    varied = [name for name in rows.features if rows.features[name].nunique(dropna=False) > 1]
    return TrainingSet(
        snapshots=rows.snapshots,
        features=rows.features[varied],
        labels=label(prepared, rows.snapshots, time.stall_days, until),
        group=groups(histories)[rows.snapshots.deal],
        stage=rows.stage,
        ids=rows.ids,
        absent={name: why for name, why in reasons.items() if why is not None},
        vocabulary=vocabulary,
        time=time,
        until=until,
    )


@dataclass(frozen=True)
class ScoringSet:
    """Every deal that is open at one date, and what is known of it."""

    snapshots: EpisodeSnapshots
    features: pd.DataFrame
    stage: np.ndarray
    prepared: Prepared
    as_of: int


def scoring_set(histories: Histories, vocabulary: Vocabulary, names: tuple[str, ...], as_of: int) -> ScoringSet:
    """The named features of the deals open at `as_of` (milliseconds)."""
    prepared = prepare(histories, catalogue(vocabulary), vocabulary.calendar)
    snapshots = open_deals(histories, as_of)
    features = compute(prepared, snapshots, names)
    return ScoringSet(snapshots, features, stage_at(prepared, snapshots), prepared, as_of)


def stage_at(prepared: Prepared, snapshots: EpisodeSnapshots) -> np.ndarray:
    """The stage of each snapshot as text; None where it is not known. Shape (n,), object."""
    if "stages" not in prepared.streams:
        return np.full(len(snapshots), None, dtype=object)
    stream = prepared.streams["stages"]
    code = stream.last(stream.known(snapshots.deal, snapshots.as_of), "code")
    names = np.array([*prepared.histories.coded("stage").levels, None], dtype=object)
    return names[np.nan_to_num(code, nan=-1).astype(np.int64)]


def groups(histories: Histories) -> np.ndarray:
    """A number for each deal's account, or for the deal where it has none; the same in every run."""
    deals = histories.deals
    name = ("account " + deals["account_id"]).fillna("deal " + deals["opportunity_id"])
    return np.fromiter((zlib.crc32(text.encode()) for text in name), dtype=np.int64, count=len(deals))
