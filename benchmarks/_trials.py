"""Trials whose truth is known: deals with a win chance that is nearly right, an effect that was put in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.trial.estimate import DRAWS, Difference, difference

OWNERS = 40


@dataclass(frozen=True)
class Made:
    """Outcomes, arms, chances at assignment and units; shape (n,) each."""

    y: np.ndarray
    coached: np.ndarray
    p: np.ndarray
    unit: np.ndarray

    def difference(self, draws: int = DRAWS) -> Difference:
        return difference(self.y, self.coached, self.p[:, None], self.unit, draws)


def made(
    rng: np.random.Generator, n: int, *, effect: float = 0.0, kind: str = "deal", share: float = 0.2, alike: float = 0.4
) -> Made:
    """A trial of n deals in which coaching turns so many not-won deals into won ones that their share rises by effect.

    :param alike: how alike deals of one unit are, beyond their chances (standard deviation of log odds).
    """
    p = rng.beta(1.2, 3.0, n)
    unit = {"deal": np.arange(n), "account": rng.integers(0, n // 2, n), "owner": rng.integers(0, OWNERS, n)}[kind]
    units = int(unit.max()) + 1
    logit = np.log(p / (1 - p)) * 1.1 - 0.1 + (0 if kind == "deal" else rng.normal(0, alike, units)[unit])
    truth = 1 / (1 + np.exp(-logit))
    # Drawn anew where an arm is empty: there is nothing to compare then.
    held = np.zeros(units, dtype=bool)
    while not (held.any() and not held.all()):
        held = rng.random(units) < share
    won = rng.random(n) < truth
    lifted = ~held[unit] & ~won & (rng.random(n) < effect / (1 - truth.mean()))
    return Made((won | lifted).astype(float), ~held[unit], p, unit)
