"""The nearest of a set of places, each that of a deal."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors


def nearest(asked: np.ndarray, own: np.ndarray, there: np.ndarray, deal: np.ndarray, count: int) -> np.ndarray:
    """For each place that is asked for, the `count` nearest of other deals, the nearest first.

    :param asked, there: (n, d) and (m, d) coordinates; without any, all are alike.
    :param own: (n,) the deals that ask. :param deal: (m,) the deals that are there, each once.
    Returns (n, count) row numbers of `there`; -1 where there are no more.
    """
    found = np.full((len(asked), count), -1, dtype=np.int64)
    if not len(asked) or not len(there):
        return found
    if not there.shape[1]:
        asked, there = np.zeros((len(asked), 1)), np.zeros((len(there), 1))
    search = NearestNeighbors(n_neighbors=min(count + 1, len(there)), algorithm="brute").fit(there)
    rows = search.kneighbors(asked, return_distance=False)
    others_first = np.argsort(deal[rows] == own[:, None], axis=1, kind="stable")
    rows = np.take_along_axis(np.where(deal[rows] == own[:, None], -1, rows), others_first, axis=1)[:, :count]
    found[:, : rows.shape[1]] = rows
    return found
