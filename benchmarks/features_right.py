"""Are the features right? What happens later changes none of them; a plain second reading gives the same numbers."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._futures import another_future
from crm.clock import DAY
from crm.history import data_through
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import Kernel, Prepared, Snapshots, compute, prepare
from features.feature import Vocabulary
from features.histories import Histories
from features.settings import propose
from features.snapshots import grid
from features.vocabulary import learn
from tests.features.reference import Place, Reference, agree
from tests.histories import EVERYTHING, Life, company, show

TITLE = "Are the features right?"
COMPANIES, DEALS_EACH = 75, 140
SIMULATED_DEALS = 5_000
NEAR = 1e-9
LATER_DAYS = 30


def run() -> str:
    """Both proofs, each as a paragraph with its counts."""
    return "\n\n".join([_later_changes_nothing(), _agreement()])


# What happens later ----------------------------------------------------------------------------------------------


def _later_changes_nothing() -> str:
    lines = [
        "**What happens after a date changes no feature up to it.** Everything after the date is thrown away and drawn "
        "anew: every tracked field of 70 % of the open deals changes to another deal's value, deals close at random, "
        "as many activities as there were are put on random deals. All features of all weekly snapshots up to the date "
        "are computed from the real tables and from those, and compared bit by bit. To show that the other future is "
        f"another one: the features of the same deals {LATER_DAYS} days after the date.",
        "",
        "| company | date | rows gone | rows drawn | snapshots | features | numbers | changed | differ later |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, tables in _companies().items():
        end = data_through(tables)
        for back in (60, 200) if name == "simulated" else (14, 45):
            lines.append(_mutated(name, tables, end - back * DAY))
    return "\n".join(lines)


def _companies() -> dict[str, CrmTables]:
    found = {"simulated": simulate(SimulatorSettings(deals=SIMULATED_DEALS)).tables}
    root = os.environ.get("DEALCAST_REAL_DATA")
    if root is not None and (Path(root) / "loan_offers").is_dir():
        found["loan_offers"] = read_folder(Path(root) / "loan_offers").tables
    else:
        print("features_right: loan_offers left out, DEALCAST_REAL_DATA does not name it", file=sys.stderr)
    return found


def _mutated(name: str, tables: CrmTables, as_of: int) -> str:
    other, gone, drawn = another_future(tables, as_of, np.random.default_rng(1))
    histories = Histories(tables)
    vocabulary = learn(histories, propose(histories).calendar)
    before, after = (_Seen(each, vocabulary) for each in (tables, other))
    past = [seen.features(grid(seen.histories, 7, as_of)) for seen in (before, after)]
    changed = _differs(*past)
    bad = list(past[0].columns[changed.any(axis=0)])
    said = f"{changed.sum():,}" + (f" ({', '.join(bad)})" if bad else "")
    ids = histories.deals["opportunity_id"]
    both = before.rows_of(ids[ids.isin(other["opportunities"]["opportunity_id"])])
    later = as_of + LATER_DAYS * DAY
    control = _differs(
        *(
            seen.features(Snapshots(rows, np.full(len(rows), later)))
            for seen, rows in ((before, both), (after, after.rows_of(ids.iloc[both])))
        )
    )
    cells = [
        name,
        np.datetime64(as_of, "ms").astype("datetime64[D]"),
        f"{gone:,}",
        f"{drawn:,}",
        f"{len(past[0]):,}",
        past[0].shape[1],
        f"{past[0].size:,}",
        said,
        f"{control.any(axis=0).sum()} ({control.mean():.0%} of their numbers)",
    ]
    return f"| {' | '.join(map(str, cells))} |"


class _Seen:
    """A company's tables, to be asked for every feature that can be had."""

    def __init__(self, tables: CrmTables, vocabulary: Vocabulary) -> None:
        self.histories = Histories(tables)
        self._prepared = prepare(self.histories, catalogue(vocabulary), vocabulary.calendar)

    def features(self, snapshots: Snapshots) -> pd.DataFrame:
        return compute(self._prepared, snapshots, self._prepared.known_features)

    def rows_of(self, ids: pd.Series) -> np.ndarray:
        return self.histories.deal_rows(ids)


def _differs(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Where two frames of one shape do not hold the same number, or both none."""
    if one.shape != other.shape or list(one) != list(other):
        raise AssertionError(f"not the same snapshots or features: {one.shape} and {other.shape}")
    return (one != other).to_numpy() & ~(one.isna() & other.isna()).to_numpy()


# A second reading ------------------------------------------------------------------------------------------------


def _agreement() -> str:
    """Kernel against the plain interpreter of the tests, at a random moment of every deal of random companies."""
    found = _Compared()
    for seed in range(COMPANIES):
        rng = np.random.default_rng(seed)
        histories = Histories(show(company(rng, Life(days=int(rng.choice((60, 300))), deals=DEALS_EACH)), rng))
        prepared = prepare(histories, catalogue(EVERYTHING), EVERYTHING.calendar)
        moments = np.concatenate([stream.at for stream in prepared.streams.values()])
        deals = np.arange(len(histories))
        found.compare(prepared, Snapshots(deals, rng.choice(moments, len(deals))))
    return (
        f"**A plain second reading gives the same numbers.** {found.deals:,} deals of {COMPANIES} random companies "
        "(events at the same moment, reopened deals, activities recorded late, handovers, missing tables, rows in any "
        "order), each asked at the moment of some event. The reference looks at one snapshot at a time, filters "
        f"what was known and adds up. {found.features} features, {found.numbers:,} numbers compared (of "
        f"which {found.known:,} known): {found.apart:,} differ by more than {NEAR:g} relative; the largest relative "
        f"difference is {found.worst:.1e}."
    )


@dataclass
class _Compared:
    """What was compared so far."""

    deals: int = 0
    numbers: int = 0
    known: int = 0
    apart: int = 0
    worst: float = 0.0
    names: set[str] = field(default_factory=set)

    @property
    def features(self) -> int:
        return len(self.names)

    def compare(self, prepared: Prepared, snapshots: Snapshots) -> None:
        """Every feature at every snapshot, by both."""
        kernel, plain = (
            Kernel(prepared, snapshots),
            Reference(prepared.histories, prepared.catalogue, prepared.calendar),
        )
        places = [Place(int(d), int(a)) for d, a in zip(snapshots.deal, snapshots.as_of, strict=True)]
        self.deals += len(places)
        for name in prepared.known_features:
            question = prepared.catalogue.feature(name).ask
            fast = kernel.answer(question)
            slow = np.array([plain.answer(question, place) for place in places])
            self.names.add(name)
            self.numbers += len(slow)
            self.known += int((~np.isnan(slow)).sum())
            self.apart += int((~agree(fast, slow)).sum())
            off = np.abs(fast - slow) / np.maximum(np.abs(slow), 1e-300)
            self.worst = max(self.worst, float(np.nanmax(np.append(off, 0.0))))
