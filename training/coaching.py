"""Where deals stall and which practices they lack, by owner against the team and by team against the company.

Counts only, of one try a stay or a deal; what is done much is not looked at. Shares are drawn to those of the team,
a team's to the company's, and are told only where what remains differs beyond chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.landmarks import at_landmark, days_in_stage
from training.rows import Rows
from training.shrinkage import drawn, inside, strength


@dataclass(frozen=True)
class Tries:
    """One kind of thing that happened or not, each try of one owner; shape (n,) each.

    :param what: place among what is looked at: stages, or practices.
    :param owner: owner code; :param hit: whether it happened.
    """

    what: np.ndarray
    owner: np.ndarray
    hit: np.ndarray


@dataclass(frozen=True)
class Compared:
    """Shares by thing and group, shape (things, groups) each.

    :param share, low, high: drawn to the whole's, with its 90 % interval; `whole` what it was drawn to.
    """

    hits: np.ndarray
    tries: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    whole: np.ndarray

    @property
    def told(self) -> np.ndarray:
        """1 above the whole's beyond chance, -1 below it, 0 no difference beyond chance."""
        return np.where(self.low > self.whole, 1, np.where(self.high < self.whole, -1, 0)) * (self.tries > 0)


def stalls(rows: Rows, owner: np.ndarray, since: int) -> tuple[list[str], Tries]:
    """Each stay in a stage that began later than `since` (milliseconds): whether it stalled from its first snapshot on.

    :param owner: owner code of each row; shape (n,).
    Returns the stages, which `what` counts.
    """
    order = np.lexsort((rows.as_of, rows.deal))
    stage, deal, days = rows.stage[order], rows.deal[order], days_in_stage(rows)
    begins = np.diff(deal, prepend=-1) != 0
    begins[1:] |= stage[1:] != stage[:-1]
    if days is not None:
        begins |= np.diff(days[order], prepend=0) < 0
    first = order[begins]
    known = ~np.isnan(rows.stalled[first]) & (rows.as_of[first] > since) & (rows.stage[first] != None)  # noqa: E711
    first = first[known]
    names = sorted(set(rows.stage[first].tolist()))
    what = np.array([names.index(one) for one in rows.stage[first]], dtype=np.int64)
    return names, Tries(what, owner[first], rows.stalled[first] == 1)


def lacking(
    rows: Rows, owner: np.ndarray, since: int, stage: str, from_day: int | None, had: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Owner, and whether the practice is lacking, of each deal that was at the stage's landmark since and has closed.

    :param had: 1, 0 or NaN (not asked) of each row; shape (n,).
    """
    places = at_landmark(rows, stage, from_day).rows
    places = places[(rows.as_of[places] > since) & ~np.isnan(had[places])]
    return owner[places], had[places] == 0


def compared(tries: Tries, things: int, group: np.ndarray, groups: int, whole: np.ndarray) -> Compared:
    """Each group's share of each thing, drawn to that of what it belongs to.

    :param group: the group of each owner code. Who draws by how much is found over all groups and things together.
    :param whole: the share that each is drawn to; shape (things, groups).
    """
    hits, count = counted(tries, things, group, groups)
    worth = strength(hits.ravel(), count.ravel(), whole.ravel())
    found = drawn(hits, count, whole, worth)
    return Compared(hits, count, found.share, found.low, found.high, inside(whole))


def counted(tries: Tries, things: int, group: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits and tries of each thing and group; shape (things, groups) each."""
    cell = tries.what * groups + group[tries.owner]
    size = things * groups
    hits, count = np.bincount(cell[tries.hit], minlength=size), np.bincount(cell, minlength=size)
    return hits.reshape(things, groups), count.reshape(things, groups)


def by_team(tries: Tries, things: int, team: np.ndarray, teams: int) -> Compared:
    """Each team against the company."""
    hits, count = counted(tries, things, np.zeros_like(team), 1)
    company = hits / np.maximum(count, 1)
    return compared(tries, things, team, teams, np.broadcast_to(company, (things, teams)))


def by_owner(tries: Tries, things: int, team: np.ndarray, teams: Compared) -> Compared:
    """Each owner against the team's share, itself drawn to the company's."""
    owners = np.arange(len(team))
    return compared(tries, things, owners, len(team), teams.share[:, team])
