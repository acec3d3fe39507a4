"""What came of deals with a like value, feature by feature: the reference tables of a model as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

WON = "won"
STALLED = "stalled"
LEAST_DEALS = 10
LEAST_DIFFERENCE = 0.03


class Records:
    """For each feature and span of its values: the share for which the outcome came true, of how many deals."""

    def __init__(self, names: Sequence[str], reference: Mapping[str, Any], outcome: str) -> None:
        tables = [reference["features"][name] for name in names]
        self.overall = overall_rate(reference, outcome)
        self.missing = max((len(table["bins"]) for table in tables), default=0)
        """The span of what is not known."""
        self._bounds = [np.asarray(table["bounds"], dtype=float) for table in tables]
        self._rates = np.full((len(tables), self.missing + 1), np.nan)
        self._deals = np.zeros((len(tables), self.missing + 1), dtype=np.int64)
        for column, table in enumerate(tables):
            for span, found in (*enumerate(table["bins"]), (self.missing, table["missing"])):
                rate, self._deals[column, span] = _rate(found, outcome)
                self._rates[column, span] = np.nan if rate is None else rate

    def spans(self, values: np.ndarray) -> np.ndarray:
        """The span of each value, a value below all of them in the first; shape (n, features)."""
        found = np.empty(values.shape, dtype=np.int16)
        for column, bounds in enumerate(self._bounds):
            one = values[:, column].astype(float)
            place = np.maximum(np.searchsorted(bounds, one, side="right") - 1, 0)
            found[:, column] = np.where(np.isnan(one), self.missing, place)
        return found

    def agree(self, spans: np.ndarray, columns: np.ndarray, sign: np.ndarray) -> np.ndarray:
        """Whether enough deals of the span did clearly better (sign 1) or worse (-1) than all; (n, columns)."""
        here = spans[:, columns]
        apart = (self._rates[columns, here] - self.overall) * sign
        return np.asarray((apart >= LEAST_DIFFERENCE) & (self._deals[columns, here] >= LEAST_DEALS))

    def rate(self, column: int, span: int) -> tuple[float | None, int]:
        """The share of a span, None where no deal was there, and of how many."""
        rate = float(self._rates[column, span])
        return None if np.isnan(rate) else rate, int(self._deals[column, span])


def overall_rate(reference: Mapping[str, Any], outcome: str) -> float:
    """The share of all deals for which the outcome came true."""
    return float(reference["win_rate" if outcome == WON else "stall_rate"])


def _rate(found: Mapping[str, Any], outcome: str) -> tuple[float | None, int]:
    if outcome == STALLED:
        return found["stall_rate"], found["stall_deals"]
    return (found["won"] / found["deals"] if found["deals"] else None), found["deals"]
