"""Coach: where deals stall and which of the playbook's steps they lack, by team and rep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crm.clock import DAY
from crm.errors import WrongUse
from crm.hierarchy import NOBODY, Hierarchy
from features.catalogue import catalogue
from features.dataset import ScoringSet, groups, rows_at, scoring_set
from features.engines import prepare
from features.labels import label
from features.snapshots import grid
from pipelines.answers import history
from pipelines.champion import found_store, model_of
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from pipelines.playbook import Book, champions_book, own_book
from pipelines.whom import whom
from serving.sinks.files import check_target, write_table
from serving.team_coach import Looked, compare
from training.coaching import Compared
from training.landmarks import DAYS_IN_STAGE
from training.rows import Rows, rows_of

STEPS = 4
YEAR_DAYS = 365


@dataclass(frozen=True)
class CoachResult:
    """What was found of everyone; columns of `teams` are teams, of `owners` owner codes.

    :param teams, owners: rows are the things looked at.
    :param level: what a team is: a manager's people, a region, the company.
    :param shown: the teams and owners wanted: team → its owner codes.
    """

    company: Company
    book: Book
    hierarchy: Hierarchy
    level: str
    things: list[Looked]
    teams: Compared
    owners: Compared
    shown: Mapping[int, list[int]]
    notes: tuple[str, ...]
    stall_days: int

    def team_name(self, team: int) -> str:
        """What people call a team."""
        key = self.hierarchy.keys[self.level][team]
        return "nobody" if key == NOBODY else self.hierarchy.name(self.level, key)

    def owner_name(self, owner: int) -> str:
        """What people call an owner."""
        if owner == self.hierarchy.nobody:
            return "deals without an owner"
        return self.hierarchy.name("owner", str(self.hierarchy.owners[owner]))


def coach(
    data: Path, as_of: str, home: Home, owner: str | None, team: str | None, out: Path | None,
    step: Callable[[str], None],
) -> CoachResult:  # fmt: skip
    """Compare reps with their teams, teams with the company. Raises WrongUse for whom the tables do not know."""
    if out is not None:
        check_target(out)
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    hierarchy = company.histories.hierarchy
    level = next(one for one in ("manager", "region", "company") if one in hierarchy.levels)
    shown = _wanted(hierarchy, level, owner, team)
    step("looking at a year of stays in stages and closed deals")
    book = champions_book(home, config) or own_book(company, config)
    rows, scoring, stall_days = _known(company, home, config, book)
    step("comparing")
    since = company.until - YEAR_DAYS * DAY
    things, teams, owners = compare(company.histories, rows, scoring, book.pages, book.catalogue, level, since)
    result = CoachResult(company, book, hierarchy, level, things, teams, owners, shown, company.notes, stall_days)
    step("telling")
    if out is not None:
        write_table(coach_table(result), out)
    return result


def coach_table(result: CoachResult) -> pd.DataFrame:
    """Every team and owner with every thing looked at: counts, the drawn share, what it was drawn to."""
    rows = []
    for team, members in result.shown.items():
        for who, found, column in (
            ("team", result.teams, team),
            *(("owner", result.owners, member) for member in members),
        ):
            key = result.hierarchy.keys[result.level][team] if who == "team" else _owner_key(result.hierarchy, column)
            for i, thing in enumerate(result.things):
                numbers = {
                    name: getattr(found, name)[i, column] for name in ("hits", "tries", "share", "low", "high", "whole")
                }
                rows.append(
                    {
                        "level": result.level if who == "team" else who,
                        "key": key,
                        "team": result.hierarchy.keys[result.level][team],
                        "kind": thing.kind,
                        "stage": thing.stage,
                        "practice": thing.step.id if thing.step else "",
                        **numbers,
                        "differs": {1: "more", -1: "less", 0: ""}[int(found.told[i, column])],
                        **_open_counts(thing, members if who == "team" else [column]),
                    }
                )
    return pd.DataFrame(rows)


def _open_counts(thing: Looked, members: list[int]) -> dict[str, int]:
    return {
        "open_lacking": int(thing.open_lacking[members].sum()),
        "open_asked": int(thing.open_asked[members].sum()),
    }


def _owner_key(hierarchy: Hierarchy, owner: int) -> str:
    return NOBODY if owner == hierarchy.nobody else str(hierarchy.owners[owner])


def _known(company: Company, home: Home, config: Config, book: Book) -> tuple[Rows, ScoringSet, int]:
    """A row a snapshot of the past and a row an open deal, with what the playbook asks of them."""
    histories = company.histories
    wanted = {DAYS_IN_STAGE, *(one["feature"] for page in book.pages["stages"].values() for one in page["practices"])}
    store = found_store(home, config)
    row = None if store is None else store.champion()
    if row is None:
        training, _ = history(company, config)
        vocabulary, time = training.vocabulary, training.time
    else:
        model = model_of(row, home)
        vocabulary, time = model.vocabulary, model.time
    names = tuple(one.name for one in catalogue(vocabulary).features if one.name in wanted)
    prepared = prepare(histories, catalogue(vocabulary), time.calendar)
    snapshots = grid(histories, time.grid_days, company.until)
    found = rows_at(prepared, snapshots, names)
    labels = label(prepared, snapshots, time.stall_days, company.until)
    rows = rows_of(found, labels, groups(histories)[snapshots.deal])
    return rows, scoring_set(histories, vocabulary, names, company.as_of), time.stall_days


def _wanted(hierarchy: Hierarchy, level: str, owner: str | None, team: str | None) -> dict[int, list[int]]:
    """The owner codes of each team wanted, teams and owners in the order of their names."""
    places = hierarchy.places[level]
    keys = hierarchy.keys[level]
    owners = list(range(len(places)))
    if team is not None:
        called = {key: hierarchy.name(level, key) for key in keys if key != NOBODY}
        chosen = keys.index(whom(called, team, "--team", f"there is no {level} '{team}'"))
        owners = [code for code in owners if places[code] == chosen]
    if owner is not None:
        called = {key: hierarchy.name("owner", key) for key in hierarchy.owners}
        code = list(hierarchy.owners).index(whom(called, owner, "--owner", f"there is no owner '{owner}'"))
        if code not in owners:
            raise WrongUse(
                f"{called[hierarchy.owners[code]]} is not in that team", where="--owner", expected="a member of --team"
            )
        owners = [code]
    shown: dict[int, list[int]] = {}
    for code in owners:
        shown.setdefault(int(places[code]), []).append(code)
    return dict(sorted(shown.items(), key=lambda one: (keys[one[0]] == NOBODY, hierarchy.name(level, keys[one[0]]))))
