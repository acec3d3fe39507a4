"""The forecast from one moment: what is won already, what open deals and deals not yet created bring, by owner."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crm.periods import FiscalCalendar
from features.histories import Histories
from features.snapshots import EpisodeSnapshots
from training.deal_model import Answers
from training.forecast.corrections import NONE, Corrections, Factors
from training.forecast.draws import Book, Shocks, arrival_draws, pipeline_draws
from training.forecast.ledger import Ledger, counts_deals
from training.forecast.moments import Moment
from training.forecast.new_business import like_moments, new_business
from training.forecast.outside import both_views, from_outside
from training.models.amount import LEVELS, AmountModel


@dataclass(frozen=True)
class Drawing:
    """How ranges are drawn; the same seed gives the same ranges."""

    shocks: Shocks = field(default_factory=Shocks)
    draws: int = 2000
    seed: int = 7


@dataclass(frozen=True)
class Forecast:
    """Revenue by owner code and window, in the company's currency (or in deals, where amounts are not known).

    :param already: (owners,) won in the first window's period by the moment.
    :param open_pipeline, new_business: (owners, windows) expected of deals that are open, and of those to come.
    :param drawn: (owners, windows, draws) both together, as they may come.
    :param factors: what sums over deals were multiplied by: how earlier forecasts did, and the view from outside.
    """

    moment: Moment
    already: np.ndarray
    open_pipeline: np.ndarray
    new_business: np.ndarray
    drawn: np.ndarray
    factors: Factors


def weeks_left(moment: Moment, number: int) -> float:
    """Weeks to the end of a window: whole ones, and of the last one the days as parts of it."""
    days = moment.days_to(number)
    return float(round(days / 7)) if round(days) >= 7 else round(round(days) / 7, 2)


def book_of(
    histories: Histories,
    snapshots: EpisodeSnapshots,
    answers: Answers,
    stage: np.ndarray,
    amounts: AmountModel,
    moment: Moment,
) -> Book:
    """The deals open at a moment as a forecast sees them; one without an amount is worth the median of the others.

    :param answers, stage: of the snapshots, which are of the moment.
    """
    within = np.stack([answers.win_within(moment.days_to(number)) for number in range(len(moment.ends))], axis=1)
    owner = histories.owner_before(snapshots.deal, snapshots.as_of + 1)
    chance = np.diff(within, axis=1, prepend=0.0)
    names, row = np.unique(np.array([name or "" for name in stage], dtype=object).astype(str), return_inverse=True)
    if counts_deals(histories):
        return Book(owner, chance, np.ones(len(owner)), np.zeros(len(owner), np.int64), np.ones((1, len(LEVELS))))
    amount = histories.value_before("amount", snapshots.deal, snapshots.as_of + 1)
    known = ~np.isnan(amount)
    amount = np.where(known, amount, np.median(amount[known]) if known.any() else 0.0)
    return Book(owner, chance, amount, row, amounts.quantiles(names.astype(object)))


def forecast(
    facts: Ledger,
    book: Book,
    moment: Moment,
    calendar: FiscalCalendar | None,
    owners: int,
    drawing: Drawing,
    corrections: Corrections = NONE,
) -> Forecast:
    """The forecast from a moment.

    :param facts: as known at the moment; :param book: the deals open then.
    :param calendar: None where windows are spans of days; :param owners: how many owner codes there are.
    """
    already = facts.revenue(moment.begin - 1, moment.at, owners)
    first = int(facts.opened[0]) if len(facts.opened) else moment.at
    arrivals = new_business(facts, owners, moment, like_moments(calendar, moment, facts), first)
    factors = corrections.factors(np.array([weeks_left(moment, number) for number in range(len(moment.ends))]))
    of_deals = book.times(factors.open_pipeline).expected(owners) + arrivals.times(factors.new_business).revenue()
    outside = from_outside(facts, moment, calendar, owners)
    factors = factors.times(both_views(float(already.sum()), of_deals.sum(axis=0), outside))
    book, arrivals = book.times(factors.open_pipeline), arrivals.times(factors.new_business)
    shocks, draws, seed = drawing.shocks, drawing.draws, drawing.seed
    drawn = pipeline_draws(book, owners, shocks, draws, seed) + arrival_draws(arrivals, shocks, draws, seed)
    return Forecast(moment, already, book.expected(owners), arrivals.revenue(), drawn, factors)


@dataclass(frozen=True)
class Came:
    """What each window after a moment brought, by owner: of deals that were open then, of others; (owners, windows)."""

    open_pipeline: np.ndarray
    new_business: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """Both together."""
        return self.open_pipeline + self.new_business


def what_came(facts: Ledger, moment: Moment, owners: int) -> Came:
    """What came after a moment; `facts` as known at the end of the last window or later."""
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for number in range(len(moment.ends)):
        wins = facts.wins(*moment.window(number))
        amount, owner = np.nan_to_num(facts.won_amount[wins]), facts.won_owner[wins]
        was_open = facts.won_opened[wins] <= moment.at
        for part, inside in zip(parts, (was_open, ~was_open), strict=True):
            part.append(np.bincount(owner[inside], amount[inside], minlength=owners))
    return Came(*(np.stack(part, axis=1) for part in parts))
