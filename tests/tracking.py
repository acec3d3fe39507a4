"""A store of MLflow's for the tests, made once a process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore


@cache
def empty_tracking_store() -> Path:
    """A new SQLite store, to be copied; to make one it walks through all versions that there ever were."""
    folder = Path(tempfile.mkdtemp(prefix="dealcast-mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "mlruns"))
    return folder / "mlflow.db"
