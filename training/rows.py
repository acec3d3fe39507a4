"""The training rows as models see them: numbers, outcomes as known at a date, groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crm.clock import DAY
from features.catalogue import catalogue
from features.dataset import SnapshotFeatures, TrainingSet
from features.labels import Labels

COLUMNS = ("x", "outcome", "days", "stalled", "as_of", "group", "deal", "stage")
"""What rows have one of each."""


@dataclass(frozen=True)
class Rows:
    """Snapshots with their outcome as known at some date; shape (n,) each, `x` (n, features) float32.

    :param outcome: 1 won, 0 lost, -1 still open (censored).
    :param days: days to the closing, or for how many days it is known to have stayed open.
    :param stalled: 1, 0 or NaN (not known yet).
    :param as_of: milliseconds.
    :param group: rows of one group stay on one side of any split.
    :param deal: row of opportunities; rows of one deal are not independent.
    :param stage: text or None.
    :param records: (features,) whether a feature is a record, of which a better one never speaks against a win;
        empty: none is.
    """

    x: np.ndarray
    names: tuple[str, ...]
    outcome: np.ndarray
    days: np.ndarray
    stalled: np.ndarray
    as_of: np.ndarray
    group: np.ndarray
    deal: np.ndarray
    stage: np.ndarray
    records: tuple[bool, ...] = ()

    def __len__(self) -> int:
        """How many rows."""
        return len(self.outcome)

    def where(self, keep: np.ndarray) -> Rows:
        """The rows that a boolean mask keeps."""
        return replace(self, **{name: getattr(self, name)[keep] for name in COLUMNS})


def all_rows(training: TrainingSet) -> Rows:
    """Every row of a training set, outcomes as known at its end."""
    known = SnapshotFeatures(training.snapshots, training.features, training.stage, training.ids)
    records = {feature.name for feature in catalogue(training.vocabulary).features if feature.record}
    rows = rows_of(known, training.labels, training.group)
    return replace(rows, records=tuple(name in records for name in rows.names))


def rows_of(known: SnapshotFeatures, labels: Labels, group: np.ndarray) -> Rows:
    """Snapshots with what was known then and what came of them; `group` (n,) as in :class:`Rows`."""
    return Rows(
        known.features.to_numpy(np.float32),
        tuple(known.features.columns),
        labels.outcome,
        labels.days,
        labels.stalled,
        known.snapshots.as_of,
        group,
        known.snapshots.deal,
        known.stage,
    )


def known_at(rows: Rows, cut: int, stall_days: int) -> Rows:
    """The rows at or before a date (milliseconds), with outcomes as they were known at that date.

    The stall label needs its whole horizon, so its last `stall_days` before the cut are not known: that is
    its embargo. Deals still open at the cut stay in as censored.
    """
    early = rows.where(rows.as_of <= cut)
    followed = (cut - early.as_of) / DAY
    closed = (early.outcome >= 0) & (early.days <= followed)
    return replace(
        early,
        outcome=np.where(closed, early.outcome, -1).astype(np.int8),
        days=np.minimum(early.days, followed),
        stalled=np.where(followed >= stall_days, early.stalled, np.nan),
    )
