"""The pipeline of a fiscal period: which deals the CRM held in it at an instant, for how much, and whose they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY, NEVER
from crm.periods import Period
from features.families.company import in_cents
from features.histories import Histories


@dataclass(frozen=True)
class Standing:
    """How each deal stood at an instant; shape (deals,) each.

    :param open: whether it was open.
    :param planned: whether it was in the period's pipeline.
    :param cents: its amount; 0 where not known.
    :param owner: its owner's code in the hierarchy.
    """

    open: np.ndarray
    planned: np.ndarray
    cents: np.ndarray
    owner: np.ndarray


@dataclass(frozen=True)
class Closings:
    """By which closing each deal came to be closed at an instant; shape (deals,) each.

    :param at: when it was closed, milliseconds; NEVER where it was not.
    :param won: whether it was won, as entered then.
    :param planned: whether it was in the period's pipeline until then.
    :param cents: its amount; one that was set in the same save as the closing is what it closed for.
    :param cents_before: its amount until then.
    :param owner: the code in the hierarchy of who owned it until then.
    """

    at: np.ndarray
    won: np.ndarray
    planned: np.ndarray
    cents: np.ndarray
    cents_before: np.ndarray
    owner: np.ndarray


def has_plans(histories: Histories) -> bool:
    """Whether past close dates are known; where they are not, every open deal is in the pipeline of every period."""
    return histories.is_known("close_date")


def standing(histories: Histories, period: Period, at: int) -> Standing:
    """How each deal stood at an instant, and which were in a period's pipeline.

    A deal is in it while it is open and its close date lies in the period; or before it, if the instant is one of the
    period: what is overdue is still to be won. An amount or owner that is not tracked is today's.
    """
    deal, then = np.arange(len(histories)), np.full(len(histories), at, dtype=np.int64)
    is_open = histories.episode_at(deal, then) >= 0
    return Standing(
        is_open,
        is_open & _is_planned(histories, period, deal, then, then + 1),
        in_cents(histories.value_before("amount", deal, then + 1)),
        histories.owner_before(deal, then + 1),
    )


def closings(histories: Histories, period: Period, until: int) -> Closings:
    """By which closing each deal came to be closed at an instant, and which were in a period's pipeline until then."""
    spans = histories.episodes
    begun = np.flatnonzero(spans.opened <= until)
    last = np.full(len(histories), -1)
    last[spans.deal[begun]] = begun  # later episodes of a deal overwrite earlier ones
    deal = np.flatnonzero(last >= 0)
    deal = deal[spans.closed[last[deal]] <= until]
    episode = last[deal]
    at = spans.closed[episode]
    # What was entered when all was over held at its creation what it held until then.
    before = np.maximum(at, spans.opened[episode] + 1)

    def of_all(values: np.ndarray, otherwise: int = 0) -> np.ndarray:
        everyone = np.full(len(histories), otherwise, dtype=values.dtype)
        everyone[deal] = values
        return everyone

    return Closings(
        of_all(at, NEVER),
        of_all(spans.won_then[episode] == 1),
        of_all(_is_planned(histories, period, deal, at, before)),
        of_all(in_cents(histories.value_before("amount", deal, at + 1))),
        of_all(in_cents(histories.value_before("amount", deal, before))),
        of_all(histories.owner_before(deal, before)),
    )


def tally(histories: Histories, owner: np.ndarray, among: np.ndarray, cents: np.ndarray) -> np.ndarray:
    """Money in cents and number of the deals that a mask marks, by owner code; shape (owners + 1, 2), int64."""
    sums = np.zeros((len(histories.hierarchy.owners) + 1, 2), dtype=np.int64)
    deals = np.flatnonzero(among)
    np.add.at(sums, owner[deals], np.column_stack([cents[deals], np.ones(len(deals), dtype=np.int64)]))
    return sums


def _is_planned(
    histories: Histories, period: Period, deal: np.ndarray, at: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Whether the close date held just before an instant puts open deals in the period's pipeline at `at`."""
    if not has_plans(histories):
        return np.ones(len(deal), dtype=bool)
    day = histories.value_before("close_date", deal, before) * DAY
    within = (at >= period.start) & (at < period.end)
    return (day < period.end) & (within | (day >= period.start))
