"""Who owns each deal when: people leave, territories change, a closed deal comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.simulator.company import NEVER, People
from crm.simulator.deals import Deals
from crm.simulator.lives import Spans
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.streams import CodeHistory, code_history

_CHANGE_EACH_MONTH = 0.004
_CHANGE_EACH_FEBRUARY = 0.07
_TO_SUCCESSOR = 0.6


@dataclass(frozen=True)
class _Occasion:
    """A morning on which deals change hands: those of one `leaver` (a seat), or a `share` of all."""

    at: int
    leaver: int = -1
    share: float = 1.0


def owners(settings: SimulatorSettings, people: People, deals: Deals, spans: Spans) -> CodeHistory:
    """The history of each deal's owner. Only deals that are open change hands, and reopened ones."""
    random = settings.random("ownership")
    owner = deals.owner.copy()
    events: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    again = np.diff(spans.deal, prepend=-1) == 0
    before = -1
    for occasion in [*_occasions(settings, people), _Occasion(NEVER - 1)]:
        back = again & (spans.opened > before) & (spans.opened <= occasion.at)
        back &= people.left[owner[spans.deal]] <= spans.opened
        events.append(_hand_over(people, owner, spans.deal[back], spans.opened[back], random))
        before = occasion.at
        if occasion.at >= settings.horizon:
            break
        at = occasion.at + random.integers(0, 3 * 3600, len(spans.deal))
        chosen = (spans.opened < at) & (at < spans.closed) & (random.random(len(at)) < occasion.share)
        if occasion.leaver >= 0:
            chosen &= owner[spans.deal] == people.seats.first[occasion.leaver]
        events.append(_hand_over(people, owner, spans.deal[chosen], at[chosen], random, occasion.leaver))
    return code_history(deals.owner, *(np.concatenate(column) for column in zip(*events, strict=True)))


def _occasions(settings: SimulatorSettings, people: People) -> list[_Occasion]:
    """Every departure, and the first Monday of every month."""
    days = np.datetime64(settings.start, "D") + np.arange(settings.days)
    weekday = (days.astype(np.int64) + 3) % 7
    month = days.astype("datetime64[M]")
    of_month = (days - month.astype("datetime64[D]")).astype(np.int64)
    occasions = []
    for day in np.flatnonzero((weekday == 0) & (of_month < 7)):
        february = month[day].astype(np.int64) % 12 == 1
        share = _CHANGE_EACH_FEBRUARY if february else _CHANGE_EACH_MONTH
        occasions.append(_Occasion(int(day) * DAY + 9 * 3600, share=share))
    for seat in np.flatnonzero(people.seats.switch < settings.horizon):
        occasions.append(_Occasion(int(people.seats.switch[seat]) + 9 * 3600, leaver=int(seat)))
    return sorted(occasions, key=lambda occasion: (occasion.at, occasion.leaver))


def _hand_over(
    people: People,
    owner: np.ndarray,
    deal: np.ndarray,
    at: np.ndarray,
    random: np.random.Generator,
    leaver: int = -1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each deal to a colleague in the owner's team, or to the leaver's successor; updates `owner`."""
    seats = people.seats
    seat = seats.pick(people.team[owner[deal]], at, random.random(len(deal)))
    if leaver >= 0:
        seat = np.where(random.random(len(deal)) < _TO_SUCCESSOR, leaver, seat)
    new = seats.holder(seat, at)
    owner[deal] = new
    return deal, at, new
