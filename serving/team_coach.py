"""Where deals stall and which of the playbook's steps they lack, of each team and each owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm.hierarchy import Hierarchy
from features.catalogue import Catalogue
from features.dataset import ScoringSet
from features.histories import Histories
from serving.playbook import Step, in_process, steps
from training.coaching import Compared, Tries, by_owner, by_team, lacking, stalls
from training.rows import Rows


@dataclass(frozen=True)
class Looked:
    """One thing that was looked at: a stage in which deals stall, or a step of the playbook.

    :param open_lacking, open_asked: by owner code, open deals that lack the step, and those of which it is asked.
    """

    kind: str
    stage: str
    step: Step | None
    open_lacking: np.ndarray
    open_asked: np.ndarray

    @property
    def says(self) -> str:
        """What happens, read as "…: 3 of 10"."""
        return f"stalled in {self.stage}" if self.step is None else f"had not {self.step.done} ({self.stage})"


def compare(
    histories: Histories,
    rows: Rows,
    scoring: ScoringSet,
    book: Mapping[str, Any],
    catalogue: Catalogue,
    level: str,
    since: int,
) -> tuple[list[Looked], Compared, Compared]:
    """What was looked at, and each team's and each owner's record of it; a row a thing, a column a team or owner code.

    :param rows: the past, of all owners, with the features that the playbook asks for.
    :param scoring: the open deals, with the same features.
    :param level: the level of the hierarchy that is a team.
    :param since: stays and landmarks since then count, milliseconds.
    """
    hierarchy = histories.hierarchy
    owner = histories.owner_before(rows.deal, rows.as_of + 1)
    now = histories.owner_before(scoring.snapshots.deal, scoring.snapshots.as_of + 1)
    nobody = np.zeros(len(hierarchy.owners) + 1, dtype=np.int64)
    stages, stalled = stalls(rows, owner, since)
    ranked = in_process(book)
    order = [name for name in ranked if name in stages] + [name for name in stages if name not in ranked]
    place = np.array([order.index(name) for name in stages], dtype=np.int64)
    parts = [Tries(place[stalled.what], stalled.owner, stalled.hit)]
    things = [Looked("stall", name, None, nobody, nobody) for name in order]
    for one in [one for stage in ranked for one in steps(book, stage, {}, catalogue)]:
        if one.feature.name not in rows.names:
            continue
        column = rows.names.index(one.feature.name)
        had = one.practice.had(rows.x[:, column].astype(float), one.bound)
        whose, missing = lacking(rows, owner, since, one.stage, book["stages"][one.stage]["from_day"], had)
        parts.append(Tries(np.full(len(whose), len(things)), whose, missing))
        here = one.practice.had(scoring.features[one.feature.name].to_numpy(float), one.bound)
        asked = (scoring.stage == one.stage) & ~np.isnan(here) & (one.usual and one.practice.mendable)
        counts = [np.bincount(now[which], minlength=len(nobody)) for which in (asked & (here == 0), asked)]
        things.append(Looked("step", one.stage, one, counts[0], counts[1]))
    return things, *_by_kind(parts, things, hierarchy, level)


def _by_kind(parts: list[Tries], things: list[Looked], hierarchy: Hierarchy, level: str) -> tuple[Compared, Compared]:
    """Stalls and steps drawn each by as much as their own shares differ; set below each other."""
    team, teams = hierarchy.places[level], len(hierarchy.keys[level])
    stages = sum(thing.kind == "stall" for thing in things)
    steps_of = Tries(*(np.concatenate([getattr(p, name) for p in parts[1:]] or [getattr(parts[0], name)[:0]])
                       for name in ("what", "owner", "hit")))  # fmt: skip
    found = []
    for tries, count in ((parts[0], stages), (Tries(steps_of.what - stages, steps_of.owner, steps_of.hit),
                                              len(things) - stages)):  # fmt: skip
        of_teams = by_team(tries, count, team, teams)
        found.append((of_teams, by_owner(tries, count, team, of_teams)))
    return _below(found[0][0], found[1][0]), _below(found[0][1], found[1][1])


def _below(first: Compared, second: Compared) -> Compared:
    return Compared(*(np.vstack([getattr(first, n), getattr(second, n)]) for n in Compared.__dataclass_fields__))
