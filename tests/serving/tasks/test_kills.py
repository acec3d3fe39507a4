"""Real processes and kill -9 at random moments: no task doubled, none lost, and undo removes them all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crm.hubspot.account import Door
from crm.patience import Patience
from serving.sinks.hubspot import HubSpotSettings, HubSpotSink
from serving.store import Store
from tests.serving.killing import killed_at
from tests.serving.tasks.places import ask, looked_at, undo, wanted
from tests.vendors.hubspot.company import TOKEN, Account, an_account
from tests.vendors.hubspot.server import running

ROUNDS, LEAST_KILLED, MOMENTS = 6, 12, 26
"""A run has more such moments than `MOMENTS`."""


def place_of(url: str) -> Any:
    sink = HubSpotSink("crm", HubSpotSettings(), Door(TOKEN, url.removeprefix("http://")), Patience(budget=5))
    place = sink.tasks()
    place.batch = 6  # so that a run has several
    return place


def in_a_child(work: Callable[[Any, Store], Any], url: str, store: Path, moment: int) -> bool:
    """Do it in a process that is killed at a moment: around a change of the journal, or a call to HubSpot."""

    def done(tick: Callable[[], None]) -> None:
        place = place_of(url)
        write = place.write

        def watched(rows: Any) -> Any:
            tick()
            answer = write(rows)
            tick()
            return answer

        place.write = watched
        work(place, Store(f"sqlite:///{store}"))

    return killed_at(moment, done)


@pytest.fixture
def office():
    account = an_account()
    account.hubspot.limits.ten_seconds = 10**6
    account.portal.pipelines[:] = [{"id": "p", "stages": [{"id": "1", "metadata": {"isClosed": "false"}}]}]
    for _ in range(20):
        account.portal.enter("deals", {"dealstage": "1", "hubspot_owner_id": "77"})
    account.portal.define("tasks", "dealcast_key", hasUniqueValue=True)
    with running(account.hubspot):
        yield account


def keys(office: Account) -> list[str]:
    tasks = office.portal.objects["tasks"].values()
    return sorted(str(one.value("dealcast_key")) for one in tasks if one.archived_at is None)


def test_kills_double_nothing_and_lose_nothing(office, tmp_path):
    rng, killed = np.random.default_rng(4), 0
    url, path = office.hubspot.url, tmp_path / "store.db"
    ids = list(office.portal.objects["deals"])
    store = Store(f"sqlite:///{path}")
    for number in range(ROUNDS):
        steps = wanted(ids, practice=f"step {number}")
        before = keys(office)
        confirmed = looked_at(place_of(url), store, steps).plan.hash
        store._engine.dispose()
        work = partial(ask, steps=steps, confirmed=confirmed)
        for _ in range(2):
            killed += in_a_child(work, url, path, int(rng.integers(1, MOMENTS)))
            assert len(set(keys(office))) == len(keys(office))
        assert ask(place_of(url), store, steps, confirmed).whole
        assert len(keys(office)) == len(before) + len(ids)
        run_id = store.writebacks()[-1]["run_id"]
        assert len(store.written(run_id)) == len(ids), "one run, however often it was interrupted"
        store._engine.dispose()
        for _ in range(2):
            killed += in_a_child(partial(undo, run_id=run_id), url, path, int(rng.integers(1, MOMENTS)))
        assert undo(place_of(url), store, run_id).whole
        assert keys(office) == before
        if number % 3 == 0:  # what stays is what the next round finds
            assert ask(place_of(url), store, steps).whole
    assert killed >= LEAST_KILLED, f"only {killed} were killed on their way"
