"""What the forecast counts: openings and wins in the order of time, with owners and amounts as they were then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.histories import Histories


@dataclass(frozen=True)
class Ledger:
    """Openings and wins, each sorted by time; a deal that is reopened has an opening more.

    :param opened, opened_owner: (m,) milliseconds, and who owned the deal then (a code of the hierarchy).
    :param won_at, won_opened, won_owner, won_amount: (n,) when a deal was won, as entered then, when that episode had
        been opened, who owned the deal until then, what it was won for (NaN = not known).
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

    def revenue(self, after: int, until: int, owners: int) -> np.ndarray:
        """Won in (after, until], by owner code, amounts that are not known as 0; shape (owners,)."""
        wins = self.wins(after, until)
        return np.bincount(self.won_owner[wins], np.nan_to_num(self.won_amount[wins]), minlength=owners)


def counts_deals(histories: Histories) -> bool:
    """Whether the company's deals have no amounts, so that deals are counted: each is worth 1."""
    return not histories.gives("opportunities", "amount")


def ledger(histories: Histories) -> Ledger:
    """The ledger of a company's tables."""
    spans = histories.episodes
    first = np.argsort(spans.opened, kind="stable")
    won = np.flatnonzero(spans.won_then == 1)
    won = won[np.argsort(spans.closed[won], kind="stable")]
    deal, at = spans.deal[won], spans.closed[won]
    return Ledger(
        spans.opened[first],
        histories.owner_before(spans.deal[first], spans.opened[first] + 1),
        at,
        spans.opened[won],
        histories.owner_before(deal, np.maximum(at, spans.opened[won] + 1)),
        np.ones(len(won)) if counts_deals(histories) else histories.value_before("amount", deal, at + 1),
    )
