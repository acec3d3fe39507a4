"""Scoring runs that are kept, as later ones look back on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd


@dataclass(frozen=True)
class ScoringRun:
    """A scoring run: its date and when it began (UTC, without a zone), and its model's version."""

    run_id: str
    as_of: datetime
    started_at: datetime
    model_version: str


@dataclass(frozen=True)
class EarlierRun:
    """A scoring run: its date (milliseconds), its model's version, and the win probability by opportunity_id."""

    run_id: str
    as_of: int
    model_version: str
    probabilities: pd.Series
