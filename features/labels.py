"""What came of a deal: the only code that looks past the as-of date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from features.engines import Prepared
from features.histories import Histories
from features.snapshots import EpisodeSnapshots
from features.stream import Stream


@dataclass(frozen=True)
class Labels:
    """What had become of each snapshot by the end of the data; shape (n,) each.

    :param outcome: 1 won, 0 lost, -1 still open at the end of the data (censored).
    :param days: days from the snapshot to the closing, or to the end of the data while open.
    :param stalled: 1 stalled, 0 not, NaN where the horizon reaches past the end of the data or where no
        stage history tells.
    :param amount_ratio: amount at the win ÷ amount known at the snapshot; NaN where not won or not known.
    """

    outcome: np.ndarray
    days: np.ndarray
    stalled: np.ndarray
    amount_ratio: np.ndarray


def label(prepared: Prepared, snapshots: EpisodeSnapshots, stall_days: int, until: int) -> Labels:
    """Labels of snapshots as known at `until` (milliseconds), the end of the data."""
    histories = prepared.histories
    spans = histories.episodes
    closed = spans.closed[snapshots.episode]
    known = closed <= until
    return Labels(
        outcome=np.where(known, spans.won[snapshots.episode], -1).astype(np.int8),
        days=(np.minimum(closed, until) - snapshots.as_of) / DAY,
        stalled=_stalled(prepared.streams.get("stages"), snapshots, closed, stall_days, until),
        amount_ratio=_amount_ratio(histories, snapshots, closed, until),
    )


def _stalled(
    stages: Stream | None, snapshots: EpisodeSnapshots, closed: np.ndarray, stall_days: int, until: int
) -> np.ndarray:
    if stages is None:
        return np.full(len(snapshots), np.nan)
    horizon = snapshots.as_of + stall_days * DAY
    moved_later = stages.count(stages.known(snapshots.deal, horizon), "forward")
    moved_by_now = stages.count(stages.known(snapshots.deal, snapshots.as_of), "forward")
    stalled = (closed > horizon) & (moved_later == moved_by_now)
    return np.where(horizon <= until, stalled.astype(float), np.nan)


def _amount_ratio(histories: Histories, snapshots: EpisodeSnapshots, closed: np.ndarray, until: int) -> np.ndarray:
    ratio = np.full(len(snapshots), np.nan)
    if not histories.is_known("amount"):
        return ratio
    won = (histories.episodes.won[snapshots.episode] == 1) & (closed <= until)
    now = histories.value_before("amount", snapshots.deal, snapshots.as_of + 1)
    # An amount that was set in the same save as the win is what it was won for.
    final = histories.value_before("amount", snapshots.deal[won], closed[won] + 1)
    np.divide(final, now[won], out=final, where=now[won] > 0)
    ratio[won] = np.where(now[won] > 0, final, np.nan)
    return ratio
