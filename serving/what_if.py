"""The smallest change that would have the model answer differently, where the record of like deals agrees.

Nothing is changed but by adding to a deal's history what an action (`serving.actions`) would add to it today, so that
all features move together and time cannot run back. What the model then says is association, and is told only where
closed deals like this one that had it did better than those that had not: a model's slope alone is no advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY
from features.dataset import ScoringSet
from features.hypothetical import COPY, features_with
from serving.actions.action import Action, OpenDeals, open_deals
from serving.actions.catalogue import actions
from serving.change import Change, as_step
from serving.formats import HOUSE, Formats
from serving.grades import Grades, score_of
from serving.like_deals import Like
from serving.like_records import Asked, Record, records_of
from training.deal_model import Answers, DealModel

LEAST_POINTS = 0.03
LEAST_POINTS_TO_A_GRADE = 0.02
LEAST_OF_A_PAIR = 0.01
"""What each of two actions must be worth by itself."""
LEAST_STALL_POINTS = 0.10
HARDLY = 0.01
"""The win chance falls no further where a lower stall risk is told."""
MOST_IN_PAIRS = 3
"""Pairs are tried of so many actions, those that move the model most."""
LEAST_AGREEING = 0.2
"""Share of the deals on which an action can be done whose records must speak for it: one in ten does by chance."""
MOST_ASKED = 500
"""Deals that are asked for that share."""


@dataclass(frozen=True)
class Tried:
    """What the model would say of open deals had something been done; shape (k,) each.

    :param of: which deal, a place among the open ones.
    :param done: what was done.
    :param features: (k, …) what would be known of them.
    """

    of: np.ndarray
    done: tuple[Action, ...]
    features: pd.DataFrame
    win: np.ndarray
    stall: np.ndarray


def what_if(
    scoring: ScoringSet, model: DealModel, answers: Answers, grades: Grades, like: Like, formats: Formats = HOUSE
) -> list[dict[str, Any] | None]:
    """Each open deal's smallest change, as a step of its coaching; None where there is none to tell.

    One action where one does: where it raises the win chance by three points or to the next grade; else two; else one
    that lowers the stall risk clearly while the win chance stays. Of several that do, the one that does most. Like
    deals must speak for it on this deal, and on more of all deals than they would by chance.
    """
    found: dict[int, Change] = {}
    asking = _Asking(scoring, model, answers, grades, like)
    singles = asking.tried([((action,), rows) for action, rows in asking.feasible()])
    winning = [one for one in singles if asking.agreed(one, of_stall=False)]
    enough = [(one, asking.raises(one)) for one in winning]
    found |= asking.best(enough, of_stall=False)
    moved = np.zeros(len(answers.win), dtype=bool)
    for one, does in enough:
        moved[one.of[does]] = True
    pairs = asking.tried(list(asking.pairs(winning, ~moved)))
    found |= asking.best([(one, asking.raises(one)) for one in pairs], of_stall=False)
    calmer = [(one, asking.calms(one) & ~np.isin(one.of, list(found))) for one in singles]
    agreed = [(one, does) for one, does in calmer if does.any() and asking.agreed(one, of_stall=True)]
    found |= asking.best(agreed, of_stall=True)
    return [asking.told(found[deal], formats) if deal in found else None for deal in range(len(answers.win))]


def offered(scoring: ScoringSet, model: DealModel) -> tuple[Action, ...]:
    """The actions of which the company's tables tell, and of which the model has learned anything."""
    known = set(model.names) & set(scoring.prepared.known_features)
    return tuple(action for action in actions(model.vocabulary) if set(action.asks) <= known)


class _Asking:
    """Asks the model, and the record, about open deals."""

    def __init__(self, scoring: ScoringSet, model: DealModel, answers: Answers, grades: Grades, like: Like) -> None:
        self.scoring, self.model, self.answers, self.grades, self.like = scoring, model, answers, grades, like
        histories = scoring.prepared.histories
        self.deals = open_deals(
            histories, scoring.snapshots.deal, scoring.as_of, scoring.features, _expected(scoring.as_of, answers)
        )
        self._of_closed: dict[str, np.ndarray] = {}
        self.group = np.array([scoring.prepared.catalogue.feature(name).group for name in model.names])

    def feasible(self) -> Iterator[tuple[Action, np.ndarray]]:
        """Each action that can be done on any deal, and the deals."""
        for action in offered(self.scoring, self.model):
            rows = np.flatnonzero(action.open_to(self.deals))
            if len(rows):
                yield action, rows

    def tried(self, attempts: Sequence[tuple[tuple[Action, ...], np.ndarray]]) -> list[Tried]:
        """The answers had something been done, for each of the attempts: what, and on which deals."""
        if not attempts:
            return []
        ends = np.cumsum([len(rows) for _, rows in attempts])
        added: dict[str, list[pd.DataFrame]] = {}
        for (done, rows), end in zip(attempts, ends, strict=True):
            for table, frame in _added(self.deals.take(rows), done):
                added.setdefault(table, []).append(frame.assign(**{COPY: frame[COPY] + end - len(rows)}))
        every = np.concatenate([rows for _, rows in attempts])
        features = features_with(
            self.scoring.prepared,
            self.deals.deal[every],
            self.scoring.as_of,
            {table: pd.concat(parts, ignore_index=True) for table, parts in added.items()},
            self.model.names,
        )
        x = self.model.matrix(features)
        win, stall = self.model.win_chance(x), self.model.stall_risk(x)
        parts = (slice(end - len(rows), end) for (_, rows), end in zip(attempts, ends, strict=True))
        return [
            Tried(rows, done, features[part].reset_index(drop=True), win[part], stall[part])
            for (done, rows), part in zip(attempts, parts, strict=True)
        ]

    def raises(self, tried: Tried) -> np.ndarray:
        """Where the win chance rises by enough, or to a better grade; shape (k,), bool."""
        before = self.answers.win[tried.of]
        gain = tried.win - before
        better = self.grades.of(score_of(tried.win)) < self.grades.of(score_of(before))  # A stands before B
        return (gain >= LEAST_POINTS) | (better.astype(bool) & (gain >= LEAST_POINTS_TO_A_GRADE))

    def calms(self, tried: Tried) -> np.ndarray:
        """Where the stall risk falls clearly and the win chance does not; shape (k,), bool."""
        falls = self.answers.stall[tried.of] - tried.stall >= LEAST_STALL_POINTS  # False where not known
        return falls & (tried.win - self.answers.win[tried.of] > -HARDLY)

    def pairs(self, singles: Sequence[Tried], among: np.ndarray) -> Iterator[tuple[tuple[Action, Action], np.ndarray]]:
        """Pairs of the actions that do most for each deal, each of them something, and for which deals."""
        gain = np.zeros((len(self.answers.win), len(singles)))
        for column, one in enumerate(singles):
            gain[one.of, column] = one.win - self.answers.win[one.of]
        rank = np.argsort(np.argsort(-gain, axis=1, kind="stable"), axis=1, kind="stable")
        worth = (gain >= LEAST_OF_A_PAIR) & (rank < MOST_IN_PAIRS) & among[:, None]
        for first, second in combinations(range(len(singles)), 2):
            both = singles[first].done[0], singles[second].done[0]
            rows = np.flatnonzero(worth[:, first] & worth[:, second])
            if both[0].topic != both[1].topic and len(rows):
                yield both, rows

    def agreed(self, tried: Tried, *, of_stall: bool) -> bool:
        """Whether like deals speak for it on more of the deals on which it can be done than chance would have them."""
        asked = np.unique(np.linspace(0, len(tried.of) - 1, MOST_ASKED).astype(int))
        return len(list(self._backed(tried, asked, of_stall))) >= LEAST_AGREEING * len(asked)

    def best(self, tried: Sequence[tuple[Tried, np.ndarray]], *, of_stall: bool) -> dict[int, Change]:
        """For each deal, of the attempts that do enough and that the record speaks for, the one that does most."""
        found: dict[int, Change] = {}
        for one, does in tried:
            for change in self._backed(one, np.flatnonzero(does), of_stall):
                if change.deal not in found or _does(change) > _does(found[change.deal]):
                    found[change.deal] = change
        return found

    def _backed(self, tried: Tried, rows: np.ndarray, of_stall: bool) -> Iterator[Change]:
        """The changes that like deals' record speaks for."""
        closed = self.like.closed
        before = [action.state(self.deals.features)[tried.of] for action in tried.done]
        after = [action.state(tried.features) for action in tried.done]
        came = closed.stalled if of_stall else closed.won.astype(float)
        compared = self._untouched(tried)
        for part in _alike([self.scoring.stage[tried.of], *before, *after], rows):
            states = tuple((int(b[part[0]]), int(a[part[0]])) for b, a in zip(before, after, strict=True))
            had, had_not = self._with_and_without(tried.done, states, self.scoring.stage[tried.of[part[0]]])
            asked = Asked(self.like.here[tried.of[part]], self.deals.deal[tried.of[part]], compared)
            for row, record in zip(part, records_of(asked, closed, had, had_not, came), strict=True):
                if record.lowers if of_stall else record.raises:
                    yield self._change(tried, row, states, record, of_stall)

    def _change(
        self, tried: Tried, row: int, states: tuple[tuple[int, int], ...], record: Record, of_stall: bool
    ) -> Change:
        deal = int(tried.of[row])
        win = float(self.answers.win[deal]), float(tried.win[row])
        stall = float(self.answers.stall[deal]), float(tried.stall[row])
        return Change(deal, tried.done, states, win, stall, record, of_stall)

    def _untouched(self, tried: Tried) -> np.ndarray:
        """The groups of features, in the order of `closed.groups`, of which none has moved on any deal."""
        names = list(self.model.names)
        before = self.scoring.features[names].to_numpy()[tried.of]
        after = tried.features[names].to_numpy()
        moved = ~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=0)
        return ~np.isin(self.like.closed.groups, self.group[moved])

    def _with_and_without(
        self, done: tuple[Action, ...], states: tuple[tuple[int, int], ...], stage: str | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the closed deals of a stage that had all that is to be done, and of those that had none of it."""
        closed = self.like.closed
        had, had_not = closed.in_stage(stage), closed.in_stage(stage)
        for action, (before, after) in zip(done, states, strict=True):
            state = self._states(action)
            had, had_not = had & (state >= after), had_not & (state <= before)
        return np.flatnonzero(had), np.flatnonzero(had_not)

    def _states(self, action: Action) -> np.ndarray:
        if action.name not in self._of_closed:
            self._of_closed[action.name] = action.state(self.like.closed.features)
        return self._of_closed[action.name]

    def told(self, change: Change, formats: Formats) -> dict[str, Any]:
        """A change as a step of coaching: plain data, with its sentences."""
        letters = tuple(str(one) for one in self.grades.of(score_of(np.array(change.win))))
        return as_step(change, self.deals.expected[change.deal], letters, formats)


def _added(deals: OpenDeals, done: tuple[Action, ...]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows that actions would add, each with its table; `copy` says to which of the deals."""
    for action in done:
        for table, row in action.adds(deals).items():
            yield table, pd.DataFrame({COPY: np.arange(len(deals)), **row})


def _expected(as_of: int, answers: Answers) -> np.ndarray:
    """The day (since 1970) by which half of the wins come, given a win; NaN where it is not known. Shape (n,)."""
    days = answers.curve.days_to_win()
    return np.where(days <= answers.curve.farthest, np.floor(as_of / DAY + days), np.nan)


def _does(change: Change) -> float:
    """By how much the answer is better."""
    return change.stall[0] - change.stall[1] if change.of_stall else change.win[1] - change.win[0]


def _alike(columns: Sequence[np.ndarray], rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows in parts that are equal in all columns."""
    frame = pd.DataFrame({place: column[rows] for place, column in enumerate(columns)})
    for part in frame.groupby(list(frame.columns), dropna=False, sort=False).indices.values():
        yield rows[part]
