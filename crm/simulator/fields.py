"""The tracked fields that change with a deal's stage: stage, amount, forecast category, next step."""

from __future__ import annotations

import numpy as np

from crm.simulator.deals import Deals, rounded
from crm.simulator.dynamics import HOT, MOODS, QUIET, STATES
from crm.simulator.lives import Paths, StageMoves
from crm.simulator.settings import SimulatorSettings
from crm.simulator.streams import CodeHistory, code_history
from crm.simulator.typed import MISSING
from crm.simulator.vocabulary import (
    CLOSED_WON,
    FORECAST_CATEGORIES,
    NEXT_STEPS,
    OPEN_STAGES,
    STAGES,
)

_AMOUNT_MISSING = 0.05
_AMOUNT_FILLED_IN = 0.35  # at each move of the stage
_CATEGORY_OF_STAGE = np.array([FORECAST_CATEGORIES.index(stage.forecast_category) for stage in STAGES])
_TEXTS = len(NEXT_STEPS[0])


def stages(deals: Deals, moves: StageMoves) -> CodeHistory:
    """The history of the stage."""
    return code_history(deals.state // MOODS, moves.deal, moves.at, moves.new)


def amounts(settings: SimulatorSettings, deals: Deals, moves: StageMoves) -> CodeHistory:
    """The history of the amount: revised on the way, discounted late, missing at first for some."""
    random = settings.random("amounts")
    count = len(moves.deal)
    forward = (moves.new > moves.old) & (moves.new < OPEN_STAGES)
    revised = forward & (random.random(count) < 0.30)
    late = forward & (moves.new >= OPEN_STAGES - 2) & (random.random(count) < 0.30)
    at_last = (moves.new == CLOSED_WON) & (random.random(count) < 0.20)
    step = np.where(revised, random.normal(0.03, 0.17, count), 0.0)
    step += np.where(late, np.log(random.uniform(0.78, 0.96, count)), 0.0)
    step += np.where(at_last, np.log(random.uniform(0.86, 0.98, count)), 0.0)
    amount = rounded(deals.size[moves.deal] * np.exp(_cumulated(moves.deal, step)))
    missing = random.random(len(deals)) < _AMOUNT_MISSING
    filled_in = _cumulated(moves.deal, (random.random(count) < _AMOUNT_FILLED_IN).astype(float)) > 0
    unknown = missing[moves.deal] & ~filled_in
    initial = np.where(missing, MISSING, deals.size)
    untouched = _cumulated(moves.deal, (step != 0).astype(float)) == 0
    amount = np.where(untouched, deals.size[moves.deal], amount)
    return code_history(initial, moves.deal, moves.at, np.where(unknown, MISSING, amount))


def _cumulated(deal: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Running sums within each deal."""
    total = np.concatenate([[0.0], np.cumsum(step)])
    first = np.searchsorted(deal, deal)
    return total[1:] - total[first]


def forecast_categories(settings: SimulatorSettings, deals: Deals, moves: StageMoves) -> CodeHistory:
    """The history of the forecast category: the stage's, or a notch off as the rep sees it."""
    random = settings.random("forecast categories")
    initial = _judged(deals.state // MOODS, deals.state % MOODS, random)
    judged = _judged(np.minimum(moves.new, OPEN_STAGES - 1), moves.mood, random)
    new = np.where(moves.new < OPEN_STAGES, judged, _CATEGORY_OF_STAGE[moves.new])
    return code_history(initial, moves.deal, moves.at, new)


def _judged(stage: np.ndarray, mood: np.ndarray, random: np.random.Generator) -> np.ndarray:
    draw = random.random(len(stage))
    up = draw < np.where(mood == HOT, 0.25, 0.06)
    down = draw > np.where(mood == QUIET, 0.65, 0.92)
    return np.clip(_CATEGORY_OF_STAGE[stage] + up - down, 0, 2)


def next_steps(settings: SimulatorSettings, deals: Deals, paths: Paths, moves: StageMoves) -> CodeHistory:
    """The history of the next step: set at moves of stage and, at times, of mood; cleared on closing."""
    random = settings.random("next steps")
    within = (paths.following >= 0) & (paths.following < STATES)
    within &= paths.following // MOODS == paths.state // MOODS
    stirred = np.flatnonzero(within & (random.random(len(paths)) < 0.3))
    noted = (moves.new >= OPEN_STAGES) | (random.random(len(moves.deal)) < 0.75)
    deal = np.concatenate([moves.deal[noted], paths.deal[stirred]])
    at = np.concatenate([moves.at[noted], paths.end[stirred]])
    stage = np.concatenate([moves.new[noted], paths.state[stirred] // MOODS])
    text = np.where(stage < OPEN_STAGES, stage * _TEXTS + random.integers(0, _TEXTS, len(stage)), MISSING)
    first = deals.state // MOODS * _TEXTS + random.integers(0, _TEXTS, len(deals))
    initial = np.where(random.random(len(deals)) < 0.5, first, MISSING)
    return code_history(initial, deal, at, text)
