"""What people do about a deal: e-mails, calls, meetings, and the buyer's people who take part.

How often the buyer writes and meets follows the deal's mood and its hidden quality; how often the rep writes
and calls follows the rep's habit. Whatever is emitted at an instant depends on the deal's state at that
instant, never on what comes after: a booked meeting stays on record even if the deal is closed first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.clock import Clock
from crm.simulator.company import Accounts, People
from crm.simulator.deals import Deals
from crm.simulator.dynamics import MOODS
from crm.simulator.lives import Paths
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.streams import CodeHistory, packed
from crm.simulator.vocabulary import ROLES


@dataclass(frozen=True)
class Habit:
    """How often one kind of activity is logged.

    `rate` a day on which people work, for a warm deal of an average rep; `by_mood`, `by_stage` multiply it;
    `effort`, `paperwork`, `interest` are the powers to which the rep's and the buyer's own levels enter.
    `minutes` the usual lengths; `booked` whether it may be entered ahead.
    """

    kind: str
    direction: str
    rate: float
    by_mood: tuple[float, float, float] = (1.0, 1.0, 1.0)
    by_stage: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    effort: float = 0.0
    paperwork: float = 0.0
    interest: float = 0.0
    minutes: tuple[int, ...] = ()
    booked: bool = False


HABITS = (
    Habit("email", "outbound", 0.110, (1.05, 1.0, 0.95), effort=1.0),
    Habit("email", "inbound", 0.085, (2.6, 1.0, 0.14), interest=1.0),
    Habit("call", "outbound", 0.045, effort=1.0, minutes=(2, 5, 8, 10, 15, 20, 30)),
    Habit("call", "inbound", 0.012, (2.6, 1.0, 0.14), interest=1.0, minutes=(3, 5, 10, 15, 20)),
    Habit(
        "meeting",
        "outbound",
        0.028,
        by_mood=(2.1, 1.0, 0.2),
        by_stage=(0.5, 0.8, 1.2, 1.2, 1.3),
        effort=0.2,
        interest=0.6,
        minutes=(30, 30, 45, 60),
        booked=True,
    ),
    Habit(
        "demo",
        "outbound",
        0.011,
        by_mood=(1.8, 1.0, 0.3),
        by_stage=(0.1, 0.4, 1.8, 1.3, 0.2),
        effort=0.1,
        interest=0.4,
        minutes=(45, 60, 90),
        booked=True,
    ),
    Habit(
        "proposal",
        "outbound",
        0.016,
        by_mood=(1.3, 1.0, 0.6),
        by_stage=(0.0, 0.05, 0.3, 2.4, 1.2),
        effort=0.3,
    ),
    Habit("task", "internal", 0.060, paperwork=1.0),
)

_NEW_CONTACTS = np.array([0.060, 0.032, 0.004])  # a working day, by mood
_PACE = 0.5  # in quick deals the buyer stirs more often


@dataclass(frozen=True)
class ContactRoles:
    """The buyer's people on each deal, sorted by deal and time: `contact` row, `role` code, `at` second.

    `first[d]` is the position of deal d's first one; shape (deals + 1,).
    """

    deal: np.ndarray
    at: np.ndarray
    contact: np.ndarray
    role: np.ndarray
    first: np.ndarray

    def someone(self, deal: np.ndarray, second: np.ndarray, draw: np.ndarray) -> np.ndarray:
        """One of the contacts that each deal has by each second, by a draw in [0, 1); -1: it has none."""
        key = packed(self.deal, self.at)
        known = np.searchsorted(key, packed(deal, second), side="right") - self.first[deal]
        if not len(key):
            return np.full(len(deal), -1)
        chosen = np.minimum(self.first[deal] + (draw * known).astype(np.int64), len(key) - 1)
        return np.where(known > 0, self.contact[chosen], -1)


@dataclass(frozen=True)
class Activities:
    """Activities in the order in which they were recorded; arrays of shape (k,).

    `habit` the row of HABITS, `occurred` and `recorded` seconds on the deal's wall clock, `owner` and
    `contact` rows (-1: nobody), `minutes` (-1: none), `subject` a draw in [0, 1).
    """

    deal: np.ndarray
    habit: np.ndarray
    occurred: np.ndarray
    recorded: np.ndarray
    owner: np.ndarray
    contact: np.ndarray
    minutes: np.ndarray
    subject: np.ndarray


def contact_roles(
    settings: SimulatorSettings, accounts: Accounts, deals: Deals, paths: Paths, clock: Clock
) -> ContactRoles:
    """Who of the account's people joins each deal, and when: better deals have more of them."""
    random = settings.random("contacts")
    rate = _NEW_CONTACTS[paths.state % MOODS] * np.exp(0.55 * deals.quality[paths.deal])
    row, at = _scattered(clock, paths.begin, paths.end, rate * deals.speed[paths.deal] ** _PACE, random)
    at_first = (random.random(len(deals)) < 0.92) + random.poisson(0.25 * np.exp(0.5 * deals.quality))
    opening = np.repeat(np.arange(len(deals)), at_first)
    deal = np.concatenate([opening, paths.deal[row]])
    at = np.concatenate([deals.created[opening], at])
    order = np.argsort(packed(deal, at), kind="stable")
    deal, at = deal[order], at[order]
    number = np.arange(len(deal)) - np.searchsorted(deal, deal)
    account = deals.account[deal]
    people = accounts.contacts[account]
    start = (random.random(len(deals)) * accounts.contacts[deals.account]).astype(np.int64)
    contact = accounts.first_contact[account] + (start[deal] + number) % people
    role = np.minimum(number, 2) + random.integers(0, len(ROLES) - 2, len(deal))
    role = np.where(random.random(len(deal)) < 0.08, -1, np.minimum(role, len(ROLES) - 1))
    fresh = number < people
    deal = deal[fresh]
    first = np.searchsorted(deal, np.arange(len(deals) + 1))
    return ContactRoles(deal, at[fresh], contact[fresh], role[fresh], first)


def activities(
    settings: SimulatorSettings,
    people: People,
    deals: Deals,
    paths: Paths,
    owner: CodeHistory,
    roles: ContactRoles,
    clock: Clock,
) -> Activities:
    """Everything that had been logged by the history's end, future meetings included."""
    random = settings.random("activities")
    rates = _rates(people, deals, paths, owner.value_at(paths.deal, paths.begin))
    found = [_scattered(clock, paths.begin, paths.end, rates[:, kind], random) for kind in range(len(HABITS))]
    habit = np.repeat(np.arange(len(HABITS)), [len(row) for row, _ in found])
    deal = paths.deal[np.concatenate([row for row, _ in found])]
    at = np.concatenate([second for _, second in found])
    logged_by = owner.value_at(deal, at)
    occurred, recorded = _recording(habit, at, people.sloppiness[logged_by], clock, random)
    subject, draw = random.random(len(deal)), random.random(len(deal))
    internal = np.array([each.direction == "internal" for each in HABITS])[habit]
    contact = np.where(internal, -1, roles.someone(deal, at, random.random(len(deal))))
    in_time = np.flatnonzero(recorded < settings.horizon + deals.utc_offset[deal])
    order = in_time[np.argsort((recorded - deals.utc_offset[deal])[in_time], kind="stable")]
    minutes = _minutes(habit, draw)
    columns = (deal, habit, occurred, recorded, logged_by, contact, minutes, subject)
    return Activities(*(column[order] for column in columns))


def _rates(people: People, deals: Deals, paths: Paths, owner: np.ndarray) -> np.ndarray:
    """How often each habit shows in each stay, shape (m, len(HABITS)), a busy day of the activity clock."""
    mood, stage = paths.state % MOODS, paths.state // MOODS
    interest = 0.55 * deals.quality[paths.deal]
    effort, paperwork = np.log(people.effort[owner]), np.log(people.paperwork[owner])
    pace = _PACE * np.log(deals.speed[paths.deal])
    rates = np.empty((len(paths), len(HABITS)))
    for column, habit in enumerate(HABITS):
        level = habit.interest * interest + habit.effort * effort + habit.paperwork * paperwork
        if habit.interest:
            level = level + pace
        shape = np.array(habit.by_mood)[mood] * np.array(habit.by_stage)[stage]
        rates[:, column] = habit.rate * shape * np.exp(level)
    return rates


def _scattered(
    clock: Clock, begin: np.ndarray, end: np.ndarray, rate: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Events of a Poisson process in each span: the row of the span and the second, shape (k,) each."""
    first, last = clock.at(begin), clock.at(end)
    row = np.repeat(np.arange(len(begin)), random.poisson(rate * (last - first)))
    at = clock.when(first[row] + random.random(len(row)) * (last - first)[row])
    return row, np.clip(at, begin[row], end[row] - 1)


def _recording(
    habit: np.ndarray, at: np.ndarray, sloppiness: np.ndarray, clock: Clock, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """When each activity took place, and when it was entered.

    E-mails are entered as they pass; calls and tasks within the hour, or days later by the sloppy; of
    meetings and demos two thirds are entered when they are booked.
    """
    count = len(habit)
    may_be_booked = np.array([each.booked for each in HABITS])[habit]
    booked = may_be_booked & (random.random(count) < 0.67)
    ahead = clock.later(at + random.integers(2, 15, count) * DAY, random.random(count) * 0.9)
    automatic = np.array([each.kind == "email" for each in HABITS])[habit]
    late = ~automatic & ~booked & (random.random(count) < 0.06 + 0.35 * sloppiness)
    some_days = clock.later(at, 0.5 + random.exponential(1.6, count))
    soon = at + random.integers(60, 3600, count)
    recorded = np.select([automatic | booked, late], [at, some_days], soon)
    return np.where(booked, ahead, at), np.maximum(recorded, at)


def _minutes(habit: np.ndarray, draw: np.ndarray) -> np.ndarray:
    minutes = np.full(len(habit), -1)
    for row, each in enumerate(HABITS):
        if each.minutes:
            here = habit == row
            minutes[here] = np.array(each.minutes)[(draw[here] * len(each.minutes)).astype(np.int64)]
    return minutes
