"""What everyone is to bring in a period, at every level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from crm.hierarchy import COMPANY, Hierarchy
from crm.periods import Period
from crm.tables import CrmTables

LONGEST = 1.5
"""Quotas that lie so many times a period's length apart, or further, are of longer periods: of periods of one kind the
longest is a quarter longer than the shortest, the next longer kind at least twice as long."""


def quotas_of(tables: CrmTables, hierarchy: Hierarchy, period: Period) -> dict[str, np.ndarray]:
    """The quota of each of a level's keys for one period; shape (keys,) a level, NaN where there is none.

    A user's quota is the sum of their rows that begin in the period: monthly quotas add up to a quarter. Rows that lie
    further apart than the period is long are of longer periods: which part of them falls on this one nobody has said,
    so there is none. How far apart they lie is the least gap between a user's rows, as one that was left out makes no
    other longer; a user's only row is taken as one of this period.

    An owner has their own quota. Above, quotas are summed, each counted once: that of a user below whom anybody has
    one is taken as what those are to bring together, and is not added to theirs. So a manager's quota is that of the
    owners who report to them, or where none of these has one, the manager's own. That of a user who owns no deal counts
    for their region where the table of users gives it, and for the company.
    """
    own = _of_users(tables["quotas"], period)
    counted = sorted(set(own) - _totals(hierarchy.managers, own))
    code = {str(owner): place for place, owner in enumerate(hierarchy.owners)}
    made = {}
    for level, keys in hierarchy.keys.items():
        brings: dict[str | None, float] = {}
        for user in own if level == "owner" else counted:
            key = {"company": COMPANY, "region": hierarchy.regions.get(user)}.get(level, user)
            if user in code and not (level == "manager" and user in keys):
                key = hierarchy.key_of(level, code[user])
            brings[key] = brings.get(key, 0.0) + own[user]
        made[level] = np.array([brings.get(key, np.nan) for key in keys])
    return made


def _of_users(quotas: pd.DataFrame, period: Period) -> dict[str, float]:
    """What each user who has a quota for the period is to bring in it."""
    rows = quotas.dropna(subset=["user_id", "period_start", "amount"]).sort_values(["user_id", "period_start"])
    begins = rows["period_start"].to_numpy("datetime64[ms]").astype(np.int64)
    user = rows["user_id"]
    gap = pd.Series(begins, index=rows.index).groupby(user).diff()
    least = gap[gap > 0].groupby(user).min().reindex(user).to_numpy(float)
    fits = ~(least >= LONGEST * (period.end - period.start))
    applies = fits & (begins >= period.start) & (begins < period.end)
    return {str(one): float(amount) for one, amount in rows[applies].groupby("user_id")["amount"].sum().items()}


def _totals(managers: Mapping[str, str], holders: Iterable[str]) -> set[str]:
    """Who stands above one of the holders of a quota; where two stand above each other neither does."""
    return {
        above
        for holder in holders
        for above in _chain(managers, holder)
        if above != holder and holder not in _chain(managers, above)
    }


def _chain(managers: Mapping[str, str], user: str) -> Iterator[str]:
    """A user's manager, that one's manager, and so on."""
    seen: set[str] = set()
    above = managers.get(user)
    while above is not None and above not in seen:
        yield above
        seen.add(above)
        above = managers.get(above)
