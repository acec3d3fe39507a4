"""What is known of deals and people as runs have scored them: read, never written."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from serving.database import Database, naive
from serving.runs import EarlierRun, ScoringRun
from serving.store_tables import CLOSED, CRM_USERS, DEALS, LIKE_DEALS, RUNS, SCORES

TOLD = ("reasons", "stall_reasons", "coaching")
"""The columns of scores that hold JSON: by far the most of a row, so they are read only for deals that are shown."""
AT_ONCE = 500
_BOTH = (SCORES.c.run_id == DEALS.c.run_id) & (SCORES.c.opportunity_id == DEALS.c.opportunity_id)
_STOOD = tuple(column for column in DEALS.columns if column.name not in SCORES.columns)


class DealStore(Database):
    """Deals as they were scored, deals that have closed, and the CRM's users."""

    def runs_between(self, after: datetime | None, until: datetime | None) -> tuple[ScoringRun, ...]:
        """The scoring runs as of (after, until], the first one first; of several as of one instant only the last."""
        query = sa.select(RUNS).where(RUNS.c.kind == "score")
        if after is not None:
            query = query.where(RUNS.c.as_of > naive(after))
        if until is not None:
            query = query.where(RUNS.c.as_of <= naive(until))
        with self.transaction() as connection:
            rows = connection.execute(query.order_by(RUNS.c.as_of, RUNS.c.started_at, RUNS.c.run_id)).mappings().all()
        last = {row["as_of"]: row for row in rows}
        return tuple(
            ScoringRun(row["run_id"], row["as_of"], row["started_at"], row["model_version"] or "")
            for row in last.values()
        )

    def listed(self, run_id: str, owners: Collection[str] | None = None) -> tuple[dict[str, Any], ...]:
        """The deals of a run (of some owners), the most urgent first: columns of SCORES but TOLD, and of DEALS."""
        query = light(run_id)
        if owners is not None:
            query = query.where(DEALS.c.owner_id.in_(list(owners)))
        # Sorted here: asked for in order, SQLite goes through the whole run's instead of these owners' deals.
        with self.transaction() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return tuple(sorted(rows, key=lambda row: row["priority"]))

    def stood(self, run_id: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Some deals of a run by their ids, as :meth:`listed` has them; those that are not in it are left out."""
        found: dict[str, dict[str, Any]] = {}
        with self.transaction() as connection:
            for part in _parts(ids):
                rows = connection.execute(light(run_id).where(SCORES.c.opportunity_id.in_(part))).mappings()
                found |= {row["opportunity_id"]: dict(row) for row in rows}
        return found

    def owners_of(self, run_id: str) -> frozenset[str]:
        """Whoever owns a deal of a run."""
        query = sa.select(DEALS.c.owner_id).where(DEALS.c.run_id == run_id, DEALS.c.owner_id.is_not(None)).distinct()
        with self.transaction() as connection:
            return frozenset(connection.execute(query).scalars())

    def told(self, run_id: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What is told of some deals of a run: its reasons, stall reasons and coaching, read back from JSON."""
        columns = [SCORES.c.opportunity_id, *(SCORES.c[name] for name in TOLD)]
        found = {}
        with self.transaction() as connection:
            for part in _parts(ids):
                query = sa.select(*columns).where(SCORES.c.run_id == run_id, SCORES.c.opportunity_id.in_(part))
                for row in connection.execute(query).mappings():
                    found[row["opportunity_id"]] = {name: json.loads(row[name]) for name in TOLD}
        return found

    def crm_users(self) -> tuple[dict[str, Any], ...]:
        """The CRM's users as of the newest scoring run, in the order of their ids (columns of CRM_USERS)."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(CRM_USERS).order_by(CRM_USERS.c.user_id)).mappings().all()
        return tuple(dict(row) for row in rows)

    def closed_deals(self, after: datetime, until: datetime) -> tuple[dict[str, Any], ...]:
        """The deals that closed in (after, until], as the newest run that kept them saw them (columns of CLOSED)."""
        query = sa.select(CLOSED).join(RUNS, RUNS.c.run_id == CLOSED.c.run_id)
        query = query.where(CLOSED.c.closed_at > naive(after), CLOSED.c.closed_at <= naive(until))
        with self.transaction() as connection:
            rows = connection.execute(query.order_by(RUNS.c.as_of, RUNS.c.started_at)).mappings().all()
        newest = {row["opportunity_id"]: dict(row) for row in rows}
        return tuple(sorted(newest.values(), key=lambda row: (row["closed_at"], row["opportunity_id"])))

    def scored_deals(self, as_of: datetime | None) -> frozenset[str]:
        """The deals that were scored as of a date, by any run."""
        query = sa.select(SCORES.c.opportunity_id).where(SCORES.c.as_of == as_of)
        with self.transaction() as connection:
            return frozenset(connection.execute(query).scalars())

    def run_before(self, as_of: datetime) -> EarlierRun | None:
        """The newest scoring run before a date; None where there is none."""
        before = sa.select(RUNS).where(RUNS.c.kind == "score", RUNS.c.as_of < naive(as_of))
        newest = before.order_by(RUNS.c.as_of.desc(), RUNS.c.started_at.desc()).limit(1)
        with self.transaction() as connection:
            run = connection.execute(newest).mappings().first()
            if run is None:
                return None
            query = sa.select(SCORES.c.opportunity_id, SCORES.c.win_probability)
            rows = connection.execute(query.where(SCORES.c.run_id == run["run_id"])).all()
        said = pd.Series({row[0]: row[1] for row in rows}, dtype=float)
        millis = round(run["as_of"].replace(tzinfo=UTC).timestamp() * 1000)
        return EarlierRun(run["run_id"], millis, run["model_version"] or "", said)

    def latest_score(self, opportunity_id: str, as_of: datetime | None = None) -> dict[str, Any] | None:
        """The newest score of a deal (at or before a date) and how it stood; None where it was never scored."""
        query = sa.select(SCORES, *_STOOD).join(DEALS, _BOTH)
        query = query.where(SCORES.c.opportunity_id == opportunity_id)
        if as_of is not None:
            query = query.where(SCORES.c.as_of <= naive(as_of))
        query = query.order_by(SCORES.c.as_of.desc(), SCORES.c.scored_at.desc()).limit(1)
        with self.transaction() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def like_deals(self, run_id: str, opportunity_id: str) -> dict[str, Any]:
        """The closed deals most like one, as kept with a run's scores; empty where none were kept."""
        query = sa.select(LIKE_DEALS.c.like_deals)
        query = query.where(LIKE_DEALS.c.run_id == run_id, LIKE_DEALS.c.opportunity_id == opportunity_id)
        with self.transaction() as connection:
            text = connection.execute(query).scalar()
        return dict(json.loads(text)) if text else {}

    def scores_of(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """The scores of a run with what people call the deals (`name`), the most urgent first."""
        query = sa.select(SCORES, DEALS.c.name).outerjoin(DEALS, _BOTH).where(SCORES.c.run_id == run_id)
        with self.transaction() as connection:
            rows = connection.execute(query.order_by(SCORES.c.priority)).mappings().all()
        return tuple(dict(row) for row in rows)

    def scoring_run(self, run_id: str | None = None) -> str | None:
        """A scoring run's id as it is kept, the newest's where none is named; None where there is none such."""
        query = sa.select(RUNS.c.run_id).where(RUNS.c.kind == "score")
        if run_id is not None:
            query = query.where(RUNS.c.run_id == run_id)
        newest = query.order_by(RUNS.c.as_of.desc(), RUNS.c.started_at.desc(), RUNS.c.run_id.desc()).limit(1)
        with self.transaction() as connection:
            return connection.execute(newest).scalar()


def light(run_id: str) -> sa.Select[Any]:
    """The deals of a run without what is told of them."""
    light = [column for column in SCORES.columns if column.name not in TOLD]
    return sa.select(*light, *_STOOD).join(DEALS, _BOTH).where(SCORES.c.run_id == run_id)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]
