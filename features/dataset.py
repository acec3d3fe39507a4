"""Snapshots × features (+ labels): the training set and the scoring set."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crm.clock import instants
from features.catalogue import catalogue
from features.engines import Kernel, Prepared, compute, key_questions, prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.labels import Labels, label
from features.questions import streams_of
from features.settings import TimeSettings
from features.snapshots import EpisodeSnapshots, grid, open_deals
from features.vocabulary import learn


@dataclass(frozen=True)
class TrainingSet:
    """Rows of (deal, as-of date) while open, what was known then, and what came of it.

    :param features: float32, one column a feature, one row a snapshot.
    :param group: rows of one group (an account, else a deal) must never stand on both sides of a split.
    :param stage: the stage's text at the snapshot (None where not known).
    :param kinds: what kind of deal it was then, by field: its owner, type, region and the like.
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
    kinds: Mapping[str, pd.Categorical[str]] = field(default_factory=dict)

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
        kinds=kinds_at(prepared, rows.snapshots, vocabulary),
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


def kinds_at(prepared: Prepared, snapshots: EpisodeSnapshots, vocabulary: Vocabulary) -> dict[str, pd.Categorical[str]]:
    """Owner and segments of each snapshot as known then, by field; shape (n,) each. Owners go by their names."""
    histories, kernel = prepared.histories, Kernel(prepared, snapshots)
    found = {}
    for entity in ("owner", *vocabulary.segments):
        if all(streams_of(question) <= prepared.streams.keys() for question in key_questions(entity)):
            levels = histories.entity_levels(entity)
            shown = _names_of(levels, histories.owner_names) if entity == "owner" else levels
            found[entity] = pd.Categorical.from_codes(kernel.key(entity), categories=shown)
    return found


def _names_of(ids: pd.Index, names: Mapping[str, str]) -> pd.Index:
    """People's names; with their id where two are called the same, and the id alone where there is no name."""
    called = pd.Series([names.get(one, one) for one in ids], index=ids, dtype="str")
    return pd.Index(called.where(~called.duplicated(keep=False), called + " (" + ids.to_series() + ")"))


def groups(histories: Histories) -> np.ndarray:
    """A number for each deal's account, or for the deal where it has none; the same in every run."""
    deals = histories.deals
    name = ("account " + deals["account_id"]).fillna("deal " + deals["opportunity_id"])
    return np.fromiter((zlib.crc32(text.encode()) for text in name), dtype=np.int64, count=len(deals))
