"""A pipeline of deals judged on later dates: each deal has three rows and stands in two stages."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from tests.training.examples import evidence_of, judged_of, stages
from training.gate import Evidence
from training.segments import segments

DEALS, ROWS_EACH = 400, 3
N = DEALS * ROWS_EACH
DEAL = np.arange(N) // ROWS_EACH
STAGES = stages(*["Qualify", "Propose"] * (N // 2))
STAGE_RATE = np.where(STAGES == "Propose", 0.5, 0.3)
TRUTH = expit(logit(STAGE_RATE) + np.random.default_rng(0).normal(0, 1.3, DEALS)[DEAL])
"""True probabilities: the stage tells something, the deal itself, the same in all its rows, more."""
Y = (np.random.default_rng(1).random(DEALS)[DEAL] < TRUTH).astype(float)
"""What came of the deals."""


def coin(seed: int) -> np.ndarray:
    """Probabilities that know nothing of the outcomes."""
    return np.random.default_rng(seed).uniform(0.1, 0.9, DEALS)[DEAL]


def evidence(model: np.ndarray, **said: object) -> Evidence:
    """What the checks look at, of a model that promised so."""
    judged = judged_of(Y, DEAL, STAGES, model=model, stage_win_rates=STAGE_RATE)
    return evidence_of(judged, **{"segments": segments(judged, {"stage": STAGES}), **said})


def nothing_judged(**said: object) -> Evidence:
    """What the checks look at where no later deals can judge."""
    return evidence_of(None, **said)
