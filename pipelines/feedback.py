"""People's verdicts on deals beside the model's answer: kept, listed, and held against what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.champion import found_store
from pipelines.company import open_company
from pipelines.config import Home, caller, load_config
from pipelines.explain import newest_score
from serving.feedback import Field, Said, fitting, kept
from serving.store import Store
from serving.store_people import VERDICTS
from serving.verdicts import Overrides, Side, judged, overrides, sides, standing

OPTIONS = {
    "side": Field("--too", "--too high or --too low: on which side the model's chance is off"),
    "probability": Field("--probability", 'your own chance, such as --probability 0.25 or --probability "25 %"'),
    "until": Field("--until", "the day on which the deal comes back, such as --until 2026-12-01"),
}
"""The options that say what each verdict must say."""


@dataclass(frozen=True)
class Listing:
    """Verdicts, the first one first: columns of FEEDBACK, and how the deal stood.

    :param still_open: whether only those were taken that stand today, of deals in the newest scoring run.
    """

    table: pd.DataFrame
    still_open: bool


@dataclass(frozen=True)
class Record:
    """Who was right on deals that have closed since: people's own chances, and what they said of the model's."""

    given: int
    closed: int
    overrides: Overrides
    sides: Mapping[str, Side]
    notes: tuple[str, ...]


def give(opportunity_id: str, said: Said, author: str | None, home: Home) -> dict[str, Any]:
    """Keep a verdict beside the newest score of a deal: a row of FEEDBACK, with the deal's `name`.

    :param author: who says so; None: whoever calls.
    :raises WrongUse: where the deal was never scored, is open no longer, or the verdict says too much or too little.
    """
    fitting(said, OPTIONS)
    store = found_store(home, load_config(home))
    score = newest_score(opportunity_id, home, store)
    assert store is not None
    return kept(store, score, said, author or caller(), OPTIONS)


def listing(home: Home, *, still_open: bool) -> Listing:
    """All verdicts; or what stands of them on deals that were open in the newest scoring run."""
    store = found_store(home, load_config(home))
    table = all_feedback(store)
    if still_open and store is not None:
        scored = store.scored_deals(store.last_as_of("score"))
        table = standing(table)
        table = table[table["opportunity_id"].isin(scored)]
    return Listing(table.reset_index(drop=True), still_open)


def record(home: Home, data: Path, as_of: str) -> Record:
    """Who was right, on deals that have closed by the date."""
    config = load_config(home)
    table = all_feedback(found_store(home, config))
    company = open_company(data, as_of, config)
    table = judged(table, company.histories, company.complete_until)
    closed = int(table["closed"].sum())
    return Record(len(table), closed, overrides(table), sides(table), company.notes)


def all_feedback(store: Store | None) -> pd.DataFrame:
    """Every verdict, the first one first: columns of FEEDBACK, and the deal's name, account and facts as scored."""
    return pd.DataFrame(columns=list(VERDICTS)) if store is None else store.verdicts()
