"""Deals not yet created that a window still wins: what earlier periods won so, for as many deals as came then.

A period's last weeks run faster than its first, so that what is compared is the same part of earlier periods: of the
deals created after that point those won by the window's end, against the deals created in the weeks before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.forecast.draws import Arrivals
from training.forecast.ledger import Ledger
from training.forecast.moments import Moment, like_in_periods, like_within

LEAST_MOMENTS = 3
SPANS = (2.0, 1.0, 0.5, 0.25, 0.1)
"""Lengths of the span before a moment, in lengths of the period, in which deals that came are counted."""

HALF_LIFE_DAYS = 730.0
"""An earlier period counts half as much so many days later."""

STRENGTH = 20.0
"""As if an owner had had so many deals more that went as the company's do; as if so many amounts more were known."""


@dataclass(frozen=True)
class _Record:
    """What one window of earlier moments brought: wins of deals created since, weighted, beside the deals before."""

    won: float
    before: float
    amounts: np.ndarray


def like_moments(calendar: FiscalCalendar | None, moment: Moment, facts: Ledger) -> list[Moment]:
    """Earlier moments to learn new business from: as far before the end of earlier periods; where these are too few, or
    windows are spans of days (no calendar), those of every week before."""
    first = int(facts.opened[0]) if len(facts.opened) else moment.at
    found = [] if calendar is None else list(like_in_periods(calendar, moment, first))
    return found if len(found) >= LEAST_MOMENTS else list(like_within(moment, first))


def new_business(facts: Ledger, owners: int, moment: Moment, earlier: Sequence[Moment], first: int) -> Arrivals:
    """Wins to expect of deals that are not yet created, by owner and window.

    :param facts: as known at the moment; :param first: since when deals were entered, milliseconds.
    :param earlier: like moments, the latest first.
    """
    weeks = _span_before(moment, earlier, first)
    came = facts.openings(moment.at - weeks, moment.at)
    records = [_record(facts, moment, earlier, number, weeks, first) for number in range(len(moment.ends))]
    arrived = came.stop - came.start
    expected = np.array([one.won / one.before * arrived if one.before else 0.0 for one in records])
    share, scale = _by_owner(facts, owners, facts.opened_owner[came])
    amounts = _amounts(facts, moment, records)
    factor = float((share * scale).sum())
    return Arrivals(share[:, None] * expected, amounts, scale / (factor or 1.0))


def _span_before(moment: Moment, earlier: Sequence[Moment], first: int) -> int:
    """How long before a moment the deals are counted: the longest span that leaves enough moments to learn from."""
    over = [one for one in earlier if one.ends[0] <= moment.at]
    for spans in SPANS:
        weeks = int(spans * moment.length)
        if sum(one.at - weeks >= first for one in over) >= LEAST_MOMENTS:
            return weeks
    return int(SPANS[-1] * moment.length)


def _record(facts: Ledger, moment: Moment, earlier: Sequence[Moment], number: int, weeks: int, first: int) -> _Record:
    won = before = 0.0
    amounts = [np.zeros(0)]
    for one in earlier:
        begin, end = one.window(number)
        if end > moment.at or one.at - weeks < first:
            continue
        wins = facts.wins(begin, end)
        fresh = facts.won_opened[wins] > one.at
        came = facts.openings(one.at - weeks, one.at)
        weight = 0.5 ** ((moment.at - one.at) / DAY / HALF_LIFE_DAYS)
        won += weight * fresh.sum()
        before += weight * (came.stop - came.start)
        amounts.append(facts.won_amount[wins][fresh])
    return _Record(won, before, np.concatenate(amounts))


def _amounts(facts: Ledger, moment: Moment, records: Sequence[_Record]) -> np.ndarray:
    """Final amounts of wins as quick as these, known ones; where few, of other quick wins and then of all."""
    found = np.concatenate([record.amounts for record in records])
    found = found[~np.isnan(found)]
    known = ~np.isnan(facts.won_amount)
    quick = known & (facts.won_at - facts.won_opened <= moment.ends[-1] - moment.at)
    for others in (facts.won_amount[quick], facts.won_amount[known]):
        if len(others) >= STRENGTH:
            places = np.linspace(0, 1, int(STRENGTH))
            return np.concatenate([found, np.quantile(others, places, method="inverted_cdf")])
    return np.concatenate([found, facts.won_amount[known]])


def _by_owner(facts: Ledger, owners: int, opened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each owner's share of the wins to come, and what its wins are worth beside the company's; shape (owners,) each.

    By the deals that the owner has created lately and how many of all of theirs were won for how much, drawn towards
    the company's where they are few.
    """
    if not len(opened):
        return np.full(owners, 1 / max(owners, 1)), np.ones(owners)
    created = np.bincount(facts.opened_owner, minlength=owners)
    winner = facts.won_owner
    won = np.bincount(winner, minlength=owners)
    rate = len(winner) / max(created.sum(), 1)
    better = (won + STRENGTH * rate) / (created + STRENGTH) / rate if rate else np.ones(owners)
    share = np.bincount(opened, minlength=owners) * better
    known = ~np.isnan(facts.won_amount)
    mean = float(facts.won_amount[known].mean()) if known.any() else 0.0
    total = np.bincount(winner[known], facts.won_amount[known], minlength=owners)
    number = np.bincount(winner[known], minlength=owners)
    scale = (total + STRENGTH * mean) / (number + STRENGTH) / mean if mean else np.ones(owners)
    return share / share.sum(), scale
