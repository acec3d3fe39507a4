"""A forecast summed by owner, manager, region and company: every level adds up what its owners have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crm.hierarchy import Hierarchy
from training.forecast.forecaster import Forecast


@dataclass(frozen=True)
class LevelForecast:
    """One window of a forecast at one level.

    :param keys: n of them. :param already: (n,) won before, in the first window's period; 0 in the others.
    :param open_pipeline, new_business: (n,) expected.
    :param drawn: (n, draws) the three together, as they may come.
    """

    level: str
    window: int
    keys: tuple[str, ...]
    already: np.ndarray
    open_pipeline: np.ndarray
    new_business: np.ndarray
    drawn: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Expected revenue of the window's period; shape (n,)."""
        return self.already + self.open_pipeline + self.new_business


def rolled_up(forecast: Forecast, hierarchy: Hierarchy) -> Iterator[LevelForecast]:
    """Each window at each level, from the company downwards."""
    nothing = np.zeros_like(forecast.already)
    for window in range(len(forecast.moment.ends)):
        already = forecast.already if window == 0 else nothing
        parts = (already, forecast.open_pipeline[:, window], forecast.new_business[:, window])
        whole = already[:, None] + forecast.drawn[:, window]
        for level in hierarchy.levels:
            keys = hierarchy.keys[level]
            yield LevelForecast(level, window, keys, *(hierarchy.total(level, part)[1] for part in (*parts, whole)))
