"""The training rows as models see them: numbers, outcomes as known at a date, groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from features.dataset import SnapshotFeatures, TrainingSet
from features.labels import Labels


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

    def __len__(self) -> int:
        """How many rows."""
        return len(self.outcome)

    def where(self, keep: np.ndarray) -> Rows:
        """The rows that a boolean mask keeps."""
        return Rows(
            self.x[keep],
            self.names,
            *(getattr(self, name)[keep] for name in ("outcome", "days", "stalled", "as_of", "group", "deal", "stage")),
        )


def all_rows(training: TrainingSet) -> Rows:
    """Every row of a training set, outcomes as known at its end."""
    known = SnapshotFeatures(training.snapshots, training.features, training.stage, training.ids)
    return rows_of(known, training.labels, training.group)


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
    return Rows(
        early.x,
        early.names,
        np.where(closed, early.outcome, -1).astype(np.int8),
        np.minimum(early.days, followed),
        np.where(followed >= stall_days, early.stalled, np.nan),
        early.as_of,
        early.group,
        early.deal,
        early.stage,
    )
