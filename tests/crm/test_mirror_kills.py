"""A sync that is killed leaves the old state or the new one; those that follow lose nothing and double nothing."""

import multiprocessing
import random
import signal
import time

import pyarrow.parquet as pq
import pytest

from crm.sources.mirror.manifest import read_manifest
from tests.crm.mirrored import Log, grown, sync_and_be_killed

KILLS, SEED = 100, 3


def state(folder):
    """What the mirror holds, table by table, with its cursors; None where there is nothing yet."""
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    here = folder / manifest.generation
    return {
        name: (int(one.cursor), pq.read_table(here / f"{name}.parquet").to_pylist())
        for name, one in manifest.tables.items()
    }


def expected(writes):
    """What the source held after so many writes: (its cursor, its rows by key)."""
    found = {}
    for log in grown(SEED, writes).logs:
        rows = Log(writes=log.writes).standing
        found[log.name] = (len(log.writes), sorted(rows.values(), key=lambda row: row["Id"]))
    return found


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path):
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.crm.mirrored", "tests.vendors.salesforce.opened"])
    chance, kills, finished, writes, usual = random.Random(11), 0, 0, 120, 0.4
    old = None
    while kills < KILLS:
        # Every sixth is given the time it needs, and shows how long that is.
        seconds = 60.0 if (kills + finished) % 6 == 5 else chance.uniform(0.001, usual)
        child = forks.Process(target=sync_and_be_killed, args=(tmp_path, SEED, writes, seconds))
        began = time.monotonic()
        child.start()
        child.join()
        now = state(tmp_path)
        if child.exitcode == -signal.SIGALRM:
            kills += 1
            assert now in (old, expected(writes))  # both tables are of the same state
        else:
            assert child.exitcode == 0
            finished += 1
            usual = 0.7 * usual + 0.3 * (time.monotonic() - began)
            assert now == expected(writes)
        if now == expected(writes) or chance.random() < 0.2:  # the source goes on, whether or not we keep up
            writes += chance.randrange(1, 30)
        old = now
    assert kills == KILLS
    assert finished >= KILLS // 6
