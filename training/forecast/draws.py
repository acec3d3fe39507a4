"""What a period may bring, drawn many times: deal by deal, with shocks that deals share.

Each draw decides of every open deal whether it is won, in which window and for how much, and how many deals that do
not exist yet are won. A shock of the company and one of each owner move the odds of all their deals at once, so that
deals are not independent. Draws are summed by owner; every level above adds up what its owners have in the same draw.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.special import expit, logit

from training.models.amount import LEVELS

BLOCK_CELLS = 4_000_000
"""Deals × draws that are worked off together: what keeps memory bounded, however many deals are open or to come."""

_WORKERS = 2

_SUREST = 0.999
"""A deal that is open is never sure to be won."""

_NODES = 129
_FARTHEST = 4.0
"""Shocks are looked up at so many places, up to so many standard deviations from 0."""

_LOGISTIC_TO_NORMAL = 0.346
"""(16√3 ÷ 15π)²: of a normal shock to log-odds (MacKay 1992)."""


@dataclass(frozen=True)
class Book:
    """Open deals at one date.

    :param owner: (n,) codes.
    :param chance: (n, windows) of being won within each window; windows follow each other.
    :param amount: (n,) as it stands, 0 where not known.
    :param ratio: (n,) row of `ratios`; :param ratios: (k, LEVELS) quantiles of final ÷ current amount.
    """

    owner: np.ndarray
    chance: np.ndarray
    amount: np.ndarray
    ratio: np.ndarray
    ratios: np.ndarray

    def times(self, factor: np.ndarray) -> Book:
        """The same deals, their chances in each window multiplied as far as there is room; `factor` (windows,)."""
        chance = self.chance * factor
        return replace(self, chance=chance / np.maximum(chance.sum(axis=1, keepdims=True) / _SUREST, 1.0))

    def expected(self, owners: int) -> np.ndarray:
        """Expected revenue by owner and window, shape (owners, windows)."""
        each = self.chance * (self.amount * self.ratios.mean(axis=1)[self.ratio])[:, None]
        return np.stack([np.bincount(self.owner, column, minlength=owners) for column in each.T], axis=1)


@dataclass(frozen=True)
class Shocks:
    """Standard deviations of what moves many deals at once.

    :param company, owner: of open deals' log-odds.
    :param new_company, new_owner: of the logarithm of how many deals yet to be created are won.
    """

    company: float = 0.1
    owner: float = 0.2
    new_company: float = 0.1
    new_owner: float = 0.3


def pipeline_draws(book: Book, owners: int, shocks: Shocks, draws: int, seed: int) -> np.ndarray:
    """Revenue from open deals by owner, window and draw; shape (owners, windows, draws), float64.

    The same seed gives the same draws, on any number of processors.
    """
    total = np.zeros((owners, book.chance.shape[1], draws))
    if not len(book.owner):
        return total
    order = np.argsort(book.owner, kind="stable")
    shift = _shifts(owners, shocks, draws, np.random.default_rng([seed, 0]))
    most = max(BLOCK_CELLS // draws, 1)

    def work(first: int) -> tuple[np.ndarray, np.ndarray]:
        rows = order[first : first + most]
        return _block(book, rows, shift, shocks, _even(seed, first, len(rows), draws))

    with ThreadPoolExecutor(_WORKERS) as pool:
        for place, sums in pool.map(work, range(0, len(order), most)):
            total[place] += sums
    return total


def _even(seed: int, first: int, rows: int, draws: int) -> np.ndarray:
    """Numbers even between 0 and 1 of the deals from the first on, the same in whichever block they are; float32.

    The generator gives two of them a step, so that each deal is given a whole number of steps.
    """
    steps = -(-draws // 2)
    bits = np.random.PCG64(np.random.SeedSequence([seed, 1])).advance(first * steps)
    return np.random.Generator(bits).random((rows, 2 * steps), dtype=np.float32)[:, :draws]


def _shifts(owners: int, shocks: Shocks, draws: int, random: np.random.Generator) -> np.ndarray:
    """Place of each owner's shock in each draw among the nodes; shape (owners, draws), int16."""
    spread = _spread(shocks)
    if not spread:
        return np.full((owners, draws), _NODES // 2, dtype=np.int16)
    company = random.standard_normal(draws) * shocks.company
    shock = (company + random.standard_normal((owners, draws)) * shocks.owner) / spread
    place = (np.clip(shock, -_FARTHEST, _FARTHEST) + _FARTHEST) * ((_NODES - 1) / (2 * _FARTHEST))
    return np.round(place).astype(np.int16)


def _spread(shocks: Shocks) -> float:
    return float(np.hypot(shocks.company, shocks.owner))


def _block(
    book: Book, rows: np.ndarray, shift: np.ndarray, shocks: Shocks, draw: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The owners of some deals, which follow each other by owner, and their revenue; shape (k, windows, draws).

    :param draw: (deals, draws) even between 0 and 1.
    """
    owner, chance = book.owner[rows], book.chance[rows]
    draws, windows = shift.shape[1], chance.shape[1]
    whole = chance.sum(axis=1)
    here = _shocked(whole, _spread(shocks))
    here = np.stack([each.take(places) for each, places in zip(here, map(shift.__getitem__, owner), strict=True)])
    won = np.flatnonzero(draw < here)
    deal = np.repeat(np.arange(len(rows)), np.diff(np.searchsorted(won, np.arange(len(rows) + 1) * draws)))
    # Given that it is won the draw is even between 0 and the chance: it tells the window, and within it the amount.
    even = draw.ravel().take(won) / here.ravel().take(won) * whole.take(deal)
    edges = np.cumsum(chance, axis=1)
    window = np.zeros(len(deal), dtype=np.int64)
    for edge in edges[:, : windows - 1].T:
        window += even >= edge.take(deal)
    place = deal * windows + window
    level = (even - (edges - chance).take(place)) / np.maximum(chance, 1e-12).take(place)
    share = np.clip((level * len(LEVELS)).astype(np.int64), 0, len(LEVELS) - 1)
    worth = book.amount[rows][:, None] * book.ratios[book.ratio[rows]]
    revenue = worth.take(deal * len(LEVELS) + share)
    kinds, of_kind = np.unique(owner, return_inverse=True)
    cell = (of_kind.take(deal) * windows + window - deal) * draws + won  # won = deal × draws + the draw's number
    sums = np.bincount(cell, revenue, minlength=len(kinds) * windows * draws)
    return kinds, sums.reshape(len(kinds), windows, draws)


def _shocked(chance: np.ndarray, spread: float) -> np.ndarray:
    """Each deal's chance at each node of the shock, on the average the chance itself; shape (n, nodes), float32."""
    node = np.linspace(-_FARTHEST, _FARTHEST, _NODES) * spread
    middle = logit(np.clip(chance, 1e-9, 1 - 1e-9)) * np.sqrt(1 + _LOGISTIC_TO_NORMAL * spread**2)
    return np.where(chance[:, None] > 0, expit(middle[:, None] + node), 0).astype(np.float32)


@dataclass(frozen=True)
class Arrivals:
    """Wins of deals that do not exist yet.

    :param expected: (owners, windows) how many.
    :param amounts: (k,) final amounts of recent wins, each as likely; :param scale: (owners,) what they are
        multiplied by.
    """

    expected: np.ndarray
    amounts: np.ndarray
    scale: np.ndarray

    def times(self, factor: np.ndarray) -> Arrivals:
        """As many times as many wins in each window; `factor` (windows,)."""
        return replace(self, expected=self.expected * factor)

    def revenue(self) -> np.ndarray:
        """Expected revenue by owner and window, shape (owners, windows)."""
        mean = float(self.amounts.mean()) if len(self.amounts) else 0.0
        return self.expected * (self.scale * mean)[:, None]


def arrival_draws(arrivals: Arrivals, shocks: Shocks, draws: int, seed: int) -> np.ndarray:
    """Revenue from deals not yet created by owner, window and draw; shape (owners, windows, draws)."""
    owners, windows = arrivals.expected.shape
    total = np.zeros((owners, windows, draws))
    if not len(arrivals.amounts) or not arrivals.expected.any():
        return total
    company = np.random.default_rng([seed, 2]).standard_normal(draws) * shocks.new_company
    company = np.exp(company - shocks.new_company**2 / 2)

    def work(owner: int) -> None:
        random = np.random.default_rng([seed, 3, owner])
        each = np.exp(shocks.new_owner * random.standard_normal(draws) - shocks.new_owner**2 / 2)
        count = random.poisson(arrivals.expected[owner][:, None] * company * each)
        total[owner] = arrivals.scale[owner] * _sums(arrivals.amounts, count.ravel(), random).reshape(windows, draws)

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(work, np.flatnonzero(arrivals.expected.any(axis=1))))
    return total


def _sums(amounts: np.ndarray, count: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sums of so many of the amounts, each as likely; shape as `count`, (n,)."""
    found = np.zeros(len(count))
    behind = np.cumsum(count)
    blocks = np.searchsorted(behind, np.arange(BLOCK_CELLS, behind[-1], BLOCK_CELLS))
    for begin, end in pairwise([0, *blocks, len(count)]):
        cell = np.repeat(np.arange(end - begin), count[begin:end])
        drawn = amounts.take(random.integers(0, len(amounts), len(cell)))
        found[begin:end] = np.bincount(cell, drawn, minlength=end - begin)
    return found
