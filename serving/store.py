"""What the product remembers: runs, scores, forecasts, models. SQLite under the home by default, PostgreSQL by URL."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from crm.errors import DealcastError, WrongUse
from crm.hierarchy import LEVELS, NOBODY
from serving.champions import How, Promotion
from serving.runs import EarlierRun
from serving.store_tables import (
    ADJUSTMENTS,
    DEALS,
    FORECASTS,
    LIKE_DEALS,
    MODELS,
    PROMOTIONS,
    RUNS,
    SCORE_COLUMNS,
    SCORES,
    metadata,
)

FILE = "dealcast.db"


class Store:
    """One store; each method is one transaction."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = sa.create_engine(url)
        except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise WrongUse(
                f"no database can be opened by this address: {_first_line(error)}",
                where="[store] url",
                expected="an SQLAlchemy URL, such as sqlite:////srv/dealcast/store.db",
                remedy="correct it, or install the driver that it names",
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _tune_sqlite)
        with self._transaction() as connection:
            metadata.create_all(connection)
            _add_missing_columns(connection)

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
        like: pd.Series | None = None,
    ) -> None:
        """Keep a run with its scores and how its deals stood then (columns of SCORES, DEALS), all or nothing.

        :param like: by opportunity_id, the closed deals most like each, as JSON text.
        """
        stood = deals.assign(run_id=run_id)[[column.name for column in DEALS.columns]]
        kept = {SCORES: scores[list(SCORE_COLUMNS)], DEALS: stood}
        if like is not None:
            names = [column.name for column in LIKE_DEALS.columns]
            kept[LIKE_DEALS] = pd.DataFrame(dict(zip(names, (run_id, like.index, like.to_numpy()), strict=True)))
        self._save_run("score", run_id, model_version, as_of, kept)

    def save_forecast(self, run_id: str, forecast: pd.DataFrame, model_version: str, as_of: datetime) -> None:
        """Keep a run with its forecast (the contract's columns, and `name`: what people call the key)."""
        kept = {FORECASTS: forecast[[column.name for column in FORECASTS.columns]]}
        self._save_run("forecast", run_id, model_version, as_of, kept)

    def _save_run(
        self, kind: str, run_id: str, model_version: str, as_of: datetime, kept: Mapping[sa.Table, pd.DataFrame]
    ) -> None:
        run = {"run_id": run_id, "kind": kind, "as_of": _naive(as_of), "started_at": now()}
        with self._transaction() as connection:
            connection.execute(sa.insert(RUNS), {**run, "model_version": model_version})
            for table, frame in kept.items():
                if len(frame):
                    connection.execute(sa.insert(table), _records(frame))

    def latest_forecast(self, as_of: datetime | None = None) -> pd.DataFrame | None:
        """The newest forecast (at or before a date), in the order in which it was kept; None where there is none."""
        runs = sa.select(RUNS.c.run_id).where(RUNS.c.kind == "forecast")
        if as_of is not None:
            runs = runs.where(RUNS.c.as_of <= _naive(as_of))
        newest = runs.order_by(RUNS.c.as_of.desc(), RUNS.c.started_at.desc(), RUNS.c.run_id.desc()).limit(1)
        with self._transaction() as connection:
            run_id = connection.execute(newest).scalar()
            rows = connection.execute(sa.select(FORECASTS).where(FORECASTS.c.run_id == run_id)).mappings().all()
        if run_id is None:
            return None
        frame = pd.DataFrame([dict(row) for row in rows], columns=[column.name for column in FORECASTS.columns])
        return frame.sort_values(["period_start", "level", "key"], key=_in_order, ignore_index=True)

    def add_adjustment(self, adjustment: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a person's own number for a period, level and key (columns of ADJUSTMENTS but `id` and `made_at`)."""
        row = {**adjustment, "made_at": now(), "as_of": _naive(adjustment["as_of"])}
        with self._transaction() as connection:
            number = connection.execute(sa.insert(ADJUSTMENTS).returning(ADJUSTMENTS.c.id), row).scalar_one()
        return {"id": number, **row}

    def adjustments(self) -> tuple[dict[str, Any], ...]:
        """Every number that a person has kept, the first one first."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(ADJUSTMENTS).order_by(ADJUSTMENTS.c.id)).mappings().all()
        return tuple(dict(row) for row in rows)

    def run_before(self, as_of: datetime) -> EarlierRun | None:
        """The newest scoring run before a date; None where there is none."""
        before = sa.select(RUNS).where(RUNS.c.kind == "score", RUNS.c.as_of < _naive(as_of))
        newest = before.order_by(RUNS.c.as_of.desc(), RUNS.c.started_at.desc()).limit(1)
        with self._transaction() as connection:
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
        both = (SCORES.c.run_id == DEALS.c.run_id) & (SCORES.c.opportunity_id == DEALS.c.opportunity_id)
        stood = [column for column in DEALS.columns if column.name not in SCORES.columns]
        query = sa.select(SCORES, *stood).join(DEALS, both)
        query = query.where(SCORES.c.opportunity_id == opportunity_id)
        if as_of is not None:
            query = query.where(SCORES.c.as_of <= _naive(as_of))
        query = query.order_by(SCORES.c.as_of.desc(), SCORES.c.scored_at.desc()).limit(1)
        with self._transaction() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def like_deals(self, run_id: str, opportunity_id: str) -> dict[str, Any]:
        """The closed deals most like one, as kept with a run's scores; empty where none were kept."""
        query = sa.select(LIKE_DEALS.c.like_deals)
        query = query.where(LIKE_DEALS.c.run_id == run_id, LIKE_DEALS.c.opportunity_id == opportunity_id)
        with self._transaction() as connection:
            text = connection.execute(query).scalar()
        return dict(json.loads(text)) if text else {}

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
            with self._transaction() as connection:
                connection.execute(sa.insert(MODELS), {**row, "trained_at": now(), "gate_passed": gate_passed})
        except sa.exc.IntegrityError as error:
            raise DealcastError(
                f"the store knows another model as version {version}; MLflow has begun to count again",
                where=self._engine.url.render_as_string(hide_password=True),
                remedy="give this tracking store a home of its own (--home), or take up the earlier one again",
            ) from error

    def models(self) -> tuple[dict[str, Any], ...]:
        """Every recorded model, the oldest first; `facts` is read back, empty where none were kept."""
        query = sa.select(MODELS).order_by(MODELS.c.trained_at, sa.func.length(MODELS.c.version), MODELS.c.version)
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple({**row, "facts": json.loads(row["facts"] or "{}")} for row in rows)

    def promotions(self) -> tuple[Promotion, ...]:
        """Every change of the champion, the first one first."""
        with self._transaction() as connection:
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
            with self._transaction() as connection:
                connection.execute(sa.insert(PROMOTIONS), vars(promotion))
        except sa.exc.IntegrityError as error:
            if len(self.promotions()) == len(seen):  # the model is not recorded: a defect of the caller
                raise
            raise DealcastError(
                "another command has changed the champion in the meantime; nothing was changed",
                where=self._engine.url.render_as_string(hide_password=True),
                remedy="look at `dealcast models`, then try again",
            ) from error
        return promotion

    def champion(self) -> dict[str, Any] | None:
        """The champion's row of `models`; None where no model was promoted yet."""
        query = sa.select(MODELS).join(PROMOTIONS).order_by(PROMOTIONS.c.id.desc()).limit(1)
        with self._transaction() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """All or nothing; where the database fails (gone, full, damaged), DealcastError says so."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.DatabaseError as error:
            if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError):
                raise
            raise DealcastError(
                f"the store cannot be used: {_first_line(error.orig)}",
                where=self._engine.url.render_as_string(hide_password=True),
                expected="a database that can be read and written",
                remedy="see that it is there and has room; where the file is damaged, restore it from a backup",
            ) from error


def _add_missing_columns(connection: sa.Connection) -> None:
    """Give tables that an earlier version has made the columns that have come since; they are empty."""
    for table in metadata.sorted_tables:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                quote = connection.dialect.identifier_preparer.quote
                connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}")


def _in_order(column: pd.Series) -> pd.Series:
    """What a column of the forecast is sorted by: levels from the company downwards, nobody behind all keys."""
    if column.name == "level":
        return column.map({level: place for place, level in enumerate(LEVELS)})
    return column.map(lambda key: (key == NOBODY, key)) if column.name == "key" else column


def _first_line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]


def new_run_id(kind: str) -> str:
    """A run's id: kind, time, and a little chance; sorts by time."""
    return f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def now() -> datetime:
    """The current UTC time, as the store keeps times (without a zone)."""
    return datetime.now(UTC).replace(tzinfo=None)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.copy()
    for name in plain.columns:
        if isinstance(plain[name].dtype, pd.DatetimeTZDtype):
            plain[name] = plain[name].dt.tz_convert("UTC").dt.tz_localize(None)
        if pd.api.types.is_datetime64_dtype(plain[name]):
            plain[name] = pd.Series(list(plain[name].dt.to_pydatetime()), index=plain.index, dtype=object)
    plain = plain.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _tune_sqlite(connection: Any, record: Any) -> None:
    del record
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
