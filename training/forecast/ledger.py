"""What the forecast counts: openings and wins in the order of time, with owners and amounts as they were then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.coding import codes_in
from features.histories import Histories


@dataclass(frozen=True)
class Ledger:
    """Openings and wins, each sorted by time; a deal that is reopened has an opening more.

    :param opened, opened_owner: (m,) milliseconds, and who owned the deal then (a code, -1 = nobody).
    :param won_at, won_opened, won_owner, won_amount: (n,) when won and when that episode had been opened, who owned the
        deal at the win, what it was won for (NaN = not known).
    """

    opened: np.ndarray
    opened_owner: np.ndarray
    won_at: np.ndarray
    won_opened: np.ndarray
    won_owner: np.ndarray
    won_amount: np.ndarray

    def known_by(self, at: int) -> Ledger:
        """What had happened by an instant."""
        openings, wins = np.searchsorted(self.opened, at, "right"), np.searchsorted(self.won_at, at, "right")
        return Ledger(
            self.opened[:openings],
            self.opened_owner[:openings],
            self.won_at[:wins],
            self.won_opened[:wins],
            self.won_owner[:wins],
            self.won_amount[:wins],
        )

    def openings(self, after: int, until: int) -> slice:
        """Places of the openings in (after, until]."""
        return slice(*np.searchsorted(self.opened, [after, until], "right"))

    def wins(self, after: int, until: int) -> slice:
        """Places of the wins in (after, until]."""
        return slice(*np.searchsorted(self.won_at, [after, until], "right"))


def amount_at(histories: Histories, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What each deal was worth at an instant, changes of that instant among it; NaN = not known. Shape (n,).

    Where amounts have no history, today's.
    """
    if histories.is_known("amount"):
        return histories.value_before("amount", deal, at + 1)
    return histories.deals["amount"].to_numpy(float, na_value=np.nan)[deal]


def owner_at(histories: Histories, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The code of each deal's owner at an instant, -1 = nobody; where owners have no history, today's. Shape (n,)."""
    if histories.is_known("owner_id"):
        return histories.code_before("owner_id", deal, at + 1)
    return codes_in(histories.deals["owner_id"], histories.entity_levels("owner"))[deal]


def ledger(histories: Histories) -> Ledger:
    """The ledger of a company's tables."""
    spans = histories.episodes
    first = np.argsort(spans.opened, kind="stable")
    won = np.flatnonzero(spans.won == 1)
    won = won[np.argsort(spans.closed[won], kind="stable")]
    deal, at = spans.deal[won], spans.closed[won]
    return Ledger(
        spans.opened[first],
        owner_at(histories, spans.deal[first], spans.opened[first]),
        at,
        spans.opened[won],
        owner_at(histories, deal, at),
        amount_at(histories, deal, at),
    )
