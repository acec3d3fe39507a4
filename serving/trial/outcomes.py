"""What came of the deals of a trial, each followed equally long from the day on which it came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY, as_of_millis
from features.catalogue import Catalogue
from features.engines import prepare
from features.families import stage
from features.feature import Vocabulary
from features.histories import Histories
from features.labels import label
from features.settings import TimeSettings
from features.snapshots import EpisodeSnapshots
from training.forecast.ledger import counts_deals


@dataclass(frozen=True)
class Outcomes:
    """What came of each deal by the end of the data; shape (n,) each.

    :param won: 1 won within the days followed, 0 not; NaN where it was not followed so long.
    :param revenue: what those wins were won for, 0 of other deals; NaN where not followed, or where deals have no
        amounts.
    :param stalled: 1 no move forward within the stall days and still open after them; NaN where not known.
    :param ended: 1 won, 0 lost, -1 open at the end of the data.
    :param gone: the deal is no longer in the tables; it counts as not won.
    :param closed_before: the tables now say that it had been closed when it came in; nothing is asked of it.
    """

    won: np.ndarray
    revenue: np.ndarray
    stalled: np.ndarray
    ended: np.ndarray
    gone: np.ndarray
    closed_before: np.ndarray


def outcomes(assigned: pd.DataFrame, histories: Histories, time: TimeSettings, until: int) -> Outcomes:
    """What came of assigned deals (columns of TRIAL) by `until` (milliseconds)."""
    days = assigned["follow_days"].to_numpy(np.int64)
    at = came_in(assigned)
    rows = histories.deal_rows(assigned["opportunity_id"].astype("str"))
    gone = rows < 0
    episode = np.full(len(rows), -1)
    episode[~gone] = histories.episode_at(rows[~gone], at[~gone])
    closed_before = ~gone & (episode < 0)
    asked = np.flatnonzero(episode >= 0)
    prepared = prepare(histories, Catalogue((stage.declare(Vocabulary()),)), time.calendar)
    snapshots = EpisodeSnapshots(rows[asked], at[asked], episode[asked])
    labels = label(prepared, snapshots, time.stall_days, until)
    ended = np.full(len(rows), -1, dtype=np.int8)
    ended[asked] = labels.outcome
    stalled = np.full(len(rows), np.nan)
    stalled[asked] = labels.stalled
    won = np.zeros(len(rows))
    won[asked] = (labels.outcome == 1) & (labels.days <= days[asked])
    revenue = won * np.nan if counts_deals(histories) else won * _won_for(histories, rows, episode, won == 1)
    not_known = closed_before | (at + days * DAY > until)
    return Outcomes(
        np.where(not_known, np.nan, won), np.where(not_known, np.nan, revenue), stalled, ended, gone, closed_before
    )


def came_in(assigned: pd.DataFrame) -> np.ndarray:
    """When each deal came into its trial, milliseconds; shape (n,)."""
    moments = pd.to_datetime(assigned["as_of"], utc=True)
    return np.array([as_of_millis(moment) for moment in moments], dtype=np.int64)


def _won_for(histories: Histories, rows: np.ndarray, episode: np.ndarray, won: np.ndarray) -> np.ndarray:
    """What each won deal was won for, nothing where that is not known; 0 of the others."""
    amount = np.zeros(len(rows))
    closed = histories.episodes.closed[episode[won]]
    amount[won] = np.nan_to_num(histories.value_before("amount", rows[won], closed + 1))
    return amount
