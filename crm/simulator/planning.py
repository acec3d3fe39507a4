"""What surrounds the deals: quotas, the costs of selling, leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.clock import Clock, quarter_of
from crm.simulator.company import People
from crm.simulator.deals import EXISTING_CUSTOMER, NEW_BUSINESS, Deals, utc_offset
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.vocabulary import COST_KINDS

_WON, _STRETCH = 0.31, 0.95
_RAMP_UP = 150  # days until the first pipeline bears fruit
_MONTHLY_COST = np.array([9_500, 2_600, 1_100, 700])  # for each seat, by kind
_EVENT_MONTHS = np.array([0.2, 0.4, 2.2, 0.8, 0.8, 2.0, 0.2, 0.2, 1.2, 2.4, 1.0, 0.6])
_LEADS_LOST = 3.0  # for each lead that became a deal
_SOURCE_OF_LEADS = np.array([0.30, 0.06, 0.08, 0.20, 0.12, 0.24])


@dataclass(frozen=True)
class Quotas:
    """`user` row, `period` first day (datetime64[D]), `amount`; shape (k,) each."""

    user: np.ndarray
    period: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Costs:
    """`period` first day of the month (datetime64[D]), `team` row, `kind` code, `amount`; shape (k,) each."""

    period: np.ndarray
    team: np.ndarray
    kind: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Leads:
    """`created` and `converted` seconds UTC, `deal` and `owner` rows, `source` code; -1: none. All (k,)."""

    created: np.ndarray
    converted: np.ndarray
    deal: np.ndarray
    source: np.ndarray
    owner: np.ndarray


def quotas(settings: SimulatorSettings, people: People, deals: Deals) -> Quotas:
    """What each rep is to bring in each quarter, the one after the last day included."""
    random = settings.random("quotas")
    first_day = np.datetime64(settings.start, "D")
    start = quarter_of(np.array([first_day]))[0][0].astype("datetime64[M]")
    last = quarter_of(np.array([np.datetime64(settings.end, "D")]))[1][0].astype("datetime64[M]")
    months = np.arange(start, last + 1, 3)
    begin = (months.astype("datetime64[D]") - first_day).astype(np.int64)
    end = ((months + 3).astype("datetime64[D]") - first_day).astype(np.int64)
    reps = np.arange(2 + people.teams, len(people.team))
    user, quarter = (grid.ravel() for grid in np.meshgrid(reps, np.arange(len(months)), indexing="ij"))
    there = (people.started[user] < (end[quarter] - 30) * DAY) & (people.left[user] > begin[quarter] * DAY)
    user, quarter = user[there], quarter[there]
    a_quarter = deals.size.mean() * settings.deals * _WON / settings.reps / (settings.years * 4)
    growth = (1 + settings.growth) ** ((begin[quarter] / 365.25) - settings.years / 2)
    ramp = np.clip((end[quarter] - 30) / _RAMP_UP, 0.15, 1.0)
    new = np.where(people.started[user] > (begin[quarter] - 60) * DAY, 0.5, 1.0)
    personal = np.exp(random.normal(0, 0.12, len(people.team)))[user]
    amount = np.maximum(np.round(a_quarter * _STRETCH * growth * ramp * new * personal, -3), 1_000)
    return Quotas(user, months[quarter].astype("datetime64[D]"), amount)


def costs(settings: SimulatorSettings, people: People) -> Costs:
    """What each team costs in each month, by kind."""
    random = settings.random("costs")
    first = np.datetime64(settings.start, "M")
    months = np.arange(first, np.datetime64(settings.end, "M") + 1)
    grids = np.meshgrid(np.arange(len(months)), np.arange(people.teams), np.arange(len(COST_KINDS)), indexing="ij")
    month, team, kind = (grid.ravel() for grid in grids)
    seats = np.bincount(people.seats.team, minlength=people.teams)[team] + 1.2
    season = np.where(kind == 2, _EVENT_MONTHS[months.astype(np.int64) % 12][month], 1.0)
    noise = np.exp(random.normal(0, np.array([0.01, 0.15, 0.30, 0.20])[kind]))
    amount = _MONTHLY_COST[kind] * seats * season * noise * 1.04 ** (month / 12)
    return Costs(months[month].astype("datetime64[D]"), team, kind, np.round(amount, -1))


def leads(settings: SimulatorSettings, people: People, deals: Deals, clock: Clock) -> Leads:
    """Leads that became deals, and three times as many that did not."""
    random = settings.random("leads")
    fresh = (deals.type == NEW_BUSINESS) & (deals.source != EXISTING_CUSTOMER)
    deal = np.flatnonzero(fresh & (random.random(len(deals)) < 0.65))
    converted = deals.created[deal]
    created = clock.later(converted, -random.exponential(9, len(deal)))
    created, converted = (second - deals.utc_offset[deal] for second in (created, converted))
    count = round(_LEADS_LOST * len(deal))
    span = clock.at(np.array([0.0, float(settings.horizon)]))
    lost = clock.when(span[0] + random.random(count) * (span[1] - span[0]))
    source = np.searchsorted(np.cumsum(_SOURCE_OF_LEADS), random.random(count) * 0.999, side="right")
    team = random.integers(0, people.teams, count)
    owner = people.seats.holder(people.seats.pick(team, lost, random.random(count)), lost)
    lost = lost - utc_offset(people.team_region[team])
    nothing = np.full(count, -1)
    columns = (
        np.concatenate([created, lost]),
        np.concatenate([converted, nothing]),
        np.concatenate([deal, nothing]),
        np.concatenate([deals.source[deal], source]),
        np.concatenate([deals.owner[deal], owner]),
    )
    order = np.argsort(columns[0], kind="stable")
    return Leads(*(column[order] for column in columns))
