"""Real databases, real processes, kill -9 at random moments: nothing lost, nothing doubled, nothing foreign touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from serving.sinks.sql import SqlSettings, SqlSink
from serving.store import Store
from serving.writeback.fields import NOTHING, settled_all
from tests.serving.killing import killed_at
from tests.serving.writeback.memory import answers
from tests.serving.writeback.works import apply, looked_at, undo

IDS = [f"D{number:02}" for number in range(30)]
ROUNDS, LEAST_KILLED = 13, 50
MOMENTS = 70
"""Fewer than a run of four batches has."""


@dataclass(frozen=True)
class Databases:
    """A CRM's table, with columns of its own beside ours, and a store; opened anew by whoever works with them."""

    crm: str
    store: str

    def prepare(self) -> None:
        made = self.sink()
        engine = sa.create_engine(self.crm)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE deals (id VARCHAR(20) PRIMARY KEY, theirs VARCHAR(50), n INTEGER)")
            for statement in made.definitions().splitlines():
                connection.exec_driver_sql(statement)
            rows = [{"id": one, "theirs": f"of {one}"} for one in IDS]
            connection.execute(sa.text("INSERT INTO deals (id, theirs, n) VALUES (:id, :theirs, 7)"), rows)
        engine.dispose()

    def sink(self) -> SqlSink:
        return SqlSink("crm", SqlSettings(self.crm, table="deals", existing=True, id="id", batch=8))

    def held(self) -> dict[str, Any]:
        """What the records hold in our fields; those of others must be as they were made."""
        engine = sa.create_engine(self.crm)
        with engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT * FROM deals")).mappings().all()
        engine.dispose()
        assert sorted((row["id"], row["theirs"], row["n"]) for row in rows) == [(one, f"of {one}", 7) for one in IDS]
        ours = {row["id"]: {k.removeprefix("dealcast_"): v for k, v in row.items()} for row in rows}
        return {one: settled_all(ours[one]) for one in IDS}


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request, tmp_path) -> Databases:
    if request.param == "sqlite":
        found = Databases(f"sqlite:///{tmp_path / 'crm.db'}", f"sqlite:///{tmp_path / 'store.db'}")
    else:
        url = request.getfixturevalue("postgres_url")
        found = Databases(url, url)
    found.prepare()
    return found


def test_kills_lose_nothing_double_nothing_and_touch_nothing_foreign(databases):
    """Written, killed twice, written to the end; taken back, killed twice, taken back to the end; over and over."""
    rng, killed = np.random.default_rng(8), 0
    Store(databases.store)
    for number in range(1, ROUNDS + 1):
        wanted = answers(number, IDS)
        before, new = databases.held(), {one: {**NOTHING, **wanted[one]} for one in IDS}
        write = partial(apply, answers=wanted, confirmed=looked_at(databases.sink(), wanted).hash)
        killed += _twice(databases, write, rng, before, new)
        store = Store(databases.store)
        assert write(databases.sink(), store).whole
        assert databases.held() == new
        run_id = store.writebacks()[-1]["run_id"]
        assert list(store.written(run_id)) == IDS
        killed += _twice(databases, partial(undo, run_id=run_id), rng, before, new)
        assert undo(databases.sink(), store, run_id).whole
        assert databases.held() == before
        if number % 3 == 0:  # what stays is what the next round finds
            assert write(databases.sink(), store).whole
        store._engine.dispose()
    assert killed >= LEAST_KILLED, f"only {killed} were killed on their way"


def _twice(databases: Databases, work: Callable[..., Any], rng: Any, before: Any, new: Any) -> int:
    """How often it was killed; each time every record holds the old or the new, in all fields together."""
    killed = 0
    for _ in range(2):
        killed += killed_at(int(rng.integers(1, MOMENTS)), lambda _: work(databases.sink(), Store(databases.store)))
        assert all(values in (before[one], new[one]) for one, values in databases.held().items())
    return killed
