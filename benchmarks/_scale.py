"""Steps of the benchmark at scale, each run in a process of its own so that its memory is its own."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._companies import EVENTS, company
from crm.clock import event_millis
from crm.history import data_through
from crm.tables import CrmTables
from features.catalogue import Catalogue, catalogue
from features.engines import Prepared, compute, key_questions, sorted_streams
from features.feature import Absent
from features.histories import Histories
from features.questions import streams_of
from features.settings import propose
from features.snapshots import grid
from features.vocabulary import learn

EVENTS_A_DEAL = 20
TIMES = {"changes": "changed_at", "activities": "occurred_at", "contact_roles": "added_at"}


def kernel(deals: str, families: str = "") -> dict[str, object]:
    """Coding, sorting and answering for so many deals, in one process.

    :param families: names of families with commas between them; without, all of them.
    """
    tables = _shuffled(company(int(deals), int(deals) * EVENTS_A_DEAL))
    reference = _sort_once(tables)
    until = data_through(tables)
    started = time.perf_counter()
    histories = Histories(tables)
    settings = propose(histories)
    known = _of_families(catalogue(learn(histories, settings.calendar)), families)
    made = {name: source.events(histories) for name, source in known.streams.items()}
    events = {name: some for name, some in made.items() if not isinstance(some, Absent)}
    absent = {name: some.why for name, some in made.items() if isinstance(some, Absent)}
    snapshots = grid(histories, 7, until)
    del made
    coding = time.perf_counter() - started
    started = time.perf_counter()
    streams = sorted_streams(events, histories, known)
    del events
    prepared = Prepared(histories, known, settings.calendar, streams, absent)
    sorting = time.perf_counter() - started
    answers = compute(prepared, snapshots, prepared.known_features)
    return {
        "deals": len(histories),
        "events": sum(len(tables[name]) for name in EVENTS),
        "snapshots": len(snapshots),
        "features": answers.shape[1],
        "sort_seconds": reference,
        "streams_seconds": sorting,
        "features_seconds": time.perf_counter() - started,
        "coding_seconds": coding,
        "peak_gib": _peak(resource.RUSAGE_SELF),
    }


def touch() -> dict[str, object]:
    """Write to most of the memory that is free: a virtual machine gets its memory where it is first written to.

    That made the same array ten times slower to fill in the first process that used it than in the next.
    """
    free = int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.8)
    np.empty(free, np.uint8).fill(1)
    return {"gib": free / 2**30}


def _of_families(known: Catalogue, families: str) -> Catalogue:
    """The features of some families, and the streams that they and the keys of entities ask."""
    if not families:
        return known
    wanted = tuple(family for family in known.families if family.name in families.split(","))
    asked = {name for family in wanted for feature in family.features for name in streams_of(feature.ask)}
    entities = {known.streams[name].entity for name in asked} - {"deal", "company"}
    asked |= {name for one in entities for question in key_questions(one) for name in streams_of(question)}
    streams = {name: source for name, source in known.streams.items() if name in asked}
    bare = [replace(family, streams={}) for family in wanted[1:]]
    return Catalogue((replace(wanted[0], streams=streams), *bare))


def write(deals: str, folder: str) -> dict[str, object]:
    """The company's tables as Parquet files."""
    Path(folder).mkdir(parents=True)
    tables = company(int(deals), int(deals) * EVENTS_A_DEAL)
    for name, frame in tables.frames.items():
        frame.to_parquet(Path(folder) / f"{name}.parquet", index=False)
    return {"deals": len(tables["opportunities"])}


def command(deals: str, folder: str, out: str, *more: str) -> dict[str, object]:
    """`dealcast features` on the folder."""
    home = Path(out).with_name("home")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "dealcast.toml").write_text(
        '[data]\nfixed = ["type", "lead_source", "product", "region"]\n', encoding="utf-8"
    )
    words = ["--data", folder, "--home", str(home), "--out", out, "--json", *more]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "features", *words], check=True, stdout=subprocess.PIPE, text=True
    )
    told = json.loads(done.stdout)
    return {
        "deals": int(deals),
        "seconds": time.perf_counter() - started,
        "peak_gib": _peak(resource.RUSAGE_CHILDREN),
        **{name: told[name] for name in ("rows", "parts", "fingerprint")},
    }


def _shuffled(tables: CrmTables) -> CrmTables:
    """Events in random order: an export has them in any."""
    rng = np.random.default_rng(0)
    mixed = {name: tables[name].take(rng.permutation(len(tables[name]))).reset_index(drop=True) for name in EVENTS}
    return tables.with_frames(**mixed)


def _sort_once(tables: CrmTables) -> float:
    """Seconds to sort all events by deal and time, keys and times put in order; median of three."""
    ids = pd.Index(tables["opportunities"]["opportunity_id"])
    key = np.concatenate([tables.deal_of(name) for name in EVENTS])
    at = np.concatenate([event_millis(tables[name][column]) for name, column in TIMES.items()])
    at = np.where(at > 2**42, 0, at)
    bits = int(at.max()).bit_length()
    assert bits + len(ids).bit_length() < 64

    def sort() -> None:
        order = np.argsort((key << bits) | at, kind="stable")
        _ = key[order], at[order]

    return statistics.median(_seconds(sort) for _ in range(3))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _peak(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / 2**20


STEPS: dict[str, Callable[..., dict[str, object]]] = {
    "kernel": kernel,
    "touch": touch,
    "write": write,
    "command": command,
}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
