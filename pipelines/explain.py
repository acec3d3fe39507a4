"""Explain: one deal's newest score, so that a rep understands it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from crm.errors import WrongUse
from pipelines.champion import has_store, open_store
from pipelines.config import Home, load_config
from serving.formats import HOUSE, Formats


@dataclass(frozen=True)
class ExplainResult:
    """A deal's stored score with its reasons, stall reasons, coaching and like deals read back from JSON.

    :param formats: how figures are written.
    """

    score: dict[str, Any]
    reasons: dict[str, Any]
    stall_reasons: dict[str, Any]
    coaching: list[dict[str, Any]]
    like_deals: dict[str, Any]
    formats: Formats = HOUSE


def explain(opportunity_id: str, home: Home) -> ExplainResult:
    """The newest score of a deal. Raises WrongUse where it was never scored."""
    config = load_config(home)
    store = open_store(home, config) if has_store(home, config) else None
    row = store.latest_score(opportunity_id) if store else None
    if store is None or row is None:
        raise WrongUse(
            f"the deal '{opportunity_id}' has not been scored",
            where=str(home.path),
            remedy="run `dealcast score --data DIR` first; its list and file show the ids of the open deals",
        )
    reasons, stalling, coaching = (json.loads(row[name]) for name in ("reasons", "stall_reasons", "coaching"))
    like = store.like_deals(row["run_id"], opportunity_id)
    return ExplainResult(row, reasons, stalling, coaching, like, config.formats)
