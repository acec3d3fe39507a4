"""The people who sell and the accounts they sell to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.vocabulary import INDUSTRIES, REGIONS

NEVER = 2**40
"""A second that never comes."""

OPERATIONS = 1
"""The row of the automatic user who reassigns deals."""


@dataclass(frozen=True)
class People:
    """Users, one row each: the head of sales, the automatic user, the managers, then the reps.

    `manager`, `team` are rows (-1: none); `started`, `left` seconds (NEVER: still there). `skill` moves the
    odds (logit); `effort` multiplies how much a rep sends and calls, `paperwork` how many tasks they log:
    neither wins anything. `sloppiness` (0 to 1) delays logging and close dates; `optimism` (about 0.8)
    multiplies the time a rep thinks a deal still takes.
    """

    manager: np.ndarray
    team: np.ndarray
    started: np.ndarray
    left: np.ndarray
    skill: np.ndarray
    effort: np.ndarray
    paperwork: np.ndarray
    sloppiness: np.ndarray
    optimism: np.ndarray
    team_region: np.ndarray
    seats: Seats

    @property
    def teams(self) -> int:
        return len(self.team_region)


@dataclass(frozen=True)
class Seats:
    """A rep's place in a team, sorted by team and by the second at which it `opens`.

    Until `switch` it is held by the user `first`, from then on by `second` (the same where nobody left).
    """

    team: np.ndarray
    opens: np.ndarray
    first: np.ndarray
    second: np.ndarray
    switch: np.ndarray

    def holder(self, seat: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The user who holds each seat at each second; shape (n,)."""
        return np.where(second < self.switch[seat], self.first[seat], self.second[seat])

    def pick(self, team: np.ndarray, second: np.ndarray, draw: np.ndarray) -> np.ndarray:
        """A seat of each team that is open at each second, by a draw in [0, 1); shape (n,)."""
        start = np.searchsorted(self.team, team)
        key = self.team * 2 * NEVER + self.opens
        opened = np.searchsorted(key, team * 2 * NEVER + second, side="right") - start
        return start + (draw * np.maximum(opened, 1)).astype(np.int64)


@dataclass(frozen=True)
class Accounts:
    """Customers and prospects, one row each, sorted by the second at which they `entered`.

    `weight` says how often an account comes up; `customer` whether it bought before the history begins;
    `quality` moves the odds of all its deals (logit) and is nowhere to be seen; `favourite` picks the seat
    that usually sells to it; `contacts` counts its people, whose numbers start at `first_contact`.
    """

    entered: np.ndarray
    region: np.ndarray
    country: np.ndarray
    industry: np.ndarray
    team: np.ndarray
    employees: np.ndarray
    annual_revenue: np.ndarray
    weight: np.ndarray
    customer: np.ndarray
    quality: np.ndarray
    favourite: np.ndarray
    contacts: np.ndarray
    first_contact: np.ndarray

    def __len__(self) -> int:
        return len(self.entered)


def hire(settings: SimulatorSettings) -> People:
    """The sales organisation: one head, a manager for about six seats, who left and who replaced them."""
    random = settings.random("people")
    teams = max(1, round(settings.reps / 6))
    seats, successors = _seats(settings, teams, random)
    reps = settings.reps + len(successors)
    staff = 2 + teams
    users = staff + reps
    team = np.concatenate([[-1, -1], np.arange(teams), seats.team, seats.team[successors]])
    manager = np.concatenate([[-1, 0], np.zeros(teams, np.int64), 2 + team[staff:]])
    started = -random.integers(30, 2500, users) * DAY
    opened = seats.opens > 0
    started[staff : staff + settings.reps][opened] = seats.opens[opened]
    ahead = random.integers(3, 25, len(successors)) * DAY
    started[staff + settings.reps :] = seats.switch[successors] - ahead
    left = np.full(users, NEVER)
    left[seats.first[successors]] = seats.switch[successors]
    return People(
        manager=manager,
        team=team,
        started=started,
        left=left,
        skill=random.normal(0, 0.32, users),
        effort=np.exp(random.normal(-0.06, 0.35, users)),
        paperwork=np.exp(random.normal(-0.18, 0.6, users)),
        sloppiness=random.beta(1.5, 2.2, users),
        optimism=np.clip(random.normal(0.78, 0.13, users), 0.4, 1.2),
        team_region=np.arange(teams) % len(REGIONS),
        seats=seats,
    )


def _seats(settings: SimulatorSettings, teams: int, random: np.random.Generator) -> tuple[Seats, np.ndarray]:
    """The seats, and the rows of those whose holder leaves; about 6 % a year leave, a fifth open later."""
    count, horizon = settings.reps, settings.horizon
    team = np.sort(np.arange(count) % teams)
    is_first = np.diff(team, prepend=-1) != 0
    later = (random.random(count) < 0.2) & ~is_first
    opens = np.where(later, random.integers(0, settings.days, count) * DAY, -1)
    order = np.lexsort((opens, team))
    opens = opens[order]
    leaving = min(count, max(1, round(0.06 * count * settings.years)))
    lasting = np.flatnonzero(opens < 0)
    successors = np.sort(random.choice(lasting, min(leaving, len(lasting)), replace=False))
    switch = np.full(count, NEVER)
    days = random.integers(round(settings.days * 0.1), round(settings.days * 0.95), len(successors))
    switch[successors] = days * DAY
    first = 2 + teams + np.arange(count)
    second = first.copy()
    second[successors] = 2 + teams + count + np.arange(len(successors))
    assert (switch[successors] < horizon).all()
    return Seats(team, opens, first, second, switch), successors


def found_accounts(settings: SimulatorSettings, people: People) -> Accounts:
    """About one account for every five deals; half of them are known before the history begins."""
    random = settings.random("accounts")
    count = max(3, round(settings.deals / 5))
    entered = np.sort(random.integers(-settings.days, settings.days, count)) * DAY
    region = random.choice(len(REGIONS), count, p=[0.45, 0.35, 0.20])
    contacts, employees = _size(random, count)
    return Accounts(
        entered=entered + random.integers(8 * 3600, 17 * 3600, count),
        region=region,
        country=np.minimum(random.geometric(0.5, count) - 1, 3),
        industry=random.integers(0, len(INDUSTRIES), count),
        team=_team_of(region, people, random),
        employees=employees,
        annual_revenue=np.round(employees * 160_000 * np.exp(random.normal(0, 0.5, count)), -4),
        weight=random.gamma(1.3, 1.0, count) + 0.05,
        customer=(entered < 0) & (random.random(count) < 0.5),
        quality=random.normal(0, 0.35, count),
        favourite=random.random(count),
        contacts=contacts,
        first_contact=np.cumsum(contacts) - contacts,
    )


def _size(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    employees = np.clip(np.exp(random.normal(5.4, 1.5, count)), 4, 120_000).round()
    contacts = 3 + random.poisson(0.9 * np.log(employees))
    return contacts, employees


def _team_of(region: np.ndarray, people: People, random: np.random.Generator) -> np.ndarray:
    """A team of each account's region; a company with fewer teams than regions shares them."""
    team = np.zeros(len(region), np.int64)
    for number in range(len(REGIONS)):
        here = region == number
        local = np.flatnonzero(people.team_region == number)
        choice = local if len(local) else np.array([number % people.teams])
        team[here] = random.choice(choice, here.sum())
    return team
