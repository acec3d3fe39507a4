"""Steps of the benchmark against peers, each run in a process of its own: the tables, and one timed computation."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from benchmarks._companies import company
from benchmarks.features_peers import FEATURES
from crm.history import data_through
from features.catalogue import catalogue
from features.feature import Vocabulary
from features.histories import Histories
from features.snapshots import grid
from features.stream import Events

EVENTS_A_DEAL = 20
COLUMNS = {
    "touches": ("meeting", "call", "demo", "proposal"),
    "replies": ("inbound", "outbound"),
    "stages": ("rank", "entered", "forward", "backward", "skipped", "reopened"),
    "amounts": ("value", "changed", "given"),
    "close_dates": ("day", "given", "pushed", "pulled", "pushed_days"),
}
"""The streams, and the columns of them that the features ask."""

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How far answers may lie apart: ours are float32, and a difference of two logarithms is 0 only up to rounding."""

FEW = 200
"""Deals with which code is loaded and threads are started before the clock is."""

Arrays = Mapping[str, Mapping[str, np.ndarray]]


def write(deals: str, folder: str) -> dict[str, int]:
    """The coded tables of a company of so many deals, rows in random order, a file a column."""
    tables = company(int(deals), int(deals) * EVENTS_A_DEAL)
    histories, sources = Histories(tables), catalogue(Vocabulary()).streams
    rng = np.random.default_rng(0)
    rows = {}
    for stream, names in COLUMNS.items():
        events = sources[stream].events(histories)
        assert isinstance(events, Events), f"{stream}: {events.why}"
        found = {"deal": events.key, "ts": events.at, **{name: events.column(name) for name in names}}
        rows[stream] = _save(Path(folder), stream, found, rng)
    asked = grid(histories, 7, data_through(tables))
    rows["snapshots"] = _save(Path(folder), "snapshots", {"deal": asked.deal, "as_of": asked.as_of}, rng)
    return rows


def once(method: str, folder: str) -> dict[str, float | str]:
    """Seconds of one computation, from the tables in memory to the features in memory.

    Our answers are kept in the folder; those of the others are held against them.
    """
    module, function = METHODS[method]
    peer = import_module(f"benchmarks.{module}")
    compute: Callable[[Any], Any] = getattr(peer, function)
    arrays = _load(Path(folder))
    try:
        compute(peer.load(_few(arrays)))
        tables = peer.load(arrays)
        gc.collect()
        started = time.perf_counter()
        answers = compute(tables)
        seconds = time.perf_counter() - started
    except (MemoryError, duckdb.OutOfMemoryException):
        return {"failed": "out of memory"}
    del tables
    kept = Path(folder) / "answers.npy"
    if method == "dealcast":
        np.save(kept, np.stack([peer.column(answers, name) for name in FEATURES]))
    else:
        _check(method, arrays["snapshots"], partial(peer.column, answers), np.load(kept, mmap_mode="r"))
    return {"seconds": seconds}


def _check(method: str, asked: Mapping[str, np.ndarray], theirs: Callable[[str], np.ndarray], ours: np.ndarray) -> None:
    """AssertionError where rows are others or answers differ."""
    at = np.lexsort((asked["as_of"], asked["deal"]))
    place = np.lexsort((theirs("as_of"), theirs("deal")))
    for key in ("deal", "as_of"):
        assert np.array_equal(asked[key][at], theirs(key)[place]), f"{method} has other rows"
    for name, mine in zip(FEATURES, ours, strict=True):
        its = theirs(name)[place].astype(float)
        apart = np.flatnonzero(~np.isclose(mine[at], its, RELATIVE, ABSOLUTE, equal_nan=True))
        if len(apart):
            one = apart[0]
            raise AssertionError(
                f"{method}: {name} differs at {len(apart)} of {len(at)} snapshots, as at deal "
                f"{asked['deal'][at][one]}, {asked['as_of'][at][one]}: {its[one]!r}, ours {mine[at][one]!r}"
            )


def _save(folder: Path, table: str, columns: Mapping[str, np.ndarray], rng: np.random.Generator) -> int:
    (folder / table).mkdir(parents=True)
    time = "as_of" if table == "snapshots" else "ts"
    twice = pd.DataFrame({"deal": columns["deal"], "at": columns[time]}).duplicated().any()
    assert not twice, f"{table}: two rows of a deal at one time have no order"
    order = rng.permutation(len(columns["deal"]))
    for name, column in columns.items():
        np.save(folder / table / f"{name}.npy", column[order])
    return len(order)


def _load(folder: Path) -> Arrays:
    files: dict[str, dict[str, np.ndarray]] = {}
    for name, columns in {"snapshots": (), **COLUMNS}.items():
        keys = ("deal", "as_of" if name == "snapshots" else "ts")
        files[name] = {column: np.load(folder / name / f"{column}.npy") for column in (*keys, *columns)}
    return files


def _few(arrays: Arrays) -> Arrays:
    return {name: {c: a[columns["deal"] < FEW] for c, a in columns.items()} for name, columns in arrays.items()}


METHODS = {
    "dealcast": ("_peers_dealcast", "kernel"),
    "polars": ("_peers_polars", "packed"),
    "polars_by_deal": ("_peers_polars", "by_deal"),
    "duckdb": ("_peers_duckdb", "joined"),
    "pandas": ("_peers_pandas", "packed"),
    "pandas_by_deal": ("_peers_pandas", "by_deal"),
}
"""Each way to compute the features: its module and function."""


if __name__ == "__main__":
    print(json.dumps({"write": write, "once": once}[sys.argv[1]](*sys.argv[2:])))
