"""A scoring run that is kept, as later ones look back on it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class EarlierRun:
    """A scoring run: its date (milliseconds), its model's version, and the win probability by opportunity_id."""

    run_id: str
    as_of: int
    model_version: str
    probabilities: pd.Series
