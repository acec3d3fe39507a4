"""How much of what is planned for a period is won in it, and how far the pipeline covers the quota."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.clock import NEVER
from crm.periods import FiscalCalendar, Period
from crm.quotas import quotas_of
from features.families.company import CENTS
from features.histories import Histories
from features.pipeline import closings, standing, tally

OUTCOMES = ("won", "lost", "pushed")


def slippage(histories: Histories, calendar: FiscalCalendar, until: int, periods: int = 8) -> pd.DataFrame:
    """What became of the pipeline planned for each of the last full periods at its start, a row a period, level, key.

    Full periods lie between the first deal's creation and `until` (milliseconds), `periods` at most, the oldest first.
    Columns: `period` (its name), `period_start` and `period_end` (milliseconds, the end exclusive), `level`, `key` (of
    the owner at the start); `planned` (money) and `planned_deals`; the shares of them that in the period were won, lost
    or neither: `won`, `lost`, `pushed` of the money at the start, `won_deals`, `lost_deals`, `pushed_deals` of the
    deals. Shares are NaN where nothing was planned, and sum to 1 elsewhere. What is still open at the period's end is
    pushed, whether its close date has been moved or is overdue. Where past close dates are not known, all that was open
    at the start counts as planned.
    """
    parts = [_slipped(histories, period) for period in _full_periods(histories, calendar, until, periods)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)


_SHARES = [*OUTCOMES, *(f"{name}_deals" for name in OUTCOMES)]
_COLUMNS = ["period", "period_start", "period_end", "level", "key", "planned", "planned_deals", *_SHARES]


def _full_periods(histories: Histories, calendar: FiscalCalendar, until: int, most: int) -> list[Period]:
    if not len(histories):
        return []
    begun = int(histories.created.min())
    found: list[Period] = []
    period = calendar.preceding(calendar.period_at(until + 1))  # the last that has ended
    while len(found) < most and period.start >= begun:
        found.append(period)
        period = calendar.preceding(period)
    return found[::-1]


def _slipped(histories: Histories, period: Period) -> pd.DataFrame:
    start = standing(histories, period, period.start)
    ended = closings(histories, period, period.end - 1)
    closed = ended.at != NEVER
    became = {"won": closed & ended.won, "lost": closed & ~ended.won, "pushed": ~closed}
    sums = [tally(histories, start.owner, start.planned & became[name], start.cents) for name in OUTCOMES]
    parts = []
    for level in histories.hierarchy.levels:
        keys, totals = histories.hierarchy.total(level, np.stack(sums, axis=-1))
        planned = totals.sum(axis=-1)
        shares = _ratio(totals, planned[..., None]).reshape(len(keys), -1)
        said = {"period": period.name, "period_start": period.start, "period_end": period.end}
        said |= {"level": level, "key": keys, "planned": planned[:, 0] / CENTS, "planned_deals": planned[:, 1]}
        parts.append(pd.DataFrame({**said, **dict(zip(_SHARES, shares.T, strict=True))}))
    return pd.concat(parts, ignore_index=True)


def coverage(histories: Histories, period: Period, at: int) -> pd.DataFrame:
    """How often the period's open pipeline holds what is left of its quota, a row a level and key.

    Columns: `level`, `key`; `pipeline`, the period's open pipeline at an instant (milliseconds); `already_won`, what
    was won in the period by then and is not open again; `quota`; and `coverage` = pipeline ÷ (quota − already_won),
    NaN where there is no quota or nothing of it remains.
    """
    now, ended = standing(histories, period, at), closings(histories, period, at)
    won = ended.won & (ended.at >= period.start) & (ended.at < period.end)
    hierarchy = histories.hierarchy
    quotas = quotas_of(histories.tables, hierarchy, period)
    parts = []
    for level in hierarchy.levels:
        keys, pipeline = hierarchy.total(level, tally(histories, now.owner, now.planned, now.cents)[:, 0])
        _, already_won = hierarchy.total(level, tally(histories, ended.owner, won, ended.cents)[:, 0])
        covers = _ratio(pipeline, np.rint(quotas[level] * CENTS) - already_won)
        money = {"pipeline": pipeline / CENTS, "already_won": already_won / CENTS, "quota": quotas[level]}
        parts.append(pd.DataFrame({"level": level, "key": keys, **money, "coverage": covers}))
    return pd.concat(parts, ignore_index=True)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The part ÷ the whole, NaN where the whole is not above 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
