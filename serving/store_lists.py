"""Lists of scored deals as pages show them: filtered, searched, sorted, a page at a time, within what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from serving.database import Database, naive
from serving.store_deals import light
from serving.store_tables import DEALS, SCORES
from serving.visible import Sight

SORTS: Mapping[str, sa.Column[Any]] = {
    "priority": SCORES.c.priority,
    "name": DEALS.c.name,
    "stage": DEALS.c.stage,
    "win": SCORES.c.win_probability,
    "change": SCORES.c.win_probability_change,
    "stall": SCORES.c.stall_risk,
    "revenue": SCORES.c.expected_revenue_this_period,
    "stake": SCORES.c.revenue_at_stake,
    "amount": DEALS.c.amount,
    "close": DEALS.c.close_date,
}
"""What a list can be sorted by."""


@dataclass(frozen=True)
class Wanted:
    """Which deals of a run, in which order.

    :param search: part of a deal's name, account or id. :param sight: whose deals may be seen.
    :param sort: a name of SORTS; deals without a value come last, whichever way it is sorted.
    :param most: how many, :param first: from which place on.
    """

    run_id: str
    sight: Sight
    search: str = ""
    stages: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    without: frozenset[str] = field(default_factory=frozenset)
    sort: str = "priority"
    descending: bool = False
    first: int = 0
    most: int = 50


class ListStore(Database):
    """Pages of lists."""

    def page(self, wanted: Wanted) -> tuple[int, tuple[dict[str, Any], ...]]:
        """How many deals there are of those wanted, and the ones of this page: light rows."""
        column, conditions = SORTS[wanted.sort], _conditions(wanted)
        order = column.desc() if wanted.descending else column.asc()
        order = order.nulls_last() if column.nullable else order  # an index of what is never missing has the order
        rows = light(wanted.run_id).where(*conditions).order_by(order, SCORES.c.priority, SCORES.c.opportunity_id)
        ids = rows.with_only_columns(SCORES.c.opportunity_id).limit(wanted.most).offset(wanted.first)
        count = sa.select(sa.func.count()).select_from(SCORES).where(SCORES.c.run_id == wanted.run_id)
        if conditions:
            count = light(wanted.run_id).where(*conditions).with_only_columns(sa.func.count())
        with self.transaction() as connection:
            number = int(connection.execute(count).scalar_one())
            chosen = list(connection.execute(ids).scalars())
            found = connection.execute(light(wanted.run_id).where(SCORES.c.opportunity_id.in_(chosen))).mappings()
            by_id = {row["opportunity_id"]: dict(row) for row in found}
        return number, tuple(by_id[key] for key in chosen)

    def stages_of(self, run_id: str, sight: Sight) -> dict[str, int]:
        """How many deals of a run stand in each stage, by the stages' names."""
        query = sa.select(DEALS.c.stage, sa.func.count()).group_by(DEALS.c.stage).order_by(DEALS.c.stage)
        query = query.where(DEALS.c.run_id == run_id, sight.condition(DEALS.c.owner_id))
        with self.transaction() as connection:
            return {stage: int(number) for stage, number in connection.execute(query)}

    def chances(self, ids: Sequence[str], since: datetime, until: datetime) -> dict[str, list[tuple[datetime, float]]]:
        """The win chances of some deals over time, the first one first; of several runs as of one instant the last."""
        query = sa.select(SCORES.c.opportunity_id, SCORES.c.as_of, SCORES.c.win_probability)
        query = query.where(SCORES.c.opportunity_id.in_(list(ids)), SCORES.c.as_of > naive(since))
        query = query.where(SCORES.c.as_of <= naive(until)).order_by(SCORES.c.as_of, SCORES.c.scored_at)
        found: dict[str, dict[datetime, float]] = {key: {} for key in ids}
        with self.transaction() as connection:
            for key, at, chance in connection.execute(query):
                found[key][at] = chance
        return {key: list(of_deal.items()) for key, of_deal in found.items()}


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    sight = wanted.sight
    conditions = [] if sight.owners is None else [sight.condition(DEALS.c.owner_id)]
    chosen = ((DEALS.c.stage, wanted.stages), (SCORES.c.grade, wanted.grades), (DEALS.c.owner_id, wanted.owners))
    conditions += [column.in_(values) for column, values in chosen if values]
    if wanted.search:
        named = (DEALS.c.name, DEALS.c.account)
        # Whoever sees no names cannot find out by searching which deal is whose.
        looked_at = (DEALS.c.opportunity_id, *(() if sight.masked else named))
        conditions.append(sa.or_(*(column.icontains(wanted.search, autoescape=True) for column in looked_at)))
    if wanted.without:
        conditions.append(SCORES.c.opportunity_id.not_in(sorted(wanted.without)))
    return conditions
