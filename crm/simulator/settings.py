"""What may be chosen about the simulated company."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from crm.errors import WrongUse

DAY = 86_400
"""Seconds in a day: the simulator counts time in whole seconds since the first day's midnight."""


@dataclass(frozen=True)
class SimulatorSettings:
    """The size and the nature of the simulated company; equal settings give equal tables, to the byte.

    `end` is the last day of the history and `years` its length. `reps` are seats: people leave and are
    replaced. `dirt` is the share of rows that are spoilt in written files. `signal` multiplies how far merit,
    engagement and stage move the odds of winning: at 0 every open deal has the same chance. `growth` is the
    yearly growth of the number of new deals.
    """

    deals: int = 5000
    seed: int = 7
    end: date = date(2026, 8, 14)
    years: float = 3.0
    reps: int = 30
    dirt: float = 0.005
    signal: float = 1.0
    growth: float = 0.15

    def __post_init__(self) -> None:
        _within("deals", self.deals, 1, 5_000_000)
        _within("seed", self.seed, 0, 2**63)
        _within("years", self.years, 0.25, 20)
        _within("reps", self.reps, 1, 5_000)
        _within("dirt", self.dirt, 0, 0.2)
        _within("signal", self.signal, 0, 5)
        _within("growth", self.growth, -0.9, 10)

    @property
    def start(self) -> date:
        """The history's first day."""
        return self.end + timedelta(days=1) - timedelta(days=self.days)

    @property
    def days(self) -> int:
        """How many days the history spans, the last one included."""
        return round(self.years * 365.25)

    @property
    def horizon(self) -> int:
        """The second at which the history stops: the end of its last day."""
        return self.days * DAY

    def random(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one part may change and leave the others alone."""
        key = zlib.crc32(purpose.encode())
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(key,))))


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise WrongUse(f"{name} = {value}", where="simulator settings", expected=f"a number from {low:g} to {high:g}")
