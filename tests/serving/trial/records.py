"""Trials as the store keeps them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from serving.trial.assignment import HELD_BACK, arm_of
from tests.histories import millis


def assigned(*ids: str, day: str = "2026-01-10", share: float = 0.5, **columns: object) -> pd.DataFrame:
    """Rows of TRIAL for deals that came in at the end of a day, in the arms that the draw gives them."""
    units = pd.Series([f"deal {one}" for one in ids])
    table = pd.DataFrame(
        {
            "trial_id": "t",
            "opportunity_id": list(ids),
            "seed": "s",
            "share": share,
            "unit_kind": "deal",
            "follow_days": 30,
            "unit": units,
            "as_of": pd.Timestamp(millis(f"{day}T23:59:59"), unit="ms"),
            "win_probability": 0.3,
            "amount": 100.0,
            "stage": "Propose",
            **columns,
        }
    )
    if "arm" not in columns:
        table["arm"] = [arm_of("s", share, unit) for unit in table["unit"]]
    return table


def many(n: int, share: float = 0.2, seed: int = 0, **columns: object) -> pd.DataFrame:
    """A trial of n deals with chances, amounts and stages of their own."""
    rng = np.random.default_rng(seed)
    own = {
        "win_probability": rng.beta(1.2, 3.0, n),
        "amount": np.exp(rng.normal(10, 1, n)),
        "stage": rng.choice(["Qualify", "Propose"], n),
    }
    return assigned(*(f"D{number:05}" for number in range(n)), share=share, **{**own, **columns})


def held(table: pd.DataFrame) -> np.ndarray:
    """Whether each deal is held back; shape (n,)."""
    return (table["arm"] == HELD_BACK).to_numpy()


NOTHING_SHOWN = pd.DataFrame({"before": [], "since": []}, index=pd.Index([], name="opportunity_id"))
