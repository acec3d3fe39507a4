"""What earlier forecasts were off by, put right: one factor for open deals and one for deals to come, by weeks ahead.

A factor is what came ÷ what was expected over the periods that are over, forecasts made as many weeks before the end
counting most, drawn towards 1 as if some periods more had come as expected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

STRENGTH = 4.0
"""As if so many periods more had brought what was expected."""

WEEKS = 2.0
"""A forecast made so many weeks earlier or later counts half as much."""

_LEAST, _MOST = 0.5, 2.0


@dataclass(frozen=True)
class Factors:
    """What is expected of open deals, and of deals to come, is multiplied by these; (windows,) each."""

    open_pipeline: np.ndarray
    new_business: np.ndarray

    def times(self, factor: np.ndarray) -> Factors:
        """Both, multiplied further."""
        return Factors(self.open_pipeline * factor, self.new_business * factor)


@dataclass(frozen=True)
class Corrections:
    """What earlier periods brought beside what was expected: a row a period, window and weeks left, of the company.

    :param rows: columns `window`, `weeks_left`, and for each part what was `_expected` and what `_came`.
    """

    rows: pd.DataFrame

    def factors(self, weeks_left: np.ndarray) -> Factors:
        """The factors of a moment; `weeks_left` (windows,) to the end of each window."""
        found = [
            [self._factor(part, window, weeks) for window, weeks in enumerate(weeks_left)]
            for part in ("open_pipeline", "new_business")
        ]
        return Factors(*(np.array(part) for part in found))

    def _factor(self, part: str, window: int, weeks: float) -> float:
        rows = self.rows[self.rows["window"] == window]
        if not len(rows):
            return 1.0
        near = 0.5 ** (np.abs(rows["weeks_left"].to_numpy(float) - weeks) / WEEKS)
        period = rows["period_end"].to_numpy()
        share = near / pd.Series(near).groupby(period).transform("sum").to_numpy()  # each period counts the same
        expected = float((share * rows[f"{part}_expected"]).sum())
        came = float((share * rows[f"{part}_came"]).sum())
        prior = STRENGTH * expected / rows["period_end"].nunique()
        return float(np.clip((came + prior) / (expected + prior), _LEAST, _MOST)) if expected > 0 else 1.0


NONE = Corrections(pd.DataFrame({"window": []}))
"""As expected."""
