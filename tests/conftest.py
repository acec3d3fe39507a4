"""What every test relies on: the same surroundings on every machine, and real data where there are any."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import Postgres, postgres_server

# What a developer has set for Dealcast or MLflow is not the tests'. Done here, before anything imports what
# reads it. Two threads: the same load on any machine, and many make LightGBM slower on small data.
for name in list(os.environ):
    if name.startswith(("DEALCAST_", "MLFLOW_")) and name != "DEALCAST_REAL_DATA":
        del os.environ[name]
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MPLBACKEND="Agg", OMP_NUM_THREADS="2")
# Threads that spin while they wait starve each other where cores are shared; read when the OpenMP runtime loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Deadlines measure the machine, not the code. CI tries the same examples every time; a developer's run looks
# for new ones, and prints how to repeat what it found.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real CRM data; a test that needs it is skipped where DEALCAST_REAL_DATA names none."""
    named = os.environ.get("DEALCAST_REAL_DATA")
    if not named:
        pytest.skip("DEALCAST_REAL_DATA is not set: no real data to test with")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"DEALCAST_REAL_DATA names {named}, which is not a folder")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, started when the first test asks for it."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of one's own."""
    with postgres.database() as url:
        yield url
