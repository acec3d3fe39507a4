"""Simulated companies into whose history something was put: a deed that goes with winning, one that is of no use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from crm.simulator import Simulation, SimulatorSettings, simulate
from crm.simulator.dynamics import MOODS
from crm.simulator.parts import Ids
from crm.simulator.settings import DAY
from training.rows import Rows

DEED, USELESS = "security review", "status report"
STAGE = "Proposal"
WON_HAD, LOST_HAD, OPEN_HAD = 0.55, 0.25, 0.35
WITHIN_DAYS = 10
"""The deed is done so many days after the stage is entered, or sooner."""

COUNTED = {kind: f"count:{kind}" for kind in (DEED, USELESS)}
"""The features that count them."""


def injected(settings: SimulatorSettings, a_day: float, by_mood: tuple[float, float, float]) -> Simulation:
    """A company with both in its tables.

    :param a_day: how often the useless is logged a day on a warm deal; `by_mood` multiplies it (hot, warm, cold).
        It follows how long and how warm a deal lives, and nothing else.
    """
    made, random = simulate(settings), np.random.default_rng(settings.seed)
    deed, useless = _deeds(made, random), _useless(made, a_day, np.array(by_mood), random)
    activities = pd.concat([made.tables["activities"], _rows(made, deed, DEED), _rows(made, useless, USELESS)])
    return replace(made, tables=made.tables.with_frames(activities=activities.reset_index(drop=True)))


def shuffled(rows: Rows, seed: int) -> Rows:
    """The rows with the outcomes of closed deals dealt out anew among them."""
    closed = np.flatnonzero(rows.outcome >= 0)
    _, first, code = np.unique(rows.deal[closed], return_index=True, return_inverse=True)
    outcome = rows.outcome.copy()
    outcome[closed] = np.random.default_rng(seed).permutation(rows.outcome[closed][first])[code]
    return replace(rows, outcome=outcome)


def _deeds(made: Simulation, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Deal and second of each time that the deed was done: in the first days of a deal's first stay in the stage."""
    paths = made.company.paths
    stage = made.tables["stages"]["stage"].tolist().index(STAGE)
    there = np.flatnonzero(paths.state // MOODS == stage)
    new_stay = np.diff(there, prepend=-2) != 1
    new_stay |= np.diff(paths.deal[there], prepend=-1) != 0
    start = np.flatnonzero(new_stay)
    last = np.append(start[1:], len(there)) - 1
    deal, begin, end = paths.deal[there[start]], paths.begin[there[start]], paths.end[there[last]]
    first = np.unique(deal, return_index=True)[1]
    deal, begin, end = deal[first], begin[first], end[first]
    won = made.tables["opportunities"]["is_won"].astype("boolean")
    had = np.where(won.isna(), OPEN_HAD, np.where(won.fillna(False), WON_HAD, LOST_HAD))[deal]
    done = random.random(len(deal)) < had
    span = np.minimum(end - begin, WITHIN_DAYS * DAY)
    return deal[done], (begin + random.random(len(deal)) * span).astype(np.int64)[done]


def _useless(
    made: Simulation, a_day: float, by_mood: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Deal and second of each time that the useless was logged while a deal was open."""
    paths = made.company.paths
    days = (paths.end - paths.begin) / DAY
    row = np.repeat(np.arange(len(paths)), random.poisson(a_day * by_mood[paths.state % MOODS] * days))
    at = paths.begin[row] + random.random(len(row)) * (paths.end - paths.begin)[row]
    return paths.deal[row], at.astype(np.int64)


def _rows(made: Simulation, done: tuple[np.ndarray, np.ndarray], kind: str) -> pd.DataFrame:
    """Rows of activities, logged as they were done."""
    deal, second = done
    like = made.tables["activities"].iloc[:0]
    at = pd.Series(made.company.deal_time(deal, second)).dt.tz_localize("UTC").astype(like["occurred_at"].dtype)
    found = like.reindex(range(len(deal)))
    found["opportunity_id"] = np.asarray(Ids.of(made.company).deal)[deal]
    found["occurred_at"] = found["recorded_at"] = at
    found["kind"], found["direction"] = kind, "internal"
    return found.astype(like.dtypes)
