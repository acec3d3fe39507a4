"""The view from outside: what a period brings by what periods brought, whichever deals are open.

A sum over deals sees what is in the pipeline and is off to one side where all deals are; the view from outside sees
neither. Their errors have different causes, so that both together do better than each (Bates & Granger 1969): half and
half where all of a period is still to come, the deals alone where nothing is (docs/decisions/0017 has the figures).
"""

from __future__ import annotations

import numpy as np

from crm.clock import DAY
from crm.periods import FiscalCalendar
from training.forecast.ledger import Ledger
from training.forecast.moments import Moment

WEIGHT = 0.5
"""Of the view from outside, where all of a period is still to come."""


def run_rate(facts: Ledger, moment: Moment, calendar: FiscalCalendar | None, owners: int) -> np.ndarray:
    """As much a day as in as many days before the moment as the period has, or as the windows reach ahead; by owner.

    Shape (owners, windows), as that of the others; what is still to come.
    """
    span = moment.length if calendar else moment.ends[-1] - moment.at
    a_milli = facts.revenue(moment.at - span, moment.at, owners) / span
    widths = [end - begin for begin, end in map(moment.window, range(len(moment.ends)))]
    return a_milli[:, None] * np.array(widths, dtype=float)


def year_before(facts: Ledger, moment: Moment, calendar: FiscalCalendar | None, owners: int) -> np.ndarray | None:
    """What the same period brought a year before, less what this one has brought already; None in the first year."""
    if calendar is None:
        return None
    windows = []
    for number, end in enumerate(moment.ends):
        period = calendar.year_before(calendar.period_at(end))
        if not len(facts.opened) or period.start < facts.opened[0]:
            return None
        whole = facts.revenue(period.start - 1, period.end - 1, owners)
        already = facts.revenue(moment.begin - 1, moment.at, owners) if number == 0 else 0.0
        windows.append(np.maximum(whole - already, 0.0))
    return np.stack(windows, axis=1)


def same_weekdays(facts: Ledger, moment: Moment, calendar: FiscalCalendar | None, owners: int) -> np.ndarray | None:
    """As much as in the last days before the moment that were the same weekdays; where windows are spans of days."""
    if calendar is not None:
        return None
    windows = []
    for begin, end in map(moment.window, range(len(moment.ends))):
        weeks = -(-(end - moment.at) // (7 * DAY)) * 7 * DAY
        windows.append(facts.revenue(begin - weeks, end - weeks, owners))
    return np.stack(windows, axis=1)


VIEWS = (run_rate, year_before, same_weekdays)


def from_outside(facts: Ledger, moment: Moment, calendar: FiscalCalendar | None, owners: int) -> np.ndarray:
    """What the company is still to bring in each window, by the mean of the views that can be had; (windows,).

    NaN where nothing has been won yet.
    """
    if not len(facts.won_at):
        return np.full(len(moment.ends), np.nan)
    found = [view(facts, moment, calendar, owners) for view in VIEWS]
    return np.mean([one.sum(axis=0) for one in found if one is not None], axis=0)


def both_views(already: float, of_deals: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """By what the sums over deals are multiplied so that the whole is both views together; (windows,).

    :param already: won in the first window's period; :param of_deals: (windows,) still to come by the deals.
    """
    whole = of_deals.copy()
    whole[0] += already
    to_come = np.divide(of_deals, whole, out=np.ones_like(whole), where=whole > 0)
    weight = np.where(np.isnan(outside), 0.0, WEIGHT * to_come)
    together = (1 - weight) * of_deals + weight * np.nan_to_num(outside)
    return np.divide(together, of_deals, out=np.ones_like(whole), where=of_deals > 0)
