"""Who came into which trial, in which arm, and what they were shown."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from serving.database import Database, records
from serving.store_tables import SCORES, TRIAL

NO_COACHING = "[]"
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class TrialStore(Database):
    """The trials' records: a deal's arm is kept once and never changed."""

    def trials(self) -> tuple[dict[str, Any], ...]:
        """Every trial that deals came into: its settings, first and last date, counts of deals; the first one first."""
        same = (TRIAL.c.trial_id, TRIAL.c.seed, TRIAL.c.share, TRIAL.c.unit_kind)
        first, deals = sa.func.min(TRIAL.c.as_of).label("first"), sa.func.count().label("deals")
        days = sa.func.min(TRIAL.c.follow_days).label("follow_days")
        query = sa.select(*same, days, first, sa.func.max(TRIAL.c.as_of).label("last"), deals).group_by(*same)
        with self.transaction() as connection:
            rows = connection.execute(query.order_by(sa.func.min(TRIAL.c.assigned_at))).mappings().all()
        return tuple(dict(row) for row in rows)

    def assigned(self, trial_id: str) -> pd.DataFrame:
        """The deals of a trial in the order of their ids: columns of TRIAL."""
        query = sa.select(TRIAL).where(TRIAL.c.trial_id == trial_id).order_by(TRIAL.c.opportunity_id)
        with self.transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return pd.DataFrame([dict(row) for row in rows], columns=[column.name for column in TRIAL.columns])

    def assignment(self, trial_id: str, opportunity_id: str) -> dict[str, Any] | None:
        """A deal's row of a trial; None where it is not in it."""
        query = sa.select(TRIAL).where(TRIAL.c.trial_id == trial_id, TRIAL.c.opportunity_id == opportunity_id)
        with self.transaction() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def scored_since(self, trial_id: str) -> int:
        """How many deals have been scored since the first came into a trial, in it or not."""
        begun = sa.select(sa.func.min(TRIAL.c.assigned_at)).where(TRIAL.c.trial_id == trial_id).scalar_subquery()
        query = sa.select(sa.func.count(sa.distinct(SCORES.c.opportunity_id))).where(SCORES.c.scored_at >= begun)
        with self.transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def shown_coaching(self, trial_id: str) -> pd.DataFrame:
        """How many scores with coaching each deal of a trial had `before` it came in and `since`, by opportunity_id.

        Deals that had none are left out.
        """
        since = sa.case((SCORES.c.scored_at >= TRIAL.c.assigned_at, 1), else_=0)
        query = (
            sa.select(TRIAL.c.opportunity_id, sa.func.sum(1 - since).label("before"), sa.func.sum(since).label("since"))
            .join(SCORES, SCORES.c.opportunity_id == TRIAL.c.opportunity_id)
            .where(TRIAL.c.trial_id == trial_id, SCORES.c.coaching != NO_COACHING)
            .group_by(TRIAL.c.opportunity_id)
        )
        with self.transaction() as connection:
            rows = connection.execute(query).all()
        return pd.DataFrame(rows, columns=["opportunity_id", "before", "since"]).set_index("opportunity_id")


def add_assigned(connection: sa.Connection, assigned: pd.DataFrame) -> None:
    """Keep deals' arms (columns of TRIAL); a deal whose arm another run has kept in the meantime keeps that."""
    insert = _INSERT[connection.dialect.name](TRIAL)
    connection.execute(insert.on_conflict_do_nothing(), records(assigned[[column.name for column in TRIAL.columns]]))
