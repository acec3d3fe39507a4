"""The closed deals that were most like each open one when they stood in the same stage, and what became of them.

Alike is what the model takes for alike: the distance between two deals is that between the contributions of their
features to the log-odds of winning, summed by group. docs/decisions/0019 has what other distances are worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crm.clock import DAY, utc_day
from features.dataset import ScoringSet
from features.histories import Histories
from serving.closed_deals import ClosedDeals, places
from serving.names import names, or_none
from serving.neighbours import nearest
from serving.scoring import teller
from training.deal_model import DealModel

SHOWN = 5
OF_RECORD = 50
LEAST_OF_RECORD = 10
"""A record of fewer deals is not told."""


@dataclass(frozen=True)
class Like:
    """Of each open deal the nearest closed ones, and the record of the nearest fifty; n deals.

    :param here: (n, groups) where each open deal lies, as `closed.place`.
    :param rows: (n, 5) rows of `closed`, the nearest first; -1 where there are no more.
    :param won_of, of: (n,) how many of how many were won.
    """

    closed: ClosedDeals
    here: np.ndarray
    rows: np.ndarray
    won_of: np.ndarray
    of: np.ndarray


def like_deals(scoring: ScoringSet, model: DealModel, closed: ClosedDeals) -> Like:
    """The nearest closed deals of each open one: those of its stage, never the deal itself before it was reopened."""
    here = places(scoring.features, model, teller(scoring, model))
    found = np.full((len(here), OF_RECORD), -1, dtype=np.int64)
    own = scoring.snapshots.deal
    for rows, of_stage in closed.by_stage(scoring.stage):
        deal = closed.snapshots.deal[of_stage]
        near = nearest(here[rows], own[rows], closed.place[of_stage], deal, OF_RECORD)
        found[rows] = np.append(of_stage, -1)[near]
    there = found >= 0
    won = np.append(closed.won, 0)[found]
    return Like(closed, here, found[:, :SHOWN], (won * there).sum(axis=1), there.sum(axis=1))


def as_json(like: Like, scoring: ScoringSet) -> list[dict[str, Any]]:
    """Each open deal's like deals as plain data.

    `deals`: id, name, account, owner's id, whether it was won, the days from when it was like this one to its closing,
    the day of closing (UTC) and the amount then; owner and amount None where not known. `record`: how many of how many
    of the nearest were won, None where they are too few to tell.
    """
    told = dict(zip(*_told(like, scoring.prepared.histories), strict=True))
    return [
        {
            "record": {"won": int(won), "deals": int(of)} if of >= LEAST_OF_RECORD else None,
            "deals": [told[row] for row in rows if row >= 0],
        }
        for rows, won, of in zip(like.rows, like.won_of, like.of, strict=True)
    ]


def _told(like: Like, histories: Histories) -> tuple[list[int], list[dict[str, Any]]]:
    """The snapshots of closed deals that are shown, and what is told of each."""
    rows = np.unique(like.rows[like.rows >= 0])
    snapshots, closed = like.closed.snapshots, like.closed.closed[rows]
    deal = snapshots.deal[rows]
    facts = {
        "opportunity_id": histories.deals["opportunity_id"].to_numpy(object)[deal],
        **names(histories, deal),
        "owner_id": or_none(histories.deals["owner_id"].take(deal)),
        "won": like.closed.won[rows].astype(bool),
        "days": np.floor((closed - snapshots.as_of[rows]) / DAY).astype(int),
        "closed_on": [utc_day(at) for at in closed],
        "amount": [None if np.isnan(one) else float(one) for one in amounts_at(histories, deal, closed)],
        "currency": histories.deals["currency"].fillna("").to_numpy(object)[deal],
    }
    columns = [np.asarray(values, dtype=object).tolist() for values in facts.values()]
    return rows.tolist(), [dict(zip(facts, one, strict=True)) for one in zip(*columns, strict=True)]


def amounts_at(histories: Histories, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What deals were worth once they had closed at those instants: as tracked, else as it stands; NaN = not known."""
    if not histories.gives("opportunities", "amount"):
        return np.full(len(deal), np.nan)
    if histories.is_known("amount"):
        return histories.value_before("amount", deal, at + 1)
    return histories.deals["amount"].to_numpy(float, na_value=np.nan)[deal]
