"""The expected close date: first a hope, then pushed on as it comes near, at last the day it happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.clock import Clock, quarter_of
from crm.simulator.company import NEVER, People
from crm.simulator.deals import Deals
from crm.simulator.dynamics import MOODS
from crm.simulator.lives import Paths, Spans, StageMoves, state_at
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.streams import CodeHistory, code_history, packed
from crm.simulator.vocabulary import OPEN_STAGES

_USUALLY_LEFT = np.array([80.0, 66.0, 50.0, 34.0, 19.0])  # days, by stage, at average speed
_REESTIMATED = 0.35  # of the moves forward to the last two stages
_PUSHED = np.array([0.40, 0.70, 0.95])  # by mood, each time the rep looks
_SHORTEST, _LONGEST = np.array([8, 9, 9]), np.array([28, 32, 36])  # days of a push, by mood


@dataclass
class _Outlook:
    """What the owners of k deals expect: `date` (days since 1970), last thought of at second `seen`.

    The owner looks at it again from second `since` on.
    """

    date: np.ndarray
    seen: np.ndarray
    since: np.ndarray


def close_dates(
    settings: SimulatorSettings,
    people: People,
    deals: Deals,
    paths: Paths,
    spans: Spans,
    moves: StageMoves,
    clock: Clock,
) -> CodeHistory:
    """The history of each deal's close date, in days since 1970.

    Nothing in it looks ahead: reps know the deal's pace, its stage and its mood, never when it will close.
    All deals take their next change together, so that the loop runs as often as the busiest date changed.
    """
    random = settings.random("close dates")
    first_day = int(np.datetime64(settings.start, "D").astype(np.int64))
    optimism = people.optimism[deals.owner[spans.deal]]
    sloppiness = people.sloppiness[deals.owner[spans.deal]]
    pace = optimism / deals.speed[spans.deal]

    def hoped(span: np.ndarray, stage: np.ndarray, second: np.ndarray) -> np.ndarray:
        left = _USUALLY_LEFT[stage] * pace[span] * np.exp(random.normal(0, 0.3, len(span)))
        return _habitual(first_day + second // DAY + np.maximum(left, 3).astype(np.int64), random)

    everyone = np.arange(len(spans.deal))
    opening = state_at(paths, spans.deal, spans.opened) // MOODS
    outlook = _Outlook(hoped(everyone, opening, spans.opened), spans.opened.copy(), spans.opened + DAY)
    events = [(everyone, spans.opened, outlook.date.copy())]
    revisions = _Revisions.of(moves, random)
    active = everyone
    while len(active):
        due = (outlook.date[active] - first_day) * DAY
        delay = random.exponential(2 + 16 * sloppiness[active]) - 4
        look = np.maximum(due + (delay * DAY).astype(np.int64), outlook.since[active])
        look = np.maximum(clock.later(look, random.random(len(active)) * 0.9), look)
        moved, stage = revisions.following(spans.deal[active], outlook.seen[active])
        at = np.minimum(look, moved)
        going = at < spans.closed[active]
        active, at, stage, by_move = active[going], at[going], stage[going], (moved <= look)[going]
        mood = state_at(paths, spans.deal[active], at) % MOODS
        push = ~by_move & (random.random(len(active)) < _PUSHED[mood])
        days = random.integers(_SHORTEST[mood], _LONGEST[mood])
        pushed = _habitual(np.maximum(outlook.date[active], first_day + at // DAY) + days, random)
        new = np.where(by_move, hoped(active, stage, at), np.where(push, pushed, outlook.date[active]))
        outlook.date[active] = new
        wait = np.where(by_move | push, 1, random.integers(3, 12, len(active)))
        outlook.seen[active] = at
        outlook.since[active] = at + wait * DAY
        events.append((active, at, new))
    closed = np.flatnonzero(spans.is_closed)
    events.append((closed, spans.closed[closed], first_day + spans.closed[closed] // DAY))
    span, at, date = (np.concatenate(column) for column in zip(*events, strict=True))
    is_first = np.diff(spans.deal, prepend=-1) != 0
    return code_history(events[0][2][is_first], spans.deal[span], at, date)


@dataclass(frozen=True)
class _Revisions:
    """Moves of stage at which the rep thinks again about the date, sorted by deal and time."""

    key: np.ndarray
    deal: np.ndarray
    at: np.ndarray
    stage: np.ndarray

    @classmethod
    def of(cls, moves: StageMoves, random: np.random.Generator) -> _Revisions:
        forward = (moves.new > moves.old) & (moves.new >= OPEN_STAGES - 2) & (moves.new < OPEN_STAGES)
        chosen = forward & (random.random(len(forward)) < _REESTIMATED)
        deal, at = moves.deal[chosen], moves.at[chosen]
        return cls(packed(deal, at), deal, at, moves.new[chosen])

    def following(self, deal: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first revision of each deal after each second, and its stage; NEVER where there is none."""
        if not len(self.key):
            return np.full(len(deal), NEVER), np.zeros(len(deal), np.int64)
        row = np.searchsorted(self.key, packed(deal, second), side="right")
        found = row < len(self.key)
        row = np.minimum(row, len(self.key) - 1)
        found &= self.deal[row] == deal
        return np.where(found, self.at[row], NEVER), np.where(found, self.stage[row], 0)


def _habitual(days: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Dates as people enter them: a third on the last day of a month, some on that of a quarter."""
    draw = random.random(len(days))
    date = days.astype("datetime64[D]")
    month_end = ((date.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1).astype(np.int64)
    quarter_end = quarter_of(date)[1].astype(np.int64) - 1
    return np.select([draw < 0.10, draw < 0.40], [quarter_end, month_end], days)
