"""Explain: one deal's newest score, so that a rep understands it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crm.errors import WrongUse
from pipelines.champion import found_store
from pipelines.config import Home, load_config
from serving.formats import HOUSE, Formats
from serving.store import Store
from serving.verdicts import standing


@dataclass(frozen=True)
class ExplainResult:
    """A deal's stored score with its reasons, stall reasons, coaching and like deals read back from JSON.

    :param formats: how figures are written.
    :param verdicts: what people say of the deal (:func:`serving.verdicts.standing`), the first one first.
    :param trial: the deal's row in the trial under way; None where it is in none.
    """

    score: dict[str, Any]
    reasons: dict[str, Any]
    stall_reasons: dict[str, Any]
    coaching: list[dict[str, Any]]
    formats: Formats = HOUSE
    verdicts: tuple[dict[str, Any], ...] = ()
    trial: dict[str, Any] | None = None
    like_deals: dict[str, Any] = field(default_factory=dict)


def explain(opportunity_id: str, home: Home) -> ExplainResult:
    """The newest score of a deal. Raises WrongUse where it was never scored."""
    config = load_config(home)
    store = found_store(home, config)
    row = newest_score(opportunity_id, home, store)
    assert store is not None
    said = store.feedback(opportunity_id)
    stands = standing(pd.DataFrame(said, columns=["author", "opportunity_id", "verdict"])).index
    return ExplainResult(
        row,
        json.loads(row["reasons"]),
        json.loads(row["stall_reasons"]),
        json.loads(row["coaching"]),
        config.formats,
        tuple(said[place] for place in stands),
        store.assignment(config.trial.trial_id, opportunity_id) if config.trial.is_on else None,
        store.like_deals(row["run_id"], opportunity_id),
    )


def newest_score(opportunity_id: str, home: Home, store: Store | None) -> dict[str, Any]:
    """The newest score of a deal, as the store keeps it. Raises WrongUse where it was never scored."""
    row = None if store is None else store.latest_score(opportunity_id)
    if row is None:
        raise WrongUse(
            f"the deal '{opportunity_id}' has not been scored",
            where=str(home.path),
            remedy="run `dealcast score --data DIR` first; its list and file show the ids of the open deals",
        )
    return row
