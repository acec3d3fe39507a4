"""The journal of write-backs: what was there before and what was put in its place, kept before a sink is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from crm.errors import DealcastError
from crm.lock import held
from serving.database import Database, now
from serving.store_tables import WRITEBACKS, WRITTEN
from serving.writeback.plan import Change

_AT_ONCE = 1000
_PATIENCE = "2s"


class Progress(StrEnum):
    """How far a record of a run has come."""

    PLANNED = "planned"  # not sent yet
    SENT = "sent"  # on its way: whether it has arrived is for the sink to say
    WRITTEN = "written"
    FAILED = "failed"  # the sink said no
    LEFT = "left alone"  # it held something else by then


class What(StrEnum):
    """What a run has written."""

    ANSWERS = "answers"
    TASKS = "tasks"


class WritebackStore(Database):
    """What was written where, record by record."""

    def begin_writeback(self, run: Mapping[str, Any], changes: Sequence[Change]) -> None:
        """Keep a run (columns of WRITEBACKS but the times) with all that it is about to change, all or nothing."""
        rows = [
            {
                "run_id": run["run_id"],
                "record_id": change.record_id,
                "held": json.dumps(change.before, ensure_ascii=False),
                "put": json.dumps(change.after, ensure_ascii=False),
                "progress": Progress.PLANNED,
                "said": "",
            }
            for change in changes
        ]
        with self.transaction() as connection:
            connection.execute(sa.insert(WRITEBACKS), {**run, "started_at": now(), "finished_at": None})
            if rows:
                connection.execute(sa.insert(WRITTEN), rows)

    def mark(self, run_id: str, ids: Sequence[str], progress: Progress, said: str = "") -> None:
        """How far these records of a run have come, and what was said of them."""
        with self.transaction() as connection:
            for first in range(0, len(ids), _AT_ONCE):
                those = WRITTEN.c.record_id.in_(ids[first : first + _AT_ONCE])
                change = sa.update(WRITTEN).where(WRITTEN.c.run_id == run_id, those)
                connection.execute(change.values(progress=progress, said=said))

    def finish_writeback(self, run_id: str, finished: bool = True) -> None:
        """The run has come to its end; or it goes on."""
        with self.transaction() as connection:
            change = sa.update(WRITEBACKS).where(WRITEBACKS.c.run_id == run_id)
            connection.execute(change.values(finished_at=now() if finished else None))

    def writebacks(self) -> tuple[dict[str, Any], ...]:
        """Every run, the first one first: columns of WRITEBACKS, and how many records have come how far."""
        query = sa.select(WRITEBACKS).order_by(WRITEBACKS.c.started_at, WRITEBACKS.c.run_id)
        counted = sa.select(WRITTEN.c.run_id, WRITTEN.c.progress, sa.func.count()).group_by(
            WRITTEN.c.run_id, WRITTEN.c.progress
        )
        with self.transaction() as connection:
            rows = connection.execute(query).mappings().all()
            runs = [{**row, "what": What(row["what"] or What.ANSWERS), "counts": {}} for row in rows]
            by_id = {run["run_id"]: run for run in runs}
            for run_id, progress, number in connection.execute(counted):
                by_id[run_id]["counts"][Progress(progress)] = number
        return tuple(runs)

    def written(self, run_id: str, *progress: Progress) -> dict[str, Change]:
        """The records of a run (that have come so far), by their ids, in the order of the ids."""
        query = sa.select(WRITTEN.c.record_id, WRITTEN.c.held, WRITTEN.c.put).where(WRITTEN.c.run_id == run_id)
        if progress:
            query = query.where(WRITTEN.c.progress.in_(progress))
        with self.transaction() as connection:
            rows = connection.execute(query.order_by(WRITTEN.c.record_id)).all()
        return {row[0]: Change(row[0], json.loads(row[1]), json.loads(row[2])) for row in rows}

    def standing_at(self, address: str) -> frozenset[str]:
        """The records at a sink into which something was written, and that was not taken back since."""
        newest = sa.func.max(WRITEBACKS.c.started_at).label("newest")
        last = sa.select(WRITTEN.c.record_id, newest).join(WRITEBACKS, WRITEBACKS.c.run_id == WRITTEN.c.run_id)
        here = WRITEBACKS.c.address == address
        each = last.where(here, WRITTEN.c.progress == Progress.WRITTEN).group_by(WRITTEN.c.record_id).subquery()
        query = sa.select(each.c.record_id).join(WRITEBACKS, WRITEBACKS.c.started_at == each.c.newest)
        with self.transaction() as connection:
            return frozenset(connection.execute(query.where(here, WRITEBACKS.c.undoes.is_(None))).scalars())

    @contextmanager
    def alone(self, what: str, holder: str) -> Iterator[Callable[[], None]]:
        """Be the only one of all that use this store to do something, as long as the block runs.

        The lock goes with its holder, however that ends. What is given raises where it has been lost on the way.

        :param what: "write-back to …"; :param holder: who asks, as the next one will read it.
        :raises DealcastError: where somebody else is at it; says who.
        """
        key = sha256(what.encode()).hexdigest()[:16]
        if self._engine.dialect.name == "sqlite":
            with held(Path(f"{self._engine.url.database}-{key}.lock"), holder):
                yield lambda: None
            return
        with self.failing_said():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # the session ends with the lock
        with closing(connection):
            with self.failing_said():
                connection.execute(sa.select(sa.func.set_config("application_name", holder[:60], False)))
                number = int(key, 16) - 2**63
                if not _locked(connection, number):
                    raise _taken(connection, number, what)

            def still_alone() -> None:
                with self.failing_said():
                    connection.execute(sa.select(1))

            yield still_alone


def _locked(connection: sa.Connection, number: int) -> bool:
    """Wait a little: the server may not have noticed yet that the last holder has died."""
    connection.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE}'")
    try:
        connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True


def _taken(connection: sa.Connection, number: int, what: str) -> DealcastError:
    """What is said where another session holds a lock of PostgreSQL, which keeps the number in two halves."""
    query = sa.text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
        "AND l.granted AND l.classid::bigint = :high AND l.objid::bigint = :low"
    )
    halves = {"high": number % 2**64 >> 32, "low": number % 2**32}
    named = connection.execute(query, halves).scalar()
    return DealcastError(
        f"{named or 'another process'} is at work there",
        where=what,
        expected="one at a time",
        remedy="wait until it has ended, and run this again",
    )
