"""Steps of retraining from tables to a gated champion, each in a process of its own so that its memory is its own."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from crm.simulator import SimulatorSettings, simulate
from pipelines.config import FILE, Home, quiet_libraries
from pipelines.train import train

DEALS_A_REP = 500 / 3
"""As in the company that is simulated unless said otherwise: 5,000 deals, 30 seats."""


def write(deals: str, folder: str) -> dict[str, object]:
    """A simulated company's tables as Parquet files."""
    Path(folder).mkdir(parents=True)
    tables = simulate(SimulatorSettings(deals=int(deals), reps=round(int(deals) / DEALS_A_REP))).tables
    for name, frame in tables.frames.items():
        frame.to_parquet(Path(folder) / f"{name}.parquet", index=False)
    return {"fixed": sorted(tables.fixed), "events": sum(len(tables[name]) for name in ("changes", "activities"))}


def retrain(folder: str, home: str, *fixed: str) -> dict[str, object]:
    """`dealcast train` on the folder: seconds and seconds of computing by step, and the most memory that it took."""
    Path(home).mkdir()
    (Path(home) / FILE).write_text(f"[data]\nfixed = {json.dumps(fixed)}\n", encoding="utf-8")
    told, clock = [], []

    def step(what: str) -> None:
        told.append(what)
        clock.append((time.perf_counter(), time.process_time()))

    found = train(Path(folder), "now", Home(Path(home)), step)
    step("end")
    took = np.diff(np.array(clock), axis=0)
    return {
        "steps": dict(zip(told, took.tolist(), strict=False)),
        "seconds": took.sum(axis=0).tolist(),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "deals": len(found.company.histories),
        "rows": len(found.trained.rows),
        "features": len(found.trained.rows.names),
        "promoted": found.promoted,
    }


if __name__ == "__main__":
    quiet_libraries()
    print(json.dumps({"write": write, "retrain": retrain}[sys.argv[1]](*sys.argv[2:])))
