"""What came of deals after a date, read from tables as of a later one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY
from features.histories import Histories


@dataclass(frozen=True)
class Came:
    """What came of each deal; shape (n,) each.

    :param outcome: 1 won, 0 lost, -1 still open in the end; :param days: days from the date to the closing.
    :param stalled: 1 where it was open `stall_days` later without a forward move in between, else 0.
    :param stage: its stage at the date.
    """

    outcome: np.ndarray
    days: np.ndarray
    stalled: np.ndarray
    stage: np.ndarray


def outcomes(later: Histories, ids: pd.Series, then: int, stall_days: int) -> Came:
    """What came, by what `later` knows, of deals that were open at `then` (milliseconds)."""
    spans, deal = later.episodes, later.deal_rows(ids)
    episode = later.episode_at(deal, np.full(len(deal), then))
    history = later.values("stage")
    rank = pd.Series(later.tables["stages"]["position"].to_numpy(), index=later.tables["stages"]["stage"])
    horizon = then + stall_days * DAY
    stage = history.value_at(len(later), then)[deal]
    moves = pd.DataFrame({"deal": history.deal, "at": history.at, "rank": pd.Series(history.value).map(rank)})
    moves["before"] = moves.groupby("deal")["rank"].shift()
    forward = moves[(moves["rank"] > moves["before"]) & (moves["at"] > then) & (moves["at"] <= horizon)]
    stalled = (spans.closed[episode] > horizon) & ~np.isin(deal, forward["deal"])
    days = (spans.closed[episode] - then) / DAY
    return Came(spans.won[episode], days, stalled.astype(float), stage)
