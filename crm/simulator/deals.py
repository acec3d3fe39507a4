"""What a deal is when it is entered, and what that makes of its odds and its pace."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from crm.simulator.clock import Clocks
from crm.simulator.company import Accounts, People
from crm.simulator.dynamics import HOT, MOODS, QUIET, WARM, Rates
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.vocabulary import PRODUCTS, REGIONS, SOURCES, TYPES

NEW_BUSINESS, EXPANSION, RENEWAL = range(len(TYPES))
WEBSITE, REFERRAL, PARTNER, OUTBOUND, EVENT, ADVERTISING, EXISTING_CUSTOMER = range(len(SOURCES))
PLATFORM, ANALYTICS, INTEGRATIONS, SERVICES = range(len(PRODUCTS))

_TYPE_OF_CUSTOMER = np.array([0.20, 0.50, 0.30])
_SOURCE_OF_NEW = np.array([0.24, 0.12, 0.14, 0.24, 0.10, 0.16, 0.0])
_SOURCE_OF_KNOWN = np.array([0.07, 0.06, 0.06, 0.08, 0.03, 0.0, 0.70])
_PRODUCT_AT_START = np.array([0.46, 0.12, 0.24, 0.18])
_PRODUCT_AT_END = np.array([0.34, 0.32, 0.18, 0.16])

_AVERAGE = -0.33
_MERIT_OF_TYPE = np.array([-0.30, 0.20, 0.85])
_MERIT_OF_SOURCE = np.array([0.0, 0.50, 0.20, -0.40, -0.05, 0.15, 0.05])
_MERIT_OF_PRODUCT = np.array([0.15, -0.35, 0.0, -0.10])
_MERIT_OF_REGION = np.array([0.08, 0.0, -0.18])
_MERIT_OF_INDUSTRY = np.array([0.20, 0.05, -0.15, 0.10, 0.0, 0.10, -0.10, -0.30])
_ANALYTICS_TAKES_OFF = 1.4  # over the whole history
_ADVERTISING_DEGRADES = -0.9
_MARKET_HARDENS = -0.25  # a year

_SPEED_OF_TYPE = np.array([0.95, 1.10, 1.55])
_SPEED_OF_PRODUCT = np.array([0.95, 1.05, 1.15, 1.10])
_SPEED_OF_REGION = np.array([1.05, 1.0, 0.88])
_PRICE_OF_PRODUCT = np.array([26_000, 18_000, 11_000, 8_000])
_PRICE_OF_TYPE = np.array([1.0, 0.6, 0.9])


@dataclass(frozen=True)
class Deals:
    """Deals as they were entered, one row each in the order of entering; arrays of shape (n,).

    `created` seconds in the wall-clock time of its region; `account`, `owner` (the first one) rows; `region`,
    `type`, `source`, `product` codes; `size` what it is worth at first, whole units of money; `state` the
    first one; `quality` what nobody sees, though it shows in how the buyer behaves; `merit`, `speed` what
    :class:`Rates` needs.
    """

    created: np.ndarray
    account: np.ndarray
    owner: np.ndarray
    region: np.ndarray
    type: np.ndarray
    source: np.ndarray
    product: np.ndarray
    size: np.ndarray
    state: np.ndarray
    quality: np.ndarray
    merit: np.ndarray
    speed: np.ndarray

    def __len__(self) -> int:
        return len(self.created)

    @property
    def utc_offset(self) -> np.ndarray:
        """How many seconds the deal's wall clock is ahead of UTC."""
        return utc_offset(self.region)

    def rates(self, signal: float) -> Rates:
        """What moves each deal."""
        return Rates(self.merit, self.speed, signal)


def utc_offset(region: np.ndarray) -> np.ndarray:
    """How many seconds the wall clock of each region is ahead of UTC; same shape."""
    return np.array([place.utc_offset * 3600 for place in REGIONS])[region]


def together(blocks: list[Deals]) -> Deals:
    """The deals of all blocks in their order."""
    return Deals(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Deals)))


@dataclass(frozen=True)
class Closings:
    """The closings that have taken place so far: `account`, `second`, `won` (1 or 0), shape (n,) each."""

    account: np.ndarray
    second: np.ndarray
    won: np.ndarray

    def before(self, account: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many deals each account had won, and lost, before each second; shape (m,) each."""
        counts = []
        for outcome in (1, 0):
            match = self.won == outcome
            key = np.sort(_packed(self.account[match], self.second[match]))
            upto = np.searchsorted(key, _packed(account, second))
            counts.append(upto - np.searchsorted(key, _packed(account, np.zeros_like(second))))
        return counts[0], counts[1]


def _packed(account: np.ndarray, second: np.ndarray) -> np.ndarray:
    return account * 2**40 + second


def arrivals(settings: SimulatorSettings, clocks: Clocks) -> np.ndarray:
    """When each deal is entered: sorted seconds, by growth, season, weekday and hour; shape (deals,)."""
    first, last = clocks.arrival.at(np.array([0.0, float(settings.horizon)]))
    draws = settings.random("arrivals").random(settings.deals)
    return np.sort(clocks.arrival.when(first + draws * (last - first)))


def enter(
    settings: SimulatorSettings,
    people: People,
    accounts: Accounts,
    created: np.ndarray,
    closings: Closings,
    random: np.random.Generator,
) -> Deals:
    """The deals that are entered at the given seconds, after the closings so far."""
    count = len(created)
    account = _accounts_of(accounts, created, random)
    won, lost = closings.before(account, created)
    is_customer = accounts.customer[account] | (won > 0)
    kind = np.where(is_customer, _draw(random, _TYPE_OF_CUSTOMER, count), NEW_BUSINESS)
    new_source, known_source = _draw(random, _SOURCE_OF_NEW, count), _draw(random, _SOURCE_OF_KNOWN, count)
    source = np.where(kind == NEW_BUSINESS, new_source, known_source)
    progress = created / settings.horizon
    mixed = random.random(count) < progress
    early, late = _draw(random, _PRODUCT_AT_START, count), _draw(random, _PRODUCT_AT_END, count)
    product = np.where(mixed, late, early)
    owner = _owners(people, accounts, account, created, random)
    employees, region = accounts.employees[account], accounts.region[account]
    quality = random.normal(0, 0.75, count)
    deals = Deals(
        created=created,
        account=account,
        owner=owner,
        region=region,
        type=kind,
        source=source,
        product=product,
        size=_size(kind, product, employees, random),
        state=_first_state(kind, source, quality, random),
        quality=quality,
        merit=np.zeros(count),
        speed=_speed(kind, product, region, employees, random),
    )
    history = 0.10 * np.minimum(won, 4) - 0.06 * np.minimum(lost, 4)
    return replace(deals, merit=merit_of(settings, people, accounts, deals) + history)


def merit_of(settings: SimulatorSettings, people: People, accounts: Accounts, deals: Deals) -> np.ndarray:
    """How good each deal is, its account's earlier deals apart: what shows, and what is hidden."""
    is_new_rep = deals.created - people.started[deals.owner] < 120 * DAY
    partner_integrates = (deals.source == PARTNER) & (deals.product == INTEGRATIONS)
    visible: np.ndarray = (
        _AVERAGE
        + _MERIT_OF_TYPE[deals.type]
        + _MERIT_OF_SOURCE[deals.source]
        + _MERIT_OF_PRODUCT[deals.product]
        + _MERIT_OF_REGION[deals.region]
        + _MERIT_OF_INDUSTRY[accounts.industry[deals.account]]
        + np.where(partner_integrates, 0.35, 0.0)
        - 0.12 * np.log(deals.size / 15_000)
        - np.where(is_new_rep, 0.25, 0.0)
        + _drift(settings, deals.created, deals.source, deals.product)
    )
    return visible + people.skill[deals.owner] + accounts.quality[deals.account] + deals.quality


def _drift(settings: SimulatorSettings, created: np.ndarray, source: np.ndarray, product: np.ndarray) -> np.ndarray:
    """How far the odds have moved since the history began, by the day of entering."""
    progress = created / settings.horizon
    return (
        _MARKET_HARDENS * settings.years * (progress - 0.5)
        + np.where(product == ANALYTICS, _ANALYTICS_TAKES_OFF * progress, 0.0)
        + np.where(source == ADVERTISING, _ADVERTISING_DEGRADES * progress, 0.0)
    )


def _draw(random: np.random.Generator, shares: np.ndarray, count: int) -> np.ndarray:
    cumulated = np.cumsum(shares)
    draws = random.random(count) * cumulated[-1]
    return np.searchsorted(cumulated, draws, side="right")


def _accounts_of(accounts: Accounts, created: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An account that has entered by each second, by weight; the earliest one where none has."""
    cumulated = np.concatenate([[0.0], np.cumsum(accounts.weight)])
    known = np.maximum(np.searchsorted(accounts.entered, created, side="right"), 1)
    draws = random.random(len(created)) * cumulated[known]
    return np.minimum(np.searchsorted(cumulated, draws, side="right") - 1, known - 1)


def _owners(
    people: People, accounts: Accounts, account: np.ndarray, created: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    count = len(created)
    usual = random.random(count) < 0.75
    draw = np.where(usual, accounts.favourite[account], random.random(count))
    seat = people.seats.pick(accounts.team[account], created, draw)
    return people.seats.holder(seat, created)


def _size(kind: np.ndarray, product: np.ndarray, employees: np.ndarray, random: np.random.Generator) -> np.ndarray:
    usual = _PRICE_OF_PRODUCT[product] * _PRICE_OF_TYPE[kind] * (employees / 220) ** 0.35
    return rounded(usual * np.exp(random.normal(0, 0.55, len(kind))))


def rounded(amount: np.ndarray) -> np.ndarray:
    """Amounts as people enter them: whole hundreds, or whole thousands from 50,000 on; never below 500."""
    step = np.where(amount >= 50_000, 1000, 100)
    return np.maximum(np.round(amount / step) * step, 500).astype(np.int64)


def _first_state(kind: np.ndarray, source: np.ndarray, quality: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = len(kind)
    stage = _draw(random, np.array([0.74, 0.20, 0.06]), count)
    stage = np.where(kind == RENEWAL, np.minimum(stage + 1, 2), stage)
    came_to_us = np.isin(source, (WEBSITE, REFERRAL, ADVERTISING))
    heat = quality + np.where(came_to_us, 0.5, 0.0) + random.normal(0, 1, count)
    mood = np.select([heat > 1.0, heat < -1.5], [HOT, QUIET], WARM)
    return stage * MOODS + mood


def _speed(
    kind: np.ndarray,
    product: np.ndarray,
    region: np.ndarray,
    employees: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    pace = _SPEED_OF_TYPE[kind] * _SPEED_OF_PRODUCT[product] * _SPEED_OF_REGION[region]
    return pace * (employees / 220) ** -0.10 * np.exp(random.normal(0, 0.40, len(kind)))
