"""Which (deal, as-of date) pairs are looked at: a grid while the deal is open, or one date for all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from features.engines import Snapshots
from features.histories import Histories


@dataclass(frozen=True)
class EpisodeSnapshots(Snapshots):
    """Snapshots of deals while open; `episode` is the row of `histories.episodes` they belong to."""

    episode: np.ndarray


def grid(histories: Histories, grid_days: int, until: int) -> EpisodeSnapshots:
    """Ends of days, `grid_days` apart, while a deal is open and not later than `until` (milliseconds).

    Each deal has its own phase (from its id), so that every weekday and every age occurs in the set.
    Sorted by deal and time.
    """
    spans = histories.episodes
    phase = _phases(histories, grid_days)[spans.deal]
    first_day = spans.opened // DAY
    first_day += (phase - first_day) % grid_days
    end = np.minimum(spans.closed, until + 1)
    # A snapshot stands at the last millisecond of its day, and must lie before the closing.
    last_day = (end - 1 - (DAY - 1)) // DAY
    counts = np.maximum((last_day - first_day) // grid_days + 1, 0)
    episode = np.repeat(np.arange(len(spans.deal)), counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    as_of = (first_day[episode] + step * grid_days) * DAY + DAY - 1
    return EpisodeSnapshots(spans.deal[episode], as_of, episode)


def open_deals(histories: Histories, as_of: int) -> EpisodeSnapshots:
    """One snapshot at `as_of` (milliseconds) of every deal that is open then."""
    spans = histories.episodes
    episode = np.flatnonzero((spans.opened <= as_of) & (spans.closed > as_of))
    return EpisodeSnapshots(spans.deal[episode], np.full(len(episode), as_of, dtype=np.int64), episode)


def _phases(histories: Histories, grid_days: int) -> np.ndarray:
    ids = histories.deals["opportunity_id"]
    return np.fromiter((zlib.crc32(i.encode()) % grid_days for i in ids), dtype=np.int64, count=len(ids))
