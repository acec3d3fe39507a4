"""What became of deals like one that had something, and of deals like it that had not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from serving.closed_deals import ClosedDeals
from serving.neighbours import nearest

OF_EACH = 50
LEAST_OF_EACH = 20
SURE = 1.28
"""Standard errors by which both shares must differ: by chance alone as much in one of ten cases."""


@dataclass(frozen=True)
class Record:
    """Of like deals that had it, and of those that had not: how many there are, and of how many it came true."""

    with_it: tuple[int, int]
    without: tuple[int, int]

    @property
    def raises(self) -> bool:
        """Whether it came true more often of those that had it, of enough deals, beyond chance."""
        return self._differs > SURE

    @property
    def lowers(self) -> bool:
        """Whether it came true less often of those that had it, of enough deals, beyond chance."""
        return self._differs < -SURE

    @property
    def _differs(self) -> float:
        (had, came), (had_not, came_without) = self.with_it, self.without
        if min(had, had_not) < LEAST_OF_EACH:
            return 0.0
        share = (came + came_without) / (had + had_not)
        error = math.sqrt(max(share * (1 - share), 1e-9) * (1 / had + 1 / had_not))
        return (came / had - came_without / had_not) / error


@dataclass(frozen=True)
class Asked:
    """Open deals that ask for a record.

    :param here: (n, groups) where each lies, as `closed.place`.
    :param own: (n,) rows of opportunities.
    :param compared: (groups,) the groups of features in which deals are to be alike.
    """

    here: np.ndarray
    own: np.ndarray
    compared: np.ndarray


def records_of(
    asked: Asked, closed: ClosedDeals, had: np.ndarray, had_not: np.ndarray, came: np.ndarray
) -> list[Record]:
    """The record of each deal that asks.

    :param had, had_not: rows of `closed` that may be like them: those that had it, those that had not.
    :param came: (m,) of `closed`, 1 where it came true, 0 where not, NaN where not known; these are left out.
    """
    sides = [_of_nearest(asked, closed, rows[~np.isnan(came[rows])], came) for rows in (had, had_not)]
    return [Record(*both) for both in zip(*sides, strict=True)]


def _of_nearest(asked: Asked, closed: ClosedDeals, among: np.ndarray, came: np.ndarray) -> list[tuple[int, int]]:
    deal = closed.snapshots.deal[among]
    here, there = asked.here[:, asked.compared], closed.place[among][:, asked.compared]
    near = nearest(here, asked.own, there, deal, OF_EACH)
    true = np.append(came[among], 0.0)[near]
    return list(zip((near >= 0).sum(axis=1).tolist(), true.sum(axis=1).astype(int).tolist(), strict=True))
