"""What an action is: a declaration of what it would add to a deal's history, and for which deals it makes sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY, instants
from features.histories import Histories

Rows = Mapping[str, Mapping[str, Any]]
"""By table, one row a deal: a value for all, or an array of one a deal, by column."""


@dataclass(frozen=True)
class Action:
    """One thing that could be done.

    Sentences are made of its words: "{fact} {change}, the model would say …. Of 50 deals like it {had} …, of 50
    {had_not} …". They may name {before} and {after}, what `told` makes of a state.

    :param name: unique among all actions.
    :param topic: actions of one topic are never advised together.
    :param asks: the features that tell whether it was done; without one of them it is not offered.
    :param state: of each row of features, how far it has come as to this action; shape (n,), whole numbers. Like deals
        that had it are those as far as the deal would be or further, those that had not are no further than it is.
    :param open_to: for which deals it can be done and has not been; shape (n,), bool.
    :param adds: the rows that it would add to the tables of those deals.
    :param told: a state in words.
    """

    name: str
    topic: str
    asks: tuple[str, ...]
    state: Callable[[pd.DataFrame], np.ndarray]
    open_to: Callable[[OpenDeals], np.ndarray]
    adds: Callable[[OpenDeals], Rows]
    brief: str
    fact: str
    change: str
    had: str
    had_not: str
    told: Callable[[int], str] = str


@dataclass(frozen=True)
class OpenDeals:
    """Open deals that something might be done about; shape (n,) each.

    :param deal: rows of opportunities.
    :param features: one row a deal.
    :param expected: the days (since 1970) on which the model expects them to close if they are won; NaN = not known.
    :param contact: the buyer's person whom each was last in touch with, :param seller: who last logged an activity on
        it, else its owner; objects, None = nobody.
    """

    histories: Histories
    deal: np.ndarray
    as_of: int
    features: pd.DataFrame
    expected: np.ndarray
    contact: np.ndarray
    seller: np.ndarray

    def __len__(self) -> int:
        """How many."""
        return len(self.deal)

    def take(self, rows: np.ndarray) -> OpenDeals:
        """Some of the deals; one may be taken often."""
        columns = (getattr(self, name)[rows] for name in ("expected", "contact", "seller"))
        features = self.features.take(rows).reset_index(drop=True)
        return OpenDeals(self.histories, self.deal[rows], self.as_of, features, *columns)

    def feature(self, name: str) -> np.ndarray:
        """A feature's values, NaN = not known."""
        return self.features[name].to_numpy(float)

    def now(self, field: str) -> np.ndarray:
        """What the deals' rows say of a field at the date; objects, None = nothing."""
        return _objects(self.histories.deals[field].take(self.deal))

    def instant(self, days_ahead: float = 0.0) -> pd.Timestamp:
        """The date itself, or so many days later."""
        return instants(np.array([self.as_of + round(days_ahead * DAY)]))[0]


def open_deals(
    histories: Histories, deal: np.ndarray, as_of: int, features: pd.DataFrame, expected: np.ndarray
) -> OpenDeals:
    """The deals with whoever takes part in them."""
    seller = _last_named(histories, deal, as_of, "owner_id")
    owner = _objects(histories.deals["owner_id"].take(deal))
    return OpenDeals(
        histories,
        deal,
        as_of,
        features,
        expected,
        contact=_last_named(histories, deal, as_of, "contact_id"),
        seller=np.where(pd.isna(seller), owner, seller),
    )


def _last_named(histories: Histories, deal: np.ndarray, as_of: int, column: str) -> np.ndarray:
    """Whom each deal's last activity names in the column, of those that name somebody; objects, None = nobody."""
    named = histories.tables["activities"][column]
    rows, whose, at = histories.activities_in_order(named.notna().to_numpy())
    known = at <= as_of
    last = np.full(len(histories), -1)
    last[whose[known]] = rows[known]  # a later one overwrites an earlier one
    found = np.full(len(deal), None, dtype=object)
    some = last[deal] >= 0
    found[some] = named.take(last[deal][some]).to_numpy(object)
    return found


def _objects(values: pd.Series) -> np.ndarray:
    values = values.astype(object)
    return values.where(values.notna(), None).to_numpy()


def some(feature: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """The state of a feature that counts: 1 where there is any, else 0."""
    return lambda features: (features[feature].to_numpy(float) > 0).astype(int)


def none_of(feature: str) -> Callable[[OpenDeals], np.ndarray]:
    """Whether a feature that counts is known to be 0."""
    return lambda deals: deals.feature(feature) == 0
