"""What coaching brought: deals that were shown it against deals from which it was held back by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.errors import DataRefused
from features.histories import Histories
from features.settings import TimeSettings
from serving.trial.assignment import COACHED, HELD_BACK, OWNER
from serving.trial.checks import Balance, Finding, balance, findings
from serving.trial.estimate import Difference, difference
from serving.trial.information import Information, information
from serving.trial.outcomes import Outcomes, came_in, outcomes

WON, REVENUE, STALLED = "won", "revenue", "stalled"
PACE_DAYS = 91
"""How far back to look for how many deals a day are being entered."""

_MOST_VARIED = 0.25


@dataclass(frozen=True)
class Effect:
    """What coaching changed of one outcome.

    :param days: how long each deal is followed for it; :param deals: those that answer, or are followed so far.
    :param information: whether a difference could be told; None of revenue, which is told with the share won.
    :param difference: None where it is too early, or where the trial is broken.
    :param coached, held_back: the arms' own means, not allowing for anything; None likewise.
    :param came_by: when the last of the deals that answer came in, milliseconds; None likewise.
    """

    outcome: str
    days: int
    deals: int
    information: Information | None
    difference: Difference | None
    coached: float | None
    held_back: float | None
    came_by: int | None


@dataclass(frozen=True)
class Arm:
    """An arm: deals and units in it, deals followed to the end, deals ever shown coaching before and since."""

    deals: int
    units: int
    followed: int
    shown_before: int
    shown_since: int


@dataclass(frozen=True)
class Impact:
    """A trial and what it says.

    :param trial: its settings and dates (:meth:`serving.store_trial.TrialStore.trials`).
    :param ended: deals closed and of these won, by arm; None where it is too early.
    :param ready_at: when the share won can be told at the present pace, milliseconds; None where it can be now, or
        where no pace would do.
    :param pace: deals that come in a day, as many as were entered of late.
    """

    trial: Mapping[str, Any]
    arms: Mapping[str, Arm]
    effects: tuple[Effect, ...]
    ended: Mapping[str, tuple[int, int]] | None
    findings: tuple[Finding, ...]
    balance: Balance
    ready_at: int | None
    pace: float


def impact(
    trial: Mapping[str, Any],
    assigned: pd.DataFrame,
    shown: pd.DataFrame,
    histories: Histories,
    time: TimeSettings,
    until: int,
    enrols_until: int | None,
    scored: int,
) -> Impact:
    """What a trial says by `until` (milliseconds).

    :param assigned: its deals; :param shown: what they were shown (both of :class:`serving.store_trial.TrialStore`).
    :param enrols_until: up to when deals come in, milliseconds; None = for good.
    :param scored: deals scored since the first came in; of those entered from now on as large a share will come in.
    :raises DataRefused: where none of its deals is in the tables.
    """
    found = outcomes(assigned, histories, time, until)
    if found.gone.all():
        raise DataRefused(
            f"none of the {len(assigned):,} deals of the trial is in these tables",
            expected="the tables of the company whose deals were scored, as of a day on which these had been entered",
            remedy="see that --data and --home belong together, and that --as-of is not before the trial",
        )
    alike = balance(assigned)
    off = findings(assigned, found, shown, alike)
    sound = not any(one.serious for one in off)
    effects = _effects(trial, assigned, found, time, sound)
    told = effects[0].difference is not None
    pace = _pace(histories, until) * min(len(assigned) / max(scored, 1), 1.0)
    return Impact(
        trial=trial,
        arms={arm: _arm(assigned, found, shown, arm) for arm in (HELD_BACK, COACHED)},
        effects=effects,
        ended=_ended(assigned, found) if told else None,
        findings=off,
        balance=alike,
        ready_at=None if told else _ready_at(effects[0], assigned, found, until, enrols_until, pace),
        pace=pace,
    )


def _effects(
    trial: Mapping[str, Any], assigned: pd.DataFrame, found: Outcomes, time: TimeSettings, sound: bool
) -> tuple[Effect, ...]:
    """The share won, the revenue, the share stalled, as far as each can be told."""
    chance = assigned["win_probability"].to_numpy(float)
    amount = assigned["amount"].astype(float).to_numpy()
    amount = np.where(np.isnan(amount), np.nanmean(amount) if (~np.isnan(amount)).any() else 0.0, amount)
    foreseen = float((chance * (1 - chance)).mean())
    deals = _Deals(trial, assigned)
    won, answered = deals.share(WON, found.won, foreseen, int(trial["follow_days"]), sound)
    worth = np.column_stack([chance, amount, chance * amount])
    revenue = deals.told(REVENUE, found.revenue, worth, won.days, None, answered[~np.isnan(found.revenue[answered])])
    return won, revenue, deals.share(STALLED, found.stalled, _MOST_VARIED, time.stall_days, sound)[0]


class _Deals:
    """The deals of a trial in the order in which they came in."""

    def __init__(self, trial: Mapping[str, Any], assigned: pd.DataFrame) -> None:
        self._share = float(trial["share"])
        self._fixed = trial["unit_kind"] == OWNER
        self._coached = (assigned["arm"] == COACHED).to_numpy()
        self._unit = np.unique(assigned["unit"].to_numpy(object).astype(str), return_inverse=True)[1]
        self._chance = assigned["win_probability"].to_numpy(float)[:, None]
        self._at = came_in(assigned)

    def share(self, outcome: str, y: np.ndarray, foreseen: float, days: int, sound: bool) -> tuple[Effect, np.ndarray]:
        """The effect on a share, and the deals that answer: the first ones that were enough, and no later ones.

        Were it answered anew with every deal, an effect would seem proven sooner or later where there is none.
        """
        known = np.flatnonzero(~np.isnan(y))
        known = known[np.argsort(self._at[known], kind="stable")]
        ends = np.flatnonzero(np.diff(self._at[known], append=-1)) + 1
        for end in ends:
            there = self._information(y, known[:end], foreseen)
            if there.enough:
                answering = known[:end] if sound else known[:0]
                return self.told(outcome, y, self._chance, days, there, answering), answering
        there = self._information(y, known, foreseen)
        return Effect(outcome, days, len(known), there, None, None, None, None), known[:0]

    def told(
        self, outcome: str, y: np.ndarray, x: np.ndarray, days: int, there: Information | None, rows: np.ndarray
    ) -> Effect:
        """The effect by some of the deals; nothing is told by none."""
        if not len(rows):
            return Effect(outcome, days, 0 if there is None else there.followed, there, None, None, None, None)
        coached = self._coached[rows]
        made = difference(y[rows], coached, x[rows], self._unit[rows])
        mean, mean_held = (float(y[rows][arm].mean()) for arm in (coached, ~coached))
        return Effect(outcome, days, len(rows), there, made, mean, mean_held, int(self._at[rows].max()))

    def _information(self, y: np.ndarray, rows: np.ndarray, foreseen: float) -> Information:
        return information(
            y[rows],
            self._coached[rows],
            self._chance[rows],
            self._unit[rows],
            foreseen,
            share=self._share,
            fixed=self._fixed,
        )


def _arm(assigned: pd.DataFrame, found: Outcomes, shown: pd.DataFrame, arm: str) -> Arm:
    inside = (assigned["arm"] == arm).to_numpy()
    seen = shown.reindex(assigned["opportunity_id"][inside]).fillna(0)
    return Arm(
        deals=int(inside.sum()),
        units=int(assigned["unit"][inside].nunique()),
        followed=int((~np.isnan(found.won[inside])).sum()),
        shown_before=int((seen["before"] > 0).sum()),
        shown_since=int((seen["since"] > 0).sum()),
    )


def _ended(assigned: pd.DataFrame, found: Outcomes) -> dict[str, tuple[int, int]]:
    arms = {arm: found.ended[(assigned["arm"] == arm).to_numpy()] for arm in (HELD_BACK, COACHED)}
    return {arm: (int((ended >= 0).sum()), int((ended == 1).sum())) for arm, ended in arms.items()}


def _pace(histories: Histories, until: int) -> float:
    """Deals entered a day over the last quarter, or over the whole history where that is shorter."""
    opened = histories.episodes.opened
    days = min(PACE_DAYS, max((until - int(opened.min())) / DAY, 1.0))
    return float(((opened >= until - days * DAY) & (opened <= until)).sum() / days)


def _ready_at(
    won: Effect, assigned: pd.DataFrame, found: Outcomes, until: int, enrols_until: int | None, pace: float
) -> int | None:
    """When as many deals as needed have been followed, those that are in and those to come at the present pace."""
    needed = None if won.information is None else won.information.needed
    if needed is None:
        return None
    entered = np.sort(came_in(assigned)[~found.closed_before])
    lacking = needed - len(entered)
    if lacking <= 0:
        return max(int(entered[needed - 1]) + won.days * DAY, until) if needed > 0 else None
    if pace <= 0:
        return None
    last = until + int(lacking / pace * DAY)
    return None if enrols_until is not None and last > enrols_until else last + won.days * DAY
