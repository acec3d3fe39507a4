"""What the page of a deal draws: the newest story of each, written again only where it changed; each run's curves."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from serving.database import Database
from serving.store_tables import RUNS, metadata

WIN_CURVES = sa.Table(
    "win_curves",
    metadata,
    sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("curve", sa.Text, nullable=False),
)

TIMELINES = sa.Table(
    "timelines",
    metadata,
    sa.Column("opportunity_id", sa.String, primary_key=True),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
)


class StoryStore(Database):
    """Stories and curves of deals, read."""

    def timeline(self, opportunity_id: str) -> dict[str, Any]:
        """The story of a deal as :mod:`serving.timeline` has it; empty where none was kept."""
        query = sa.select(TIMELINES.c.events).where(TIMELINES.c.opportunity_id == opportunity_id)
        return self._read(query)

    def win_curve(self, run_id: str, opportunity_id: str) -> dict[str, Any]:
        """By when a deal is won or lost (:mod:`serving.win_curves`), as a run says; empty where none was kept."""
        query = sa.select(WIN_CURVES.c.curve)
        return self._read(query.where(WIN_CURVES.c.run_id == run_id, WIN_CURVES.c.opportunity_id == opportunity_id))

    def _read(self, query: sa.Select[Any]) -> dict[str, Any]:
        with self.transaction() as connection:
            text = connection.execute(query).scalar()
        return dict(json.loads(text)) if text else {}


def keep_timelines(connection: sa.Connection, timelines: pd.Series, as_of: datetime) -> None:
    """Keep these stories instead of the former, unless a run of a later date has told them."""
    newest = connection.execute(sa.select(sa.func.max(RUNS.c.as_of)).where(RUNS.c.kind == "score")).scalar()
    if not len(timelines) or (newest is not None and newest > as_of):
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    told = insert(TIMELINES)
    changed = told.on_conflict_do_update(
        index_elements=[TIMELINES.c.opportunity_id],
        set_={"as_of": told.excluded.as_of, "events": told.excluded.events},
        where=TIMELINES.c.events != told.excluded.events,
    )
    rows = [{"opportunity_id": key, "as_of": as_of, "events": text} for key, text in timelines.items()]
    connection.execute(changed, rows)
