"""What the product remembers: runs, scores, forecasts, models. SQLite under the home by default, PostgreSQL by URL."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from crm.errors import DealcastError
from crm.hierarchy import LEVELS, NOBODY
from serving.champions import How, Promotion
from serving.database import naive, now, records
from serving.store_accounts import AccountStore
from serving.store_deals import DealStore
from serving.store_lists import ListStore
from serving.store_messages import MessageStore
from serving.store_people import PeopleStore
from serving.store_stories import WIN_CURVES, StoryStore, keep_timelines
from serving.store_tables import (
    CLOSED,
    CRM_USERS,
    DEALS,
    FORECASTS,
    LIKE_DEALS,
    MODELS,
    PROMOTIONS,
    RUNS,
    SCORE_COLUMNS,
    SCORES,
)
from serving.store_trial import TrialStore, add_assigned
from serving.store_writeback import WritebackStore

FILE = "dealcast.db"


@dataclass(frozen=True)
class Beside:
    """What a scoring run keeps beside its scores.

    :param assigned: the deals that have come into a trial with it (columns of TRIAL).
    :param like: by opportunity_id, the closed deals most like each, as JSON text.
    :param curves: by opportunity_id, by when each is won or lost, as JSON text (:mod:`serving.win_curves`).
    :param timelines: by opportunity_id, each one's story as JSON text (:mod:`serving.timeline`); of each deal only the
        newest is kept.
    :param closed: the deals that have closed since the run before (columns of CLOSED).
    :param users: the CRM's users (columns of CRM_USERS); those of the run with the newest date are kept.
    """

    assigned: pd.DataFrame | None = None
    like: pd.Series | None = None
    curves: pd.Series | None = None
    timelines: pd.Series | None = None
    closed: pd.DataFrame | None = None
    users: pd.DataFrame | None = None


class Store(AccountStore, DealStore, ListStore, PeopleStore, StoryStore, TrialStore, WritebackStore, MessageStore):
    """One store; each method is one transaction."""

    @staticmethod
    def under(home: Path) -> Store:
        """The home's own SQLite store."""
        home.mkdir(parents=True, exist_ok=True)
        return Store(f"sqlite:///{(home / FILE).resolve()}")

    def save_scores(
        self,
        run_id: str,
        scores: pd.DataFrame,
        deals: pd.DataFrame,
        model_version: str,
        as_of: datetime,
        beside: Beside | None = None,
    ) -> None:
        """Keep a run with its scores and how its deals stood then (columns of SCORES, DEALS), all or nothing."""
        beside = Beside() if beside is None else beside
        kept = {SCORES: scores[list(SCORE_COLUMNS)], DEALS: _columns(DEALS, deals.assign(run_id=run_id))}
        for table, texts in ((LIKE_DEALS, beside.like), (WIN_CURVES, beside.curves)):
            if texts is not None:
                names = [column.name for column in table.columns]
                kept[table] = pd.DataFrame(dict(zip(names, (run_id, texts.index, texts.to_numpy()), strict=True)))
        if beside.closed is not None:
            kept[CLOSED] = _columns(CLOSED, beside.closed.assign(run_id=run_id))
        self._save_run("score", run_id, model_version, as_of, kept, beside)

    def save_forecast(self, run_id: str, forecast: pd.DataFrame, model_version: str, as_of: datetime) -> None:
        """Keep a run with its forecast (the contract's columns, and `name`: what people call the key)."""
        kept = {FORECASTS: forecast[[column.name for column in FORECASTS.columns]]}
        self._save_run("forecast", run_id, model_version, as_of, kept, Beside())

    def _save_run(
        self,
        kind: str,
        run_id: str,
        model_version: str,
        as_of: datetime,
        kept: Mapping[sa.Table, pd.DataFrame],
        beside: Beside,
    ) -> None:
        run = {"run_id": run_id, "kind": kind, "as_of": naive(as_of), "started_at": now()}
        with self.transaction() as connection:
            connection.execute(sa.insert(RUNS), {**run, "model_version": model_version})
            for table, frame in kept.items():
                if len(frame):
                    connection.execute(sa.insert(table), records(frame))
            if beside.assigned is not None and len(beside.assigned):
                add_assigned(connection, beside.assigned)
            if beside.users is not None:
                _replace_users(connection, beside.users.assign(as_of=naive(as_of)))
            if beside.timelines is not None:
                keep_timelines(connection, beside.timelines, naive(as_of))

    def last_as_of(self, kind: str) -> datetime | None:
        """The latest date that a run of the kind ("score", "forecast") was made for; None where there is none."""
        with self.transaction() as connection:
            return connection.execute(sa.select(sa.func.max(RUNS.c.as_of)).where(RUNS.c.kind == kind)).scalar()

    def latest_forecast(self, as_of: datetime | None = None) -> pd.DataFrame | None:
        """The newest forecast (at or before a date), in the order in which it was kept; None where there is none."""
        runs = sa.select(RUNS.c.run_id).where(RUNS.c.kind == "forecast")
        if as_of is not None:
            runs = runs.where(RUNS.c.as_of <= naive(as_of))
        newest = runs.order_by(RUNS.c.as_of.desc(), RUNS.c.started_at.desc(), RUNS.c.run_id.desc()).limit(1)
        with self.transaction() as connection:
            run_id = connection.execute(newest).scalar()
            rows = connection.execute(sa.select(FORECASTS).where(FORECASTS.c.run_id == run_id)).mappings().all()
        if run_id is None:
            return None
        frame = pd.DataFrame([dict(row) for row in rows], columns=[column.name for column in FORECASTS.columns])
        return frame.sort_values(["period_start", "level", "key"], key=_in_order, ignore_index=True)

    def record_model(
        self,
        version: str,
        sha256: str,
        folder: Path,
        mlflow_run_id: str,
        gate_passed: bool,
        facts: Mapping[str, Any],
    ) -> None:
        """Remember a trained model, the SHA-256 that its files must have, and what is to be known of it (JSON).

        :raises DealcastError: where another model has the version already.
        """
        row = {"version": version, "sha256": sha256, "folder": str(folder), "mlflow_run_id": mlflow_run_id}
        row |= {"facts": json.dumps(facts, ensure_ascii=False)}
        try:
            with self.transaction() as connection:
                connection.execute(sa.insert(MODELS), {**row, "trained_at": now(), "gate_passed": gate_passed})
        except sa.exc.IntegrityError as error:
            raise DealcastError(
                f"the store knows another model as version {version}; MLflow has begun to count again",
                where=self.address,
                remedy="give this tracking store a home of its own (--home), or take up the earlier one again",
            ) from error

    def models(self) -> tuple[dict[str, Any], ...]:
        """Every recorded model, the oldest first; `facts` is read back, empty where none were kept."""
        query = sa.select(MODELS).order_by(MODELS.c.trained_at, sa.func.length(MODELS.c.version), MODELS.c.version)
        with self.transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple({**row, "facts": json.loads(row["facts"] or "{}")} for row in rows)

    def model(self, version: str) -> dict[str, Any] | None:
        """A recorded model as :meth:`models` has it; None where there is none of that version."""
        with self.transaction() as connection:
            row = connection.execute(sa.select(MODELS).where(MODELS.c.version == version)).mappings().first()
        return None if row is None else {**row, "facts": json.loads(row["facts"] or "{}")}

    def promotions(self) -> tuple[Promotion, ...]:
        """Every change of the champion, the first one first."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(PROMOTIONS).order_by(PROMOTIONS.c.id)).mappings().all()
        return tuple(
            Promotion(
                row["id"],
                row["version"],
                row["from_version"],
                How(row["how"] or How.GATE),
                row["reason"],
                row["promoted_by"] or "",
                row["promoted_at"],
            )
            for row in rows
        )

    def promote(self, version: str, how: How, reason: str, by: str, seen: Sequence[Promotion]) -> Promotion:
        """Make a recorded model the champion.

        :param seen: the promotions that the decision rests on.
        :raises DealcastError: where another promotion has come in between; nothing is changed then.
        """
        last = seen[-1] if seen else None
        promotion = Promotion(
            last.id + 1 if last else 1, version, last.version if last else None, how, reason, by, now()
        )
        try:
            with self.transaction() as connection:
                connection.execute(sa.insert(PROMOTIONS), vars(promotion))
        except sa.exc.IntegrityError as error:
            if len(self.promotions()) == len(seen):  # the model is not recorded: a defect of the caller
                raise
            raise DealcastError(
                "another command has changed the champion in the meantime; nothing was changed",
                where=self.address,
                remedy="look at `dealcast models`, then try again",
            ) from error
        return promotion

    def champion(self) -> dict[str, Any] | None:
        """The champion's row of `models`; None where no model was promoted yet."""
        query = sa.select(MODELS).join(PROMOTIONS).order_by(PROMOTIONS.c.id.desc()).limit(1)
        with self.transaction() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None


def _columns(table: sa.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame's columns that the table has, in its order; what it does not give is empty."""
    return frame.reindex(columns=[column.name for column in table.columns])


def _replace_users(connection: sa.Connection, users: pd.DataFrame) -> None:
    """Keep these users instead of the former, unless those are of a later date."""
    newest = connection.execute(sa.select(sa.func.max(CRM_USERS.c.as_of))).scalar()
    if len(users) and (newest is None or newest <= users["as_of"].iloc[0]):
        connection.execute(sa.delete(CRM_USERS))
        connection.execute(sa.insert(CRM_USERS), records(_columns(CRM_USERS, users)))


def _in_order(column: pd.Series) -> pd.Series:
    """What a column of the forecast is sorted by: levels from the company downwards, nobody behind all keys."""
    if column.name == "level":
        return column.map({level: place for place, level in enumerate(LEVELS)})
    return column.map(lambda key: (key == NOBODY, key)) if column.name == "key" else column


def new_run_id(kind: str) -> str:
    """A run's id: kind, time, and a little chance; sorts by time."""
    return f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
