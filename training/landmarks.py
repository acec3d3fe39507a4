"""Closed deals at one common time in a stage, one snapshot each, so that deals that merely lived longer look no better.

A landmark analysis (Anderson, Cain & Gelber 1983): what a deal had done by the landmark is compared among the deals
that were in the stage then; deals that had left it before are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.rows import Rows

DAYS_IN_STAGE = "days_in_stage"
"""The feature that tells how long a deal has been in its stage."""


@dataclass(frozen=True)
class Landmark:
    """One stage's landmark.

    :param rows: each deal's first row from the landmark on; (deals,) places among the rows.
    :param from_day: the median stay in the stage, whole days; None where it is not known when deals entered it.
    :param day: the median day in the stage of these rows, as snapshots are some days apart; None as above.
    """

    rows: np.ndarray
    from_day: int | None
    day: int | None


def landmarks(rows: Rows) -> dict[str, Landmark]:
    """The landmark of each stage, of the deals that have closed."""
    days = days_in_stage(rows)
    found = {}
    for stage in sorted({one for one in rows.stage if one is not None}):
        here = _in_order(rows, (rows.stage == stage) & (rows.outcome >= 0))
        from_day = None if days is None or not len(here) else int(np.median(_stays(rows.deal[here], days[here])))
        found[stage] = at_landmark(rows, stage, from_day)
    return found


def at_landmark(rows: Rows, stage: str, from_day: int | None) -> Landmark:
    """The closed deals that were in a stage on a day of their stay there, or later."""
    days, inside = days_in_stage(rows), (rows.stage == stage) & (rows.outcome >= 0)
    if days is None or from_day is None:
        return Landmark(_firsts(rows, _in_order(rows, inside)), None, None)
    first = _firsts(rows, _in_order(rows, inside & (days >= from_day)))
    return Landmark(first, from_day, int(np.median(days[first])) if len(first) else from_day)


def days_in_stage(rows: Rows) -> np.ndarray | None:
    """For how many days each row's deal has been in its stage; None where that is not known. Shape (n,)."""
    return rows.x[:, rows.names.index(DAYS_IN_STAGE)].astype(float) if DAYS_IN_STAGE in rows.names else None


def _firsts(rows: Rows, here: np.ndarray) -> np.ndarray:
    """The first of each deal's places, these standing by deal and time."""
    return here[np.unique(rows.deal[here], return_index=True)[1]]


def _in_order(rows: Rows, inside: np.ndarray) -> np.ndarray:
    """The places of some rows by deal and time."""
    here = np.flatnonzero(inside)
    return here[np.lexsort((rows.as_of[here], rows.deal[here]))]


def _stays(deal: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The days of each stay as last seen; rows by deal and time. A stay begins where the days begin anew."""
    first = np.flatnonzero((np.diff(deal, prepend=-1) != 0) | (np.diff(days, prepend=0) < 0))
    return np.maximum.reduceat(days, first)
