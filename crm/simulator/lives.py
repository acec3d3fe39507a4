"""The deals' whole lives: entered quarter by quarter, closed, a few of them reopened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.clock import Clock, Clocks, quarter_of
from crm.simulator.company import Accounts, People
from crm.simulator.deals import Closings, Deals, arrivals, enter, together, utc_offset
from crm.simulator.dynamics import LOST, MOODS, STATES, WARM, WON, Sojourns, live, stage_of
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.streams import packed, strictly_increasing

_REOPENED = 0.018  # of lost deals, if the history lasts long enough
_REOPENED_IN = (1, 2, 3)  # stages


@dataclass(frozen=True)
class Paths:
    """Every stay of every deal in a state, sorted by deal and time; arrays of shape (m,).

    `deal` row; `episode` 0, or 1 once reopened; `begin`, `end` seconds on the deal's wall clock; `state`;
    `following`: the state after it, or -1 where the history ends first.
    """

    deal: np.ndarray
    episode: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    state: np.ndarray
    following: np.ndarray

    def __len__(self) -> int:
        return len(self.deal)

    @property
    def closings(self) -> np.ndarray:
        """The rows that end with the deal being won or lost."""
        return np.flatnonzero(self.following >= STATES)


@dataclass(frozen=True)
class Spans:
    """Every episode of being open, sorted by deal and time; arrays of shape (k,).

    `deal` row, `opened` and `closed` seconds (`closed` is the history's end for those still open),
    `is_closed`.
    """

    deal: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    is_closed: np.ndarray


@dataclass(frozen=True)
class StageMoves:
    """Every change of stage, sorted by deal and time, reopenings included; arrays of shape (k,).

    `deal` row, `at` second, `old` and `new` stage, `mood` of the deal at that moment.
    """

    deal: np.ndarray
    at: np.ndarray
    old: np.ndarray
    new: np.ndarray
    mood: np.ndarray


def live_all(settings: SimulatorSettings, people: People, accounts: Accounts, clocks: Clocks) -> tuple[Deals, Paths]:
    """All deals and their paths; each quarter's deals know how their accounts' earlier ones ended."""
    created = arrivals(settings, clocks)
    entering, living = settings.random("deals"), settings.random("lives")
    blocks: list[Deals] = []
    lives: list[Paths] = []
    closings = Closings(*(np.zeros(0, np.int64) for _ in range(3)))
    offset = 0
    for block in _by_quarter(settings, created):
        deals = enter(settings, people, accounts, block, closings, entering)
        paths = _first_episodes(settings, deals, clocks.work, living)
        closings = _with_closings(closings, deals, paths)
        blocks.append(deals)
        lives.append(_shifted(paths, offset))
        offset += len(deals)
    deals, paths = together(blocks), _sorted_by_deal(lives)
    again = _second_episodes(settings, deals, paths, clocks.work)
    return deals, _sorted_by_deal([paths, again])


def spans_of(paths: Paths) -> Spans:
    """When each deal was open."""
    first = np.flatnonzero(np.diff(paths.deal * 2 + paths.episode, prepend=-1) != 0)
    last = np.append(first[1:], len(paths)) - 1
    return Spans(paths.deal[first], paths.begin[first], paths.end[last], paths.following[last] >= 0)


def state_at(paths: Paths, deal: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The open state that each deal is in at each second; -1 where it is not open. Same shape."""
    row = np.searchsorted(packed(paths.deal, paths.begin), packed(deal, second), side="right") - 1
    within = (row >= 0) & (paths.deal[row] == deal)
    is_open = (second < paths.end[row]) | ((paths.following[row] < 0) & (second == paths.end[row]))
    return np.where(within & is_open, paths.state[row], -1)


def stage_moves(paths: Paths) -> StageMoves:
    """Where a path passes from one stage to another."""
    left = paths.following >= 0
    deal, at, state = paths.deal[left], paths.end[left], paths.state[left]
    old, new = state // MOODS, stage_of(paths.following[left])
    moved = old != new
    reopened = np.flatnonzero((paths.episode == 1) & (np.diff(paths.episode, prepend=0) == 1))
    first = paths.state[reopened]
    deal = np.concatenate([deal[moved], paths.deal[reopened]])
    at = np.concatenate([at[moved], paths.begin[reopened]])
    old = np.concatenate([old[moved], stage_of(np.full(len(reopened), LOST))])
    new = np.concatenate([new[moved], first // MOODS])
    mood = np.concatenate([(state % MOODS)[moved], first % MOODS])
    order = np.argsort(packed(deal, at), kind="stable")
    return StageMoves(deal[order], at[order], old[order], new[order], mood[order])


def _by_quarter(settings: SimulatorSettings, created: np.ndarray) -> list[np.ndarray]:
    starts, _ = quarter_of(np.datetime64(settings.start, "D") + created // DAY)
    return np.split(created, np.flatnonzero(np.diff(starts.astype(np.int64)) != 0) + 1)


def _first_episodes(settings: SimulatorSettings, deals: Deals, clock: Clock, random: np.random.Generator) -> Paths:
    stop = clock.at(settings.horizon + deals.utc_offset)
    lived = live(deals.rates(settings.signal), deals.state, clock.at(deals.created), stop, random)
    return _on_the_wall_clock(settings, deals, lived, clock, np.arange(len(deals)), deals.created, 0)


def _second_episodes(settings: SimulatorSettings, deals: Deals, paths: Paths, clock: Clock) -> Paths:
    """Nearly two in a hundred lost deals come back after 2 to 12 weeks, unless the history ends before."""
    random = settings.random("reopenings")
    lost = paths.following == LOST
    deal, closed = paths.deal[lost], paths.end[lost]
    chosen = random.random(len(deal)) < _REOPENED
    deal, closed = deal[chosen], closed[chosen]
    begin = clock.when(clock.at(closed + random.integers(14, 84, len(deal)) * DAY) + random.random(len(deal)))
    in_time = begin < settings.horizon - DAY
    deal, begin = deal[in_time], begin[in_time]
    state = random.choice(_REOPENED_IN, len(deal)) * MOODS + WARM
    some = _rows(deals, deal)
    stop = clock.at(settings.horizon + some.utc_offset)
    lived = live(some.rates(settings.signal), state, clock.at(begin), stop, random)
    return _on_the_wall_clock(settings, some, lived, clock, deal, begin, 1)


def _rows(deals: Deals, rows: np.ndarray) -> Deals:
    return Deals(**{name: getattr(deals, name)[rows] for name in Deals.__dataclass_fields__})


def _on_the_wall_clock(
    settings: SimulatorSettings,
    deals: Deals,
    lived: Sojourns,
    clock: Clock,
    number: np.ndarray,
    opened: np.ndarray,
    episode: int,
) -> Paths:
    """Sojourns by the seconds of the deals' wall clocks; no two moves of a deal in the same second."""
    is_first = np.diff(lived.deal, prepend=-1) != 0
    begin = np.where(is_first, opened[lived.deal], clock.when(lived.begin))
    begin = strictly_increasing(lived.deal, begin)
    is_last = np.append(is_first[1:], True)
    stopped = settings.horizon + utc_offset(deals.region)[lived.deal]
    closed = np.maximum(clock.when(lived.end), begin + 1)
    end = np.where(is_last, np.where(lived.following < 0, stopped, closed), np.append(begin[1:], 0))
    return Paths(number[lived.deal], np.full(len(begin), episode), begin, end, lived.state, lived.following)


def _with_closings(closings: Closings, deals: Deals, paths: Paths) -> Closings:
    rows = paths.closings
    return Closings(
        np.concatenate([closings.account, deals.account[paths.deal[rows]]]),
        np.concatenate([closings.second, paths.end[rows]]),
        np.concatenate([closings.won, (paths.following[rows] == WON).astype(np.int64)]),
    )


def _shifted(paths: Paths, offset: int) -> Paths:
    return Paths(paths.deal + offset, paths.episode, paths.begin, paths.end, paths.state, paths.following)


def _sorted_by_deal(parts: list[Paths]) -> Paths:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Paths.__dataclass_fields__]
    order = np.argsort(packed(columns[0], columns[2]), kind="stable")
    return Paths(*(column[order] for column in columns))
