"""The features of `features_peers` by our own kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.features_peers import ASKED, FEATURES
from crm.periods import FiscalCalendar
from features.catalogue import Catalogue
from features.engines import Prepared, Snapshots, compute, sorted_streams
from features.feature import Absent, Family, Feature, StreamSource, Unit, Wording
from features.histories import Histories
from features.questions import streams_of
from features.stream import Events


@dataclass(frozen=True)
class Tables:
    """How many deals there are, the events of each stream, the snapshots."""

    deals: int
    events: Mapping[str, Events]
    snapshots: Snapshots

    def entity_size(self, entity: str) -> int:
        """As much of a company's histories as the streams of its deals ask."""
        assert entity == "deal"
        return self.deals


def load(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> Tables:
    """The tables as unsorted events."""
    events = {
        name: Events(columns["deal"], columns["ts"], {c: a for c, a in columns.items() if c not in ("deal", "ts")})
        for name, columns in arrays.items()
        if name != "snapshots"
    }
    snapshots = Snapshots(arrays["snapshots"]["deal"], arrays["snapshots"]["as_of"])
    return Tables(max(int(columns["deal"].max()) for columns in arrays.values()) + 1, events, snapshots)


def kernel(tables: Tables) -> pd.DataFrame:
    """The streams sorted, the questions answered for each snapshot, in the order of the snapshots."""
    known = _catalogue()
    company: Any = tables
    streams = sorted_streams(tables.events, company, known)
    prepared = Prepared(company, known, FiscalCalendar(), streams, {})
    return compute(prepared, tables.snapshots, FEATURES)


def column(answers: pd.DataFrame, name: str) -> np.ndarray:
    """A feature; NaN where not known."""
    return answers[name].to_numpy()


def _catalogue() -> Catalogue:
    """The features that are compared, and the streams that they ask."""
    features = tuple(Feature(name, ask, Unit.COUNT, "", "", Wording("", "")) for name, ask in ASKED.items())
    streams = {name: StreamSource("deal", _not_made) for ask in ASKED.values() for name in streams_of(ask)}
    return Catalogue((Family("compared", streams, features),))


def _not_made(histories: Histories) -> Absent:
    del histories
    raise AssertionError("the events are given")
