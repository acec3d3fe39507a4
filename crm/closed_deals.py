"""The deals that have closed, as witnesses: what a field holds on them today, and what it held while they were open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import NEVER, event_millis
from crm.history import episodes
from crm.predictive_power import FOLDS, Power, checksums, power
from crm.quality import ENOUGH_OF_EACH
from crm.tables import CrmTables
from crm.values import ValueHistory

MOST_CLOSED = 200_000
"""Evidence is taken from so many closed deals at most, drawn by the checksum of their ids."""


@dataclass(frozen=True)
class Values:
    """A value of each deal: numbers (NaN = none) or codes of texts (-1 = none); shape (deals,)."""

    number: np.ndarray
    texts: pd.Index | None

    @property
    def given(self) -> np.ndarray:
        """Whether each deal has a value."""
        return ~np.isnan(self.number) if self.texts is None else self.number >= 0


@dataclass(frozen=True)
class ClosedDeals:
    """Closed deals as tables of their own, each with its last span of being open; arrays are by row, times in ms.

    `in_all` is how many there are, of which these were drawn. `ended` is when the last span ended of all the
    company's deals, NEVER while one is open.
    """

    tables: CrmTables
    won: np.ndarray
    created: np.ndarray
    half_way: np.ndarray
    closed: np.ndarray
    fold: np.ndarray
    in_all: int
    ended: np.ndarray

    @property
    def enough(self) -> bool:
        """Whether there are enough of each outcome to say how well a value tells them apart."""
        return min(self.won.sum(), (~self.won).sum()) >= ENOUGH_OF_EACH

    def power(self, value: Values) -> Power | None:
        """How well a value alone tells won from lost; None where there are too few of either."""
        return power(value.number, self.won, self.fold, value.texts) if self.enough else None


def closed_deals(tables: CrmTables) -> ClosedDeals:
    """The deals that were open for a while and are closed; one entered when all was over tells nothing."""
    deals, spans = tables["opportunities"], episodes(tables)
    last = np.flatnonzero(np.diff(spans.deal, append=-1))
    ended = np.full(len(deals), NEVER)
    ended[spans.deal[last]] = spans.closed[last]
    chosen = last[(spans.closed[last] != NEVER) & (spans.opened[last] < spans.closed[last])]
    in_all = len(chosen)
    drawn = checksums(deals["opportunity_id"].iloc[spans.deal[chosen]])
    if in_all > MOST_CLOSED:
        kept = drawn <= np.partition(drawn, MOST_CLOSED - 1)[MOST_CLOSED - 1]
        chosen, drawn = chosen[kept], drawn[kept]
    rows, opened, closed = spans.deal[chosen], spans.opened[chosen], spans.closed[chosen]
    own = deals.iloc[rows].reset_index(drop=True)
    changes = tables["changes"]
    drawn_deal = np.zeros(len(deals) + 1, dtype=bool)  # the last is of deals that are not known
    drawn_deal[rows] = True
    theirs = changes[drawn_deal[tables.deal_of("changes")]].reset_index(drop=True)
    return ClosedDeals(
        tables=tables.with_frames(opportunities=own, changes=theirs).part_of(tables.facts),
        won=spans.won[chosen] == 1,
        created=event_millis(own["created_at"]),
        half_way=opened + (closed - opened) // 2,
        closed=closed,
        fold=drawn % FOLDS,
        in_all=in_all,
        ended=ended,
    )


def value_at(history: ValueHistory, at: np.ndarray) -> Values:
    """Each deal's value at an instant of its own (milliseconds); none before its first entry."""
    known = history.at <= at[history.deal]
    number = np.full(len(at), np.nan) if history.levels is None else np.full(len(at), -1, dtype=np.int64)
    number[history.deal[known]] = history.number[known]  # later entries of a deal overwrite earlier ones
    return Values(number, history.levels)


def share_differing(today: Values, then: Values) -> float | None:
    """The share of deals with another value then; both are values of one history, so of the same texts."""
    differ = (today.number != then.number) & (today.given | then.given)
    return float(differ.mean()) if len(differ) else None
