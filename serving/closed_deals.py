"""Closed deals as they stood while they were open: what open deals are held beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY
from features.dataset import ScoringSet, stage_at
from features.engines import compute
from features.labels import label
from features.snapshots import EpisodeSnapshots, grid
from serving.scoring import teller
from serving.tell import Tell
from training.deal_model import DealModel

LOOK_BACK_DAYS = 730
MOST_CLOSED = 5_000
"""Deals of one stage, those that closed last."""


@dataclass(frozen=True)
class ClosedDeals:
    """Snapshots of closed deals, one of each deal in each stage, and what came of them; shape (m,) each.

    :param features: one row a snapshot, in the model's columns.
    :param place: (m, groups) contributions to the log-odds of winning, summed by group of features.
    :param won: 1 won, 0 lost. :param stalled: 1, 0 or NaN (not known).
    :param closed: milliseconds.
    """

    snapshots: EpisodeSnapshots
    features: pd.DataFrame
    stage: np.ndarray
    place: np.ndarray
    won: np.ndarray
    stalled: np.ndarray
    closed: np.ndarray
    groups: tuple[str, ...]

    def __len__(self) -> int:
        """How many snapshots."""
        return len(self.won)

    def in_stage(self, stage: str | None) -> np.ndarray:
        """Which snapshots stand in a stage (None: where it is not known); shape (m,), bool."""
        own = pd.Series(self.stage, dtype=object)
        return (own.isna() if stage is None else own == stage).to_numpy(bool)

    def by_stage(self, stage: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each of the stages that stand there: which rows stand in it, and which snapshots do."""
        here = pd.Series(stage, dtype=object)
        for found in here.groupby(here, dropna=False).indices.values():
            rows = np.asarray(found)
            yield rows, np.flatnonzero(self.in_stage(stage[rows[0]]))


def closed_deals(scoring: ScoringSet, model: DealModel) -> ClosedDeals:
    """Deals that closed in the two years before the date of scoring, as they stood in each of their stages.

    A deal stands for itself by the snapshot in the middle of its stay in the stage; one that was reopened by those of
    its last life, and one that is open again by none. Nothing is there of a deal that had never stood in a stage at
    any snapshot.
    """
    prepared, as_of = scoring.prepared, scoring.as_of
    spans = prepared.histories.episodes
    every = grid(prepared.histories, model.time.grid_days, as_of)
    closed = spans.closed[every.episode]
    lately = (closed <= as_of) & (closed > as_of - LOOK_BACK_DAYS * DAY)
    begun = np.flatnonzero(spans.opened <= as_of)
    last = np.zeros(len(prepared.histories), dtype=np.int64)
    last[spans.deal[begun]] = begun  # lives come in their order
    stage = stage_at(prepared, every)
    rows = np.flatnonzero(lately & (every.episode == last[every.deal]))
    rows = rows[_chosen(_of(every, rows), stage[rows], closed[rows])]
    snapshots = _of(every, rows)
    features = compute(prepared, snapshots, model.names)
    labels = label(prepared, snapshots, model.time.stall_days, as_of)
    tell = teller(scoring, model)
    return ClosedDeals(
        snapshots,
        features,
        stage[rows],
        places(features, model, tell),
        (labels.outcome == 1).astype(int),
        labels.stalled,
        closed[rows],
        tell.groups,
    )


def _of(snapshots: EpisodeSnapshots, rows: np.ndarray) -> EpisodeSnapshots:
    return EpisodeSnapshots(snapshots.deal[rows], snapshots.as_of[rows], snapshots.episode[rows])


def places(features: pd.DataFrame, model: DealModel, tell: Tell) -> np.ndarray:
    """Where snapshots lie in the model's eyes: contributions to log-odds by `tell.groups`, (n, groups) float32."""
    if not len(features):
        return np.zeros((0, len(tell.groups)), np.float32)
    return tell.summed(model.boosters.win.contributions(model.matrix(features))[:, :-1]).astype(np.float32)


def _chosen(snapshots: EpisodeSnapshots, stage: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Of each deal in each stage the middle snapshot of its last episode; of each stage the deals that closed last.

    The snapshots come in the order of deals, episodes and time. Shape (k,), places in ascending order.
    """
    code, _ = pd.factorize(pd.Series(stage, dtype=object), use_na_sentinel=False)
    rows = pd.DataFrame({"deal": snapshots.deal, "episode": snapshots.episode, "stage": code, "closed": closed})
    stay = rows.groupby(["episode", "stage"], sort=False)
    middle = rows[stay.cumcount() == stay["closed"].transform("size") // 2]
    last = middle.drop_duplicates(["deal", "stage"], keep="last").sort_values("closed", kind="stable")
    return np.sort(last.groupby("stage").tail(MOST_CLOSED).index.to_numpy())
