"""How a deal lives: a Markov chain over stage and engagement that ends in won or lost.

An open deal stands in one of five stages and is hot, warm or quiet: 15 states. It moves forward, skips a
stage, falls back, warms up, cools off, or closes; whether a closing is a win depends on the state and on the
deal's merit. The rates are fixed when the deal is created and count per busy day of the work clock, so that
the chance of winning depends on the deal and its state alone, never on the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.vocabulary import CLOSED_LOST, CLOSED_WON, OPEN_STAGES

MOODS = 3
HOT, WARM, QUIET = 0, 1, 2
STATES = OPEN_STAGES * MOODS
"""Open states; state = stage * MOODS + mood."""
WON, LOST = STATES, STATES + 1

MOVES = ("forward", "skip", "back", "warm up", "cool off", "win", "lose")
_WIN, _LOSE = 5, 6

_FORWARD = np.array([0.070, 0.052, 0.044, 0.040, 0.0])
_BACK = np.array([0.0, 0.004, 0.006, 0.008, 0.010])
_FORWARD_BY_MOOD = np.array([1.7, 1.0, 0.28])
_BACK_BY_MOOD = np.array([0.6, 1.0, 1.2])
_WARM_UP = np.array([0.0, 0.034, 0.020])
_COOL_OFF = np.array([0.050, 0.032, 0.0])

_CLOSE = np.array([0.0100, 0.0095, 0.0090, 0.0100, 0.038])
_CLOSE_BY_MOOD = np.array([1.20, 0.90, 0.75])
_WIN_SHARE = np.log(0.30 / 0.70)  # logit of a closing being a win where nothing is predictable
_WIN_BY_STAGE = np.array([-3.4, -3.0, -2.2, -0.7, 1.5])
_WIN_BY_MOOD = np.array([1.0, 0.0, -2.0])

_MERIT_ON_MOVES = np.array([0.14, 0.0, -0.15, 0.30, -0.30])
_MERIT_ON_WIN = 0.85


@dataclass(frozen=True)
class Rates:
    """What moves n deals: `merit` (logit-like, 0 is average) and `speed` (1 is average), shape (n,) each."""

    merit: np.ndarray
    speed: np.ndarray
    signal: float

    def __len__(self) -> int:
        return len(self.merit)

    def take(self, rows: np.ndarray) -> Rates:
        """The rates of some of the deals."""
        return Rates(self.merit[rows], self.speed[rows], self.signal)

    def of(self, state: np.ndarray) -> np.ndarray:
        """The rate of each move per busy day, shape (n, len(MOVES)), where deal i stands in `state[i]`."""
        stage, mood = state // MOODS, state % MOODS
        rates = np.empty((len(state), len(MOVES)))
        pull = np.exp(self.signal * self.merit[:, None] * _MERIT_ON_MOVES)
        rates[:, :5] = _MOVING[state] * pull
        closing = _CLOSE[stage] * _CLOSE_BY_MOOD[mood]
        lean = _WIN_BY_STAGE[stage] + _WIN_BY_MOOD[mood] + _MERIT_ON_WIN * self.merit
        won = 1 / (1 + np.exp(-(_WIN_SHARE + self.signal * lean)))
        rates[:, _WIN] = closing * won
        rates[:, _LOSE] = closing * (1 - won)
        return rates * self.speed[:, None]


def _moving() -> np.ndarray:
    stage, mood = np.arange(STATES) // MOODS, np.arange(STATES) % MOODS
    forward = _FORWARD[stage] * _FORWARD_BY_MOOD[mood]
    return np.column_stack(
        [
            0.93 * forward,
            np.where(stage < OPEN_STAGES - 2, 0.07 * forward, 0.0),
            _BACK[stage] * _BACK_BY_MOOD[mood],
            _WARM_UP[mood],
            _COOL_OFF[mood],
        ]
    )


def _target() -> np.ndarray:
    state = np.arange(STATES)
    moved = [state + MOODS, state + 2 * MOODS, state - MOODS, state - 1, state + 1]
    moved += [np.full(STATES, WON), np.full(STATES, LOST)]
    return np.column_stack(moved)


_MOVING = _moving()
TARGET = _target()
"""The state that each move leads to, shape (STATES, len(MOVES)); meaningless where its rate is 0."""


@dataclass(frozen=True)
class Sojourns:
    """Stays of deals in states, in the order in which they happened within each deal.

    `deal` (any numbering), `begin` and `end` as readings of the work clock, `state`, and `following`: the
    state after it, or -1 where the clock stopped first.
    """

    deal: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    state: np.ndarray
    following: np.ndarray


def live(rates: Rates, state: np.ndarray, begin: np.ndarray, stop: np.ndarray, random: np.random.Generator) -> Sojourns:
    """Let n deals live from `begin` in `state` until they close or the clock reads `stop`; shape (n,) each.

    All deals take their next step together, so that the number of array operations is that of the steps of
    the longest life.
    """
    if not len(rates):
        return Sojourns(*(np.zeros(0, np.int64) for _ in range(5)))
    alive = np.arange(len(rates))
    now, state = begin.astype(float), state.copy()
    steps: list[tuple[np.ndarray, ...]] = []
    while len(alive):
        moves = np.cumsum(rates.take(alive).of(state), axis=1)
        until = now + random.standard_exponential(len(alive)) / moves[:, -1]
        draw = random.random(len(alive)) * moves[:, -1]
        move = np.minimum((moves <= draw[:, None]).sum(axis=1), len(MOVES) - 1)
        following = np.where(until < stop[alive], TARGET[state, move], -1)
        until = np.minimum(until, stop[alive])
        steps.append((alive, now, until, state, following))
        going = (following >= 0) & (following < STATES)
        alive, now, state = alive[going], until[going], following[going]
    columns = [np.concatenate(column) for column in zip(*steps, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Sojourns(*(column[order] for column in columns))


def stage_of(state: np.ndarray) -> np.ndarray:
    """The stage that each state belongs to, closed ones included; same shape."""
    return np.select([state == WON, state == LOST], [CLOSED_WON, CLOSED_LOST], state // MOODS)


def win_probability(rates: Rates, chunk: int = 4096) -> np.ndarray:
    """The probability that a deal is won in the end from each open state, shape (n, STATES).

    It solves (D - R) h = w, where R holds the rates between open states, w the rates of winning and D, on the
    diagonal, the sum of all rates that lead away: the absorption probabilities of a Markov chain.
    """
    result = np.empty((len(rates), STATES))
    for first in range(0, len(rates), chunk):
        rows = np.arange(first, min(first + chunk, len(rates)))
        between, winning = generator(rates.take(rows))
        result[rows] = np.linalg.solve(-between, winning[:, :, None])[:, :, 0]
    return result


def win_probability_within(rates: Rates, state: np.ndarray, busy_days: np.ndarray) -> np.ndarray:
    """The probability that a deal in `state` is won within so many busy days; shape (n,) each.

    Uniformisation (Jensen 1953): the chain is watched at the ticks of a Poisson process that is faster than
    every rate; the probability is the one after k ticks, weighted by the probability of k ticks.
    """
    between, winning = generator(rates)
    pace = 1.02 * np.max(-np.diagonal(between, axis1=1, axis2=2), axis=1)
    jump = between / pace[:, None, None] + np.eye(STATES)
    step = winning / pace[:, None]
    ticks = pace * np.maximum(busy_days, 0)
    reached = np.zeros((len(rates), STATES))
    total = np.zeros(len(rates))
    log_weight = -ticks
    here = np.arange(len(rates))
    log_ticks = np.log(ticks, out=np.full(len(rates), -np.inf), where=ticks > 0)
    for tick in range(1, int(ticks.max(initial=0.0) + 10 * np.sqrt(ticks.max(initial=0.0)) + 20)):
        reached = (jump @ reached[:, :, None])[:, :, 0] + step
        log_weight = log_weight + log_ticks - np.log(tick)
        total += np.exp(log_weight) * reached[here, state]
    return total


def generator(rates: Rates) -> tuple[np.ndarray, np.ndarray]:
    """The generator among open states, shape (n, STATES, STATES), and the rates of winning, (n, STATES)."""
    count = len(rates)
    between = np.zeros((count, STATES, STATES))
    winning = np.empty((count, STATES))
    for state in range(STATES):
        moves = rates.of(np.full(count, state))
        winning[:, state] = moves[:, _WIN]
        between[:, state, state] = -moves.sum(axis=1)
        for move in range(_WIN):
            if _MOVING[state, move] > 0:
                between[:, state, TARGET[state, move]] += moves[:, move]
    return between, winning
